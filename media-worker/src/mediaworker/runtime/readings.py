"""What the runtime measures of itself, as names and numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediaworker.runtime.engine import Engine
from mediaworker.runtime.garbage import Collector
from mediaworker.runtime.recorders import Recorders
from mediaworker.runtime.roster import Roster
from mediaworker.runtime.speechdesk import SpeechDesk
from mediaworker.runtime.ticker import Ticker


@dataclass(frozen=True, slots=True)
class Parts:
    """Who measures."""

    roster: Roster
    engine: Engine
    speech: SpeechDesk
    recorders: Recorders
    ticker: Ticker
    collector: Collector


def readings_of(parts: Parts) -> Mapping[str, float]:
    """Gauges, and counters whose names end in ``_total``; seconds where they end so."""
    times, counts = parts.ticker.times, parts.engine.counts
    legs = parts.roster.leg_totals()
    return {
        "sessions": len(parts.roster),
        "sessions_opened_total": parts.roster.opened,
        "sessions_refused_total": parts.roster.refused,
        "ticks_total": times.ticks,
        "slots_skipped_total": times.skipped,
        **_spread("tick_lateness", times.lateness),
        **_spread("tick_duration", times.durations),
        "frames_heard_total": counts.frames_heard,
        "frames_of_silence_total": counts.frames_of_silence,
        "frames_played_total": counts.frames_played,
        "frames_missing_total": counts.frames_missing,
        "frames_dropped_total": counts.frames_dropped,
        **{f"legs_{kind}": count for kind, count in parts.roster.legs().items()},
        "rtp_packets_received_total": legs.packets_received,
        "rtp_packets_sent_total": legs.packets_sent,
        "rtp_packets_lost_total": legs.packets_lost,
        "rtp_packets_late_total": legs.packets_late,
        "frames_concealed_total": legs.frames_concealed,
        "speech_is_up": float(parts.speech.is_up),
        "speech_frames_lost_total": parts.speech.frames_lost,
        "recordings": parts.recorders.running,
        "recordings_unfinished": parts.recorders.unfinished,
        "recording_frames_lost_total": parts.recorders.frames_lost,
        "garbage_pauses_total": parts.collector.pauses,
        "garbage_longest_seconds": parts.collector.longest_seconds,
    }


def _spread(name: str, seconds: Sequence[float]) -> dict[str, float]:
    """Of the last minute."""
    ordered = sorted(seconds) or [0.0]
    last = len(ordered) - 1
    return {
        f"{name}_p50_seconds": ordered[last // 2],
        f"{name}_p99_seconds": ordered[round(last * 0.99)],
        f"{name}_max_seconds": ordered[last],
    }
