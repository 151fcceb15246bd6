"""Reports by RTCP (RFC 3550 section 6.4): when they go out, and what came by them."""

from mediaworker.rtp.reception import Reception, round_trip_seconds
from mediaworker.rtp.rtcp import (
    Goodbye,
    MalformedRtcp,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    SourceName,
    ntp_of,
    parse,
    render,
)
from mediaworker.rtp.sender import Sender

INTERVAL_SECONDS = 5.0
FIRST_SECONDS = 1.0
GOLDEN_RATIO = 0.618_033_988_75
"""Steps of it modulo one fall evenly, and seem to be without order."""


class Reporting:
    """Of one stream, both ways."""

    def __init__(
        self, ssrc: int, cname: str, clock_rate: int, now: float, phase: float
    ) -> None:
        """``phase`` from 0 to 1 makes intervals differ from other streams'."""
        self.round_trip_ms: float | None = None
        self.packets_lost = 0
        """Of ours, by the far end's count."""
        self.jitter_ms = 0.0
        """Of ours, where the far end is."""
        self.has_left = False
        """The far end took leave."""
        self._ssrc = ssrc
        self._clock_rate = clock_rate
        self._names = SourceDescription((SourceName(ssrc, cname),))
        self._phase = phase
        self._due_at = now + FIRST_SECONDS * self._factor()

    def due(
        self, now: float, ntp_seconds: float, sender: Sender, source: Reception | None
    ) -> bytes | None:
        if now < self._due_at:
            return None
        self._phase = (self._phase + GOLDEN_RATIO) % 1
        self._due_at = now + INTERVAL_SECONDS * self._factor()
        return render([self._report(now, ntp_seconds, sender, source), self._names])

    def bye(
        self, now: float, ntp_seconds: float, sender: Sender, source: Reception | None
    ) -> bytes:
        report = self._report(now, ntp_seconds, sender, source)
        return render([report, self._names, Goodbye((self._ssrc,))])

    def receive(
        self, packet: bytes, now: float, ntp_seconds: float, source: Reception | None
    ) -> bool:
        """False when it is malformed."""
        try:
            told = parse(packet)
        except MalformedRtcp:
            return False
        for part in told:
            self._hear(part, now, ntp_seconds, source)
        return True

    def _factor(self) -> float:
        """From a half to one and a half."""
        return 0.5 + self._phase

    def _report(
        self, now: float, ntp_seconds: float, sender: Sender, source: Reception | None
    ) -> SenderReport | ReceiverReport:
        blocks = () if source is None else (source.report(now),)
        if not sender.packets:
            return ReceiverReport(self._ssrc, blocks)
        return SenderReport(
            self._ssrc,
            ntp_of(ntp_seconds),
            sender.timestamp & 0xFFFFFFFF,
            sender.packets & 0xFFFFFFFF,
            sender.octets & 0xFFFFFFFF,
            blocks,
        )

    def _hear(
        self, part: RtcpPacket, now: float, ntp_seconds: float, source: Reception | None
    ) -> None:
        if isinstance(part, SenderReport):
            if source is not None:
                source.hear_sender(part.ntp, now)
            self._learn(part.blocks, ntp_seconds)
        elif isinstance(part, ReceiverReport):
            self._learn(part.blocks, ntp_seconds)
        elif isinstance(part, Goodbye):
            self.has_left = True

    def _learn(self, blocks: tuple[ReportBlock, ...], ntp_seconds: float) -> None:
        for block in blocks:
            if block.ssrc == self._ssrc:
                self.packets_lost = block.packets_lost
                self.jitter_ms = block.jitter * 1_000 / self._clock_rate
                trip = round_trip_seconds(block, ntp_of(ntp_seconds))
                if trip is not None:
                    self.round_trip_ms = trip * 1_000
