"""``/metrics``: what was measured, in Prometheus' text.

Readings are floats by name; one whose name ends in ``_total`` is a counter, any other
a gauge.
"""

from collections.abc import Callable, Iterator, Mapping

from aiohttp import web
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from chalicelib.protocol.vocabulary import Role
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused

PREFIX = "parley_worker_"
TOTAL = "_total"

Readings = Callable[[], Mapping[str, float]]

HELP: Mapping[str, str] = {
    "capacity": "Sessions that the worker may hold.",
    "draining": "1 while no new session is taken.",
    "facts_dropped_total": "Facts that the control plane will never be told.",
    "facts_waiting": "Facts that the control plane has not taken yet.",
    "frames_concealed_total": "Frames that legs made up for lost or late packets.",
    "frames_dropped_total": "Frames of audio that came too fast, or were left queued.",
    "frames_heard_total": "Frames of 20 ms that sessions were fed.",
    "frames_missing_total": "Frames of what played that were not there in time.",
    "frames_of_silence_total": "Frames fed to sessions that received nothing.",
    "frames_played_total": "Frames written to sockets.",
    "garbage_longest_seconds": "The longest pause for garbage.",
    "garbage_pauses_total": "Pauses for garbage, in what ticks left of their slots.",
    "lease_age_seconds": "Since the lease was renewed.",
    "legs_sip": "Sessions that live and are carried by SIP.",
    "legs_webrtc": "Sessions that live and are carried by WebRTC.",
    "log_lines_dropped_total": "Lines of the log that nobody took in time.",
    "passage_frames_dropped_total": "Frames that were not passed on: too many waited.",
    "passages": "Connections that other workers serve through this one.",
    "passages_total": "Connections that were passed on to other workers.",
    "rtp_packets_late_total": "RTP packets that came after they were to be heard.",
    "rtp_packets_lost_total": "RTP packets that never came.",
    "rtp_packets_received_total": "RTP packets that legs took.",
    "rtp_packets_sent_total": "RTP packets that legs sent.",
    "sessions": "Sessions that live.",
    "sessions_opened_total": "Sessions that were opened.",
    "sessions_refused_total": "Sessions that there was no room for.",
    "sip_bans_total": "Sources of SIP that are not listened to for a while.",
    "sip_calls_ended_total": "Calls of phones, placed or come, that are over.",
    "sip_calls_waiting": "Calls that wait for an application.",
    "sip_connections": "TCP connections of SIP.",
    "sip_dialogs": "Dialogs of SIP that are remembered.",
    "sip_invites_refused_total": "Calls that were refused before anybody was asked.",
    "sip_invites_total": "Calls that came.",
    "sip_listeners": "Applications that wait for a call.",
    "sip_messages_dropped_total": "Messages of SIP that were not read.",
    "sip_outbound_refused_total": "Calls that must not be placed.",
    "sip_rtp_ports": "UDP ports that calls hold.",
    "sip_transactions": "Transactions of SIP that are remembered.",
    "slots_skipped_total": "Slots of 20 ms that were given up.",
    "media_packets_dropped_total": "Packets that media servers took too slowly.",
    "media_passes": "Calls whose other side is a media server.",
    "recording_frames_lost_total": "Frames that recordings had no room for.",
    "recordings": "Sessions that are recorded now.",
    "recordings_unfinished": "Recordings that ended and are not kept yet.",
    "speech_frames_lost_total": "Frames that the speech process had no room for.",
    "speech_is_up": "1 while the speech process answers.",
    "tick_duration_max_seconds": "The longest tick of the last minute.",
    "tick_duration_p50_seconds": "The median tick of the last minute.",
    "tick_duration_p99_seconds": "What 1 % of the last minute's ticks exceed.",
    "tick_lateness_max_seconds": "The latest tick of the last minute.",
    "tick_lateness_p50_seconds": "The median lateness of the last minute.",
    "tick_lateness_p99_seconds": "What 1 % of the last minute's ticks exceed.",
    "ticks_total": "Slots of 20 ms that were used.",
}
UNKNOWN = "Measured by the worker."


class ReadingsCollector(Collector):
    """Reads when it is asked, and keeps nothing."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings

    def collect(self) -> Iterator[Metric]:
        for name, value in self._readings().items():
            told = HELP.get(name, UNKNOWN)
            if name.endswith(TOTAL):
                full = PREFIX + name.removesuffix(TOTAL)
                yield CounterMetricFamily(full, told, value=value)
            else:
                yield GaugeMetricFamily(PREFIX + name, told, value=value)


class Metrics:
    """For admins and servers; where the dialect is open, for everybody."""

    def __init__(self, readings: Readings, doorkeeper: Doorkeeper) -> None:
        self._doorkeeper = doorkeeper
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(ReadingsCollector(readings))
        ProcessCollector(registry=self._registry)

    async def show(self, request: web.Request) -> web.Response:
        principal = self._doorkeeper.admit(request.headers, request.query)
        if principal.role not in (Role.ADMIN, Role.SERVER):
            raise Refused(403, "metrics are for admins and servers")
        body = generate_latest(self._registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})
