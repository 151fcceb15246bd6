"""One call's audio over RTP: packets in, a frame for each slot out, and back."""

from mediaworker.audio.coders import Coder
from mediaworker.rtp.negotiation_terms import Terms
from mediaworker.rtp.packet import MalformedPacket, parse
from mediaworker.rtp.playout import Playout
from mediaworker.rtp.quality import mos
from mediaworker.rtp.reception import Reception
from mediaworker.rtp.reporting import Reporting
from mediaworker.rtp.sender import Sender
from mediaworker.rtp.statistics import StreamStatistics
from mediaworker.rtp.telephone_event import KeyReceiver, MalformedTelephoneEvent

FRAME_MS = 20
NO_SOURCE = -1
COMFORT_NOISE = 13
"""RFC 3389; silence does as well."""
MOST_KEYS = 64
"""That wait to be taken."""


class MediaStream:
    """One call's; implements `runtime.legs.Source`."""

    def __init__(
        self,
        terms: Terms,
        coder: Coder,
        *,
        ssrc: int,
        first_sequence: int,
        first_timestamp: int,
        cname: str,
        now: float,
        rtcp_phase: float = 0.5,
    ) -> None:
        """Coder of `terms.codec`; it is closed with the stream.

        ``rtcp_phase`` is random, from 0 to 1, so that not all streams report at once.
        """
        self.has_arrived = False
        """Audio of the far end has come."""
        self.last_received_at = now
        """When the last RTP packet of the far end came; at first, when this began."""
        self._coder = coder
        self._receive_types = terms.receive_types
        self._keys_types = terms.keys_receive
        self._can_press = terms.keys_type is not None
        self._sender = Sender(terms, coder, ssrc, first_sequence, first_timestamp)
        rate = coder.clock_rate
        self._reporting = Reporting(ssrc, cname, rate, now, rtcp_phase)
        self._playout = Playout(coder)
        self._reception = Reception(0, rate)
        self._source = NO_SOURCE
        """The far end's SSRC."""
        self._other_source = NO_SOURCE
        """Whose first packet came last, and was not taken."""
        self._received = 0
        self._foreign = 0
        self._lost_before = 0
        """Of former sources."""
        self._audio_at = now
        self._audio_timestamp = 0
        self._key_receiver = KeyReceiver()
        self._keys: list[str] = []

    # From the network

    def receive_rtp(self, packet: bytes, now: float) -> None:
        """What is malformed or foreign is counted and dropped."""
        try:
            kind, has_marker, sequence, timestamp, ssrc, payload = parse(packet)
        except MalformedPacket:
            self._foreign += 1
            return
        if ssrc != self._source and not self._takes(ssrc, kind):
            self._foreign += 1
            return
        if kind not in self._receive_types:
            self._receive_other(kind, has_marker, sequence, timestamp, payload, now)
            return
        extended = self._reception.receive(sequence, timestamp, now)
        if extended is None:
            return
        self._received += 1
        self.last_received_at = self._audio_at = now
        self._audio_timestamp = timestamp
        if self._playout.push(extended, timestamp, payload, has_marker, now):
            self.has_arrived = True

    def receive_rtcp(self, packet: bytes, now: float, ntp_seconds: float) -> None:
        """What is malformed is counted and dropped; seconds as in `rtcp_due`."""
        if not self._reporting.receive(packet, now, ntp_seconds, self._known()):
            self._foreign += 1

    @property
    def has_left(self) -> bool:
        """The far end took leave (RTCP's BYE)."""
        return self._reporting.has_left

    def take_keys(self) -> list[str]:
        """Digits that the far end pressed (RFC 4733) since it was asked."""
        keys = self._keys
        if keys:
            self._keys = []
        return keys

    # From the tick

    def take(self) -> bytes | None:
        """The slot's frame; None when nobody waits for one: none was heard yet, and
        the first is on its way."""
        return self._playout.take()

    def take_more(self) -> bytes | None:
        """A second frame for the slot, when too much waits; mostly None."""
        return self._playout.take_more()

    @property
    def is_silent(self) -> bool:
        """The last frame was made up, and nothing has come for a while."""
        return self._playout.is_silent

    def send_audio(self, frame: bytes, slot: int) -> list[bytes]:
        """The packets that go out in the slot: audio, or keys instead of it."""
        return self._sender.send_audio(frame, slot)

    def send_silence(self, slot: int) -> list[bytes]:
        """Of a slot in which nothing plays."""
        return self._sender.send_silence(slot)

    def press(self, digits: str, duration_ms: int, gap_ms: int) -> None:
        """Send keys from the next slot on; raises `ValueError` for what is no digit,
        when too many wait, and when the far end cannot take any."""
        if not self._can_press:
            raise ValueError("the far end takes no telephone-event")
        self._sender.press(digits, duration_ms, gap_ms)

    def rtcp_due(self, now: float, ntp_seconds: float) -> bytes | None:
        """The report that is to go out now, about every 5 s; mostly None.

        ``ntp_seconds`` is the time of day in seconds since 1970.
        """
        return self._reporting.due(now, ntp_seconds, self._sender, self._known())

    def bye(self, now: float, ntp_seconds: float) -> bytes:
        """The last report, which takes leave."""
        return self._reporting.bye(now, ntp_seconds, self._sender, self._known())

    def close(self) -> None:
        """Give the coder's memory back; only `statistics` may be asked then."""
        self._coder.close()

    @property
    def statistics(self) -> StreamStatistics:
        reporting = self._reporting
        return StreamStatistics(
            packets_received=self._received,
            packets_sent=self._sender.packets,
            packets_lost=self._lost_before + self._reception.packets_lost,
            packets_late=self._playout.packets_late,
            frames_concealed=self._playout.frames_concealed,
            jitter_ms=self._reception.jitter_ms,
            round_trip_ms=reporting.round_trip_ms,
            mos=self._mos() if self._playout.is_heard else None,
            packets_lost_remote=reporting.packets_lost,
            jitter_ms_remote=reporting.jitter_ms,
            delay_ms=self._playout.delay_ms,
            packets_foreign=self._foreign + self._playout.payloads_malformed,
        )

    # Within: what comes

    def _known(self) -> Reception | None:
        """Of the far end, once there is one."""
        return None if self._source == NO_SOURCE else self._reception

    def _takes(self, ssrc: int, kind: int) -> bool:
        """Another source is taken with its second packet in a row, the first one at
        once."""
        if kind not in self._receive_types and kind not in self._keys_types:
            return False
        if ssrc != self._other_source and self._source != NO_SOURCE:
            self._other_source = ssrc
            return False
        self._lost_before += self._reception.packets_lost
        self._source, self._other_source = ssrc, NO_SOURCE
        self._reception = Reception(ssrc, self._coder.clock_rate)
        self._playout.restart()
        return True

    def _receive_other(
        self,
        kind: int,
        has_marker: bool,
        sequence: int,
        timestamp: int,
        payload: bytes,
        now: float,
    ) -> None:
        """It carries no audio; its timestamp says nothing of how evenly audio comes."""
        elapsed = int((now - self._audio_at) * self._coder.clock_rate)
        on_time = self._audio_timestamp + elapsed & 0xFFFFFFFF
        extended = self._reception.receive(sequence, on_time, now)
        if extended is None:
            return
        self._received += 1
        self.last_received_at = now
        self._playout.skip(extended)
        if kind in self._keys_types:
            self._receive_key(payload, timestamp, has_marker)
        elif kind != COMFORT_NOISE:
            self._foreign += 1

    def _receive_key(self, payload: bytes, timestamp: int, has_marker: bool) -> None:
        try:
            digit = self._key_receiver.receive(payload, timestamp, has_marker)
        except MalformedTelephoneEvent:
            self._foreign += 1
            return
        if digit is not None and len(self._keys) < MOST_KEYS:
            self._keys.append(digit)

    def _mos(self) -> float:
        playout = self._playout
        trip_ms = self._reporting.round_trip_ms or 0.0
        delay_ms = trip_ms / 2 + playout.delay_ms + FRAME_MS
        return mos(self._coder.codec, delay_ms, playout.share_concealed)
