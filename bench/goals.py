"""Every row of the design's table of numbers, in its order."""

from dataclasses import dataclass
from enum import StrEnum

from infra import wiring

IMPORT = "lambda_import"
SIZE = "zip_size"
HANDLER = "handler"
RING = "ring_lateness"
WEBHOOK = "commit_to_webhook"
LOST = "events_lost"
COST = "cost"
VAD = "vad_quality"
ARRIVALS = "arrivals"
BROWSERS = "browsers"
SIP = "sip"
CONVERSATION = "conversation"
MEDIA_PASS = "media_pass"
AUDIO_STEPS = "audio_steps"
MEASURES = (
    ARRIVALS,
    BROWSERS,
    SIP,
    CONVERSATION,
    MEDIA_PASS,
    AUDIO_STEPS,
    IMPORT,
    SIZE,
    HANDLER,
    RING,
    WEBHOOK,
    LOST,
    COST,
    VAD,
)
"""Each is a module of this package; this is their order."""


class Bound(StrEnum):
    """Which side of the limit is the good one."""

    AT_MOST = "<="
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Goal:
    """One row: what is measured, and how far it has to come."""

    slug: str
    unit: str
    limit: float
    measure: str = ""
    """The measure that it comes from; empty for none in this package."""
    why_not: str = ""
    """Why it has none."""
    bound: Bound = Bound.AT_MOST

    def is_reached(self, value: float) -> bool:
        if self.bound is Bound.AT_MOST:
            return value <= self.limit
        return value >= self.limit

    def __str__(self) -> str:
        return f"{self.bound}{self.limit:g}"


MEDIA_WORKER = (
    Goal("sip_cpu_per_call", "%core", 0.25, SIP),
    Goal("sip_calls_per_core", "calls", 300, SIP, bound=Bound.AT_LEAST),
    Goal("sip_late_frames", "frames", 0, SIP),
    Goal("sip_loss", "%", 0, SIP),
    Goal("sip_vad_cpu_per_call", "%core", 0.35, SIP),
    Goal("sip_vad_calls_per_core", "calls", 220, SIP, bound=Bound.AT_LEAST),
    Goal("sip_vad_memory_per_call", "MB", 1, SIP),
    Goal("sip_denoised_recorded_per_core", "calls", 200, SIP, bound=Bound.AT_LEAST),
    Goal("sip_arrivals_late_frames", "frames", 0, SIP),
    Goal("sip_arrivals_tick_p99", "ms", 10, SIP),
    Goal("webrtc_pcmu_cpu_per_call", "%core", 0.7, BROWSERS),
    Goal("webrtc_opus_cpu_per_call", "%core", 1.4, BROWSERS),
    Goal("webrtc_opus_calls_per_core", "calls", 50, BROWSERS, bound=Bound.AT_LEAST),
    Goal("ws_arrivals_late_frames", "frames", 0, ARRIVALS),
    Goal("ws_arrivals_refused", "sessions", 0, ARRIVALS),
    Goal("ws_arrivals_tick_p99", "ms", 10, ARRIVALS),
    Goal("ws_vad_cpu_per_call", "%core", 0.35, ARRIVALS),
    Goal("barge_in_p50", "ms", 120, CONVERSATION),
    Goal("barge_in_p95", "ms", 220, CONVERSATION),
    Goal("tts_cached_p95", "ms", 25, CONVERSATION),
    Goal("tts_embedded_p95", "ms", 100, CONVERSATION),
    Goal("asr_final_p95", "ms", 400, CONVERSATION),
    Goal("audio_in_out_p95_1_call", "ms", 22, MEDIA_PASS),
    Goal("audio_in_out_p95_100_calls", "ms", 22, MEDIA_PASS),
    Goal("invite_answered_p95", "ms", 8, SIP),
    Goal("denoise_step", "us", 7.6, AUDIO_STEPS),
    Goal("vad_f1", "score", 0.94, VAD, bound=Bound.AT_LEAST),
    Goal("vad_ap", "score", 0.985, VAD, bound=Bound.AT_LEAST),
)

CONTROL_PLANE = (
    Goal("lambda_import_plain", "ms", 120, IMPORT),
    *(
        Goal(f"lambda_import_{function.name}", "ms", 400, IMPORT)
        for function in wiring.FUNCTIONS
    ),
    Goal("zip_size", "MB", 16, SIZE),
    Goal("handler_cpu_p50", "ms", 3, HANDLER),
    Goal("round_trips", "requests", 2, HANDLER),
    Goal("round_trips_check", "requests", 1, HANDLER),
    Goal("ring_earliest", "ms", 0, RING, bound=Bound.AT_LEAST),
    Goal("ring_lateness_p99", "ms", 1500, RING),
    Goal("commit_to_webhook_p50", "ms", 150, WEBHOOK),
    Goal("commit_to_webhook_p99", "ms", 1000, WEBHOOK),
    Goal("events_lost", "events", 0, LOST),
    Goal("events_disordered", "events", 0, LOST),
    Goal("cost_per_1000_calls", "USD", 0.12, COST),
    Goal(
        "clone_to_first_call",
        "s",
        60,
        why_not="by hand, for it installs packages: see bench/README.md",
    ),
)

GOALS = (*MEDIA_WORKER, *CONTROL_PLANE)
