"""What came, decoded: a frame for each slot, made up where a packet is missing."""

from mediaworker.audio.coders import Coder, MalformedPayload
from mediaworker.rtp.jitter import STARVED_SLOTS, JitterBuffer
from mediaworker.rtp.outcome import Lost, Outcome, Pause


class Playout:
    """One stream's."""

    def __init__(self, coder: Coder) -> None:
        self.is_heard = False
        """There was a frame."""
        self.payloads_malformed = 0
        self._coder = coder
        self._decode = coder.decode
        self._duration_of = coder.duration
        self._frame_bytes = coder.frame_bytes
        self._jitter = JitterBuffer(coder.clock_rate)
        self._rest = b""
        """Decoded audio of later slots."""
        self._frames = 0
        self._concealed = 0

    @property
    def is_silent(self) -> bool:
        """The last frame was made up, and nothing has come for a while."""
        return self._jitter.starved_slots > STARVED_SLOTS

    @property
    def packets_late(self) -> int:
        return self._jitter.packets_late

    @property
    def frames_concealed(self) -> int:
        """Without those that turned out to be silence."""
        return self._concealed - self._jitter.excused_slots

    @property
    def share_concealed(self) -> float:
        """Of all frames, from 0 to 1."""
        return self.frames_concealed / max(self._frames, 1)

    @property
    def delay_ms(self) -> float:
        """What waiting for late packets costs."""
        return self._jitter.delay.delay_ms

    def restart(self) -> None:
        """The next packet begins another stream."""
        self._jitter.restart()

    def push(
        self,
        sequence: int,
        timestamp: int,
        payload: bytes,
        has_marker: bool,
        now: float,
    ) -> bool:
        """A packet of audio came; the sequence number is without wraps. False when it
        is malformed."""
        try:
            duration = self._duration_of(payload)
        except MalformedPayload:
            self.payloads_malformed += 1
            self._jitter.skip(sequence)
            return False
        self._jitter.push(sequence, timestamp, payload, duration, has_marker, now)
        return True

    def skip(self, sequence: int) -> None:
        """A packet of the stream came that carries no audio."""
        self._jitter.skip(sequence)

    def take(self) -> bytes | None:
        """The slot's frame; None while none was heard yet, and the first is on its
        way."""
        outcome = self._jitter.take()
        if self.is_heard or isinstance(outcome, bytes):
            return self._frame_of(outcome)
        return self._coder.silence if self.is_silent else None

    def take_more(self) -> bytes | None:
        """A second frame for the slot, when too much waits."""
        outcome = self._jitter.take_more()
        return None if outcome is None else self._frame_of(outcome)

    def _frame_of(self, outcome: Outcome) -> bytes:
        self._frames += 1
        if isinstance(outcome, bytes):
            return self._decoded(outcome)
        if outcome is Pause.REST:
            return self._cut(self._rest)
        if isinstance(outcome, Lost):
            return self._recovered(outcome)
        self._rest = b""
        if outcome is Pause.NOTHING or self.is_silent:
            return self._coder.silence
        return self._concealed_frame()

    def _decoded(self, payload: bytes) -> bytes:
        self.is_heard = True
        audio = self._audio_of(payload)
        if len(audio) == self._frame_bytes and not self._rest:
            return audio
        audio = self._rest + audio
        while len(audio) < self._frame_bytes:
            more = self._jitter.take_rest()
            if more is None:
                break
            audio += self._audio_of(more)
        return self._cut(audio)

    def _audio_of(self, payload: bytes) -> bytes:
        """Nothing when it is malformed."""
        try:
            return self._decode(payload)
        except MalformedPayload:
            self.payloads_malformed += 1
            return b""

    def _cut(self, audio: bytes) -> bytes:
        """A frame of it, made up to one; what is left is kept."""
        size = self._frame_bytes
        self._rest = audio[size:]
        return audio[:size] if len(audio) >= size else self._filled(audio)

    def _filled(self, audio: bytes) -> bytes:
        return (audio + self._concealed_frame())[: self._frame_bytes]

    def _recovered(self, lost: Lost) -> bytes:
        rest, self._rest = self._rest, b""
        if lost.next_payload is not None:
            frame = self._coder.recover(lost.next_payload)
            if frame is not None:
                return (rest + frame)[: self._frame_bytes]
        return self._filled(rest)

    def _concealed_frame(self) -> bytes:
        self._concealed += 1
        return self._coder.conceal()
