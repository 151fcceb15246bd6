"""Frames to RTP packets, one in each slot; keys (RFC 4733) go instead of audio."""

from mediaworker.audio.coders import Coder
from mediaworker.rtp.negotiation_terms import Terms
from mediaworker.rtp.packet import header
from mediaworker.rtp.telephone_event import KeySender

SLOTS_A_SECOND = 50


class Sender:
    """One stream's. Timestamps go with the slots, also with those that are skipped."""

    def __init__(
        self,
        terms: Terms,
        coder: Coder,
        ssrc: int,
        first_sequence: int,
        first_timestamp: int,
    ) -> None:
        self.packets = 0
        self.octets = 0
        """Of payload."""
        self._coder = coder
        self._type = terms.payload_type
        self._ssrc = ssrc
        self._sequence = first_sequence
        self._first_timestamp = first_timestamp
        self._step = coder.clock_rate // SLOTS_A_SECOND
        self._first_slot: int | None = None
        self._slot = 0
        """After the first one."""
        self._is_talking = False
        self._keys_type = terms.keys_type or 0
        keys_rate = terms.keys_rate or coder.clock_rate
        self._keys_step = keys_rate // SLOTS_A_SECOND
        self._keys = KeySender(keys_rate)
        self._has_keys = False

    @property
    def timestamp(self) -> int:
        """Of the last slot, without wraps."""
        return self._first_timestamp + self._slot * self._step

    def press(self, digits: str, duration_ms: int, gap_ms: int) -> None:
        """Raises `ValueError`."""
        self._keys.press(digits, duration_ms, gap_ms)
        self._has_keys = True

    def send_audio(self, frame: bytes, slot: int) -> list[bytes]:
        """Raises `ValueError` for what is no frame of the coder's."""
        self._reach(slot)
        if self._has_keys and (packet := self._key_packet()) is not None:
            return [packet]
        if self._is_talking:
            return [self._packet(self._type, False, self._coder.encode(frame))]
        self._is_talking = True
        self._coder.restart()
        return [self._packet(self._type, True, self._coder.encode(frame))]

    def send_silence(self, slot: int) -> list[bytes]:
        self._reach(slot)
        self._is_talking = False
        if self._has_keys and (packet := self._key_packet()) is not None:
            return [packet]
        return [self._packet(self._type, False, self._coder.silent_payload)]

    def _reach(self, slot: int) -> None:
        if self._first_slot is None:
            self._first_slot = slot
        self._slot = slot - self._first_slot

    def _packet(self, payload_type: int, has_marker: bool, payload: bytes) -> bytes:
        self.packets += 1
        self.octets += len(payload)
        sequence = self._sequence
        self._sequence = sequence + 1
        timestamp = self._first_timestamp + self._slot * self._step
        head = header(payload_type, has_marker, sequence, timestamp, self._ssrc)
        return head + payload

    def _key_packet(self) -> bytes | None:
        timestamp = self._first_timestamp + self._slot * self._keys_step
        key = self._keys.take(timestamp)
        self._has_keys = not self._keys.is_idle
        if key is None:
            return None
        self.packets += 1
        self.octets += len(key.payload)
        sequence = self._sequence
        self._sequence = sequence + 1
        head = header(
            self._keys_type, key.has_marker, sequence, key.timestamp, self._ssrc
        )
        return head + key.payload
