"""What a provider hears by itself, told at the times of the caller's audio.

Where the provider does not say when something was spoken, our own detector does.
"""

from mediaworker.session.outbox import Outbox
from mediaworker.session.transcripts import Transcripts
from mediaworker.speech.replies import Remark, Unheard

UNAVAILABLE = 503


class Remarks:
    """All that a provider makes of one caller's audio."""

    def __init__(self, outbox: Outbox, transcripts: Transcripts) -> None:
        self._outbox = outbox
        self._transcripts = transcripts
        self._heard_ms = 0
        self._heard_at_ms: int | None = None
        """When that much was heard; None until anything was."""
        self._is_speaking = False
        self._began_at_ms: int | None = None
        """The first speech of which there is no final."""
        self._ended_at_ms: int | None = None
        """The last speech."""

    def begin(self, start_at_ms: int) -> None:
        """Speech has begun."""
        self._is_speaking = True
        if self._began_at_ms is None:
            self._began_at_ms = start_at_ms

    def end(self, end_at_ms: int) -> None:
        """Speech has ended."""
        self._is_speaking, self._ended_at_ms = False, end_at_ms

    def listen(self, to_ms: int, at_ms: int) -> None:
        """So much of the caller's audio was heard by then."""
        self._heard_ms, self._heard_at_ms = to_ms, at_ms

    def receive(self, reply: Remark | Unheard, now: float) -> None:
        """With instants of the caller's audio."""
        if isinstance(reply, Unheard):
            self._outbox.fail("asr", reply.sentence, reply.code, now)
        else:
            self._hear(reply, now)

    def lose(self, now: float) -> None:
        """What went to the provider is lost, with what it would have said."""
        self._outbox.fail("asr", "the recognizer was lost", UNAVAILABLE, now)

    def _hear(self, reply: Remark, now: float) -> None:
        start_at_ms, end_at_ms = self._span(reply, self._outbox.at_ms(now))
        self._transcripts.provider = reply.provider
        confidence = _share(reply.confidence)
        tell = self._transcripts.tell_delta
        if reply.is_final:
            tell = self._transcripts.tell_final
            self._began_at_ms = end_at_ms if self._is_speaking else None
        tell(reply.text, start_at_ms, end_at_ms, now, confidence)

    def _span(self, reply: Remark, at_ms: int) -> tuple[int, int]:
        end_at_ms = at_ms
        if reply.to_ms is not None:
            end_at_ms = self._at_ms(reply.to_ms, at_ms)
        elif not self._is_speaking and self._ended_at_ms is not None:
            end_at_ms = self._ended_at_ms
        start_at_ms = end_at_ms
        if reply.from_ms is not None:
            start_at_ms = self._at_ms(reply.from_ms, at_ms)
        elif self._began_at_ms is not None:
            start_at_ms = self._began_at_ms
        return start_at_ms, max(start_at_ms, end_at_ms)

    def _at_ms(self, audio_ms: int, at_ms: int) -> int:
        """When that audio was heard; never later than now."""
        if self._heard_at_ms is None:
            return at_ms
        return max(0, self._heard_at_ms - max(0, self._heard_ms - audio_ms))


def _share(confidence: float | None) -> float | None:
    """What an event may carry of it."""
    if confidence is None or not 0 <= confidence <= 1:
        return None
    return confidence
