"""The texts of a session as its application is told them."""

from collections.abc import Callable

from chalicelib.protocol.session.events import AsrDelta, AsrFinal, Metrics
from mediaworker.session.attention import Attention
from mediaworker.session.fillers import is_filler
from mediaworker.session.outbox import Outbox
from mediaworker.session.texts import line, prose

EMBEDDED = "embedded"

Note = Callable[[str, int, bool, float], None]
"""Hears of a text, when its speech began, whether it is final, and now."""


class Transcripts:
    """Deltas carry the index of the final that they lead to; an empty text is none."""

    def __init__(
        self,
        outbox: Outbox,
        attention: Attention,
        language: str | None,
        note: Note,
    ) -> None:
        self.provider = EMBEDDED
        self._outbox = outbox
        self._attention = attention
        self._language = language
        self._note = note
        self._finals = 0
        self._last = ""
        """What was told of the utterance that is not settled yet."""

    def tell_delta(
        self,
        text: str,
        start_at_ms: int,
        end_at_ms: int,
        now: float,
        confidence: float | None = None,
    ) -> None:
        """Unless it is what was told before."""
        text = prose(text)
        if not text or text == self._last:
            return
        self._measure_first(start_at_ms, now)
        self._last = text
        self._attention.notice(now)
        self._outbox.tell(
            AsrDelta(
                self._outbox.session_id,
                self._outbox.at_ms(now),
                self._finals + 1,
                text,
                start_at_ms,
                end_at_ms,
                is_filler=self._is_filler(text),
                confidence=confidence,
            )
        )
        self._note(text, start_at_ms, False, now)

    def tell_final(
        self,
        text: str,
        start_at_ms: int,
        end_at_ms: int,
        now: float,
        confidence: float | None = None,
    ) -> None:
        text = prose(text)
        if text:
            self._measure_first(start_at_ms, now)
            self._finals += 1
            self._attention.notice(now)
            session_id, at_ms = self._outbox.session_id, self._outbox.at_ms(now)
            self._outbox.tell(
                AsrFinal(
                    session_id,
                    at_ms,
                    self._finals,
                    text,
                    start_at_ms,
                    end_at_ms,
                    is_filler=self._is_filler(text),
                    confidence=confidence,
                )
            )
            self._note(text, start_at_ms, True, now)
            self._measure("completed", self._finals, end_at_ms, now)
        self._last = ""

    def _is_filler(self, text: str) -> bool | None:
        """None where it is not worth a word."""
        return is_filler(text, self._language) or None

    def _measure_first(self, start_at_ms: int, now: float) -> None:
        if not self._last:
            self._measure("ttfb", self._finals + 1, start_at_ms, now)

    def _measure(self, what: str, index: int, from_ms: int, now: float) -> None:
        at_ms = self._outbox.at_ms(now)
        key = line(f"{what}.asr.{self.provider}")
        data = {"index": index, "provider": self.provider}
        self._outbox.tell(Metrics(at_ms, key, max(0, at_ms - from_ms), data))
