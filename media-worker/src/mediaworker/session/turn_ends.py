"""Whether the caller has finished, or only pauses: ``eou``.

    QUIET --speech--> SPEAKING <----speech----------+
      ^                   |                         |
      |                 ended --> PAUSING --------->+
      |                              |  judged not finished: told, and it waits on
      +---- finished: told <---------+
            by judgement, or by long silence

What sounds finished is told as such at once. What does not is told as not finished;
when nothing follows until the timeout, it was finished all the same. Where there is no
judgement, silence alone decides. A judgement of an earlier pause is ignored.
"""

from collections import deque

from chalicelib.protocol.session.events import EndOfUtterance, Metrics
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.effects import JudgeTurn
from mediaworker.session.outbox import Outbox
from mediaworker.session.rules import Rules
from mediaworker.session.texts import prose
from mediaworker.session.turn_terms import SMART_TURN, TurnEndTerms
from mediaworker.session.utterances import Utterances
from mediaworker.speech.replies import Judged

TEXTS_KEPT = 64
UNAVAILABLE = 503


class TurnEnds:
    """Of one caller."""

    def __init__(
        self, outbox: Outbox, alarms: Alarms, rules: Rules, terms: TurnEndTerms
    ) -> None:
        self._outbox = outbox
        self._alarms = alarms
        self._terms = terms
        self._unjudged_ms = min(
            terms.timeout_ms, terms.after_ms + rules.judged_within_ms
        )
        self._utterances: Utterances | None = None
        self._numbers = 0
        self._awaited: int | None = None
        """The number of the judgement that is waited for."""
        self._silent_from_ms: int | None = None
        """Of the caller's audio; None while there is no pause to be judged."""
        self._silent_at = 0.0
        """The same as an instant."""
        self._is_asked = False
        self._is_unjudged = False
        """There is nobody who judges; which was told."""
        self._is_over = True
        """The turn was told to be finished, or there was none."""
        self._ended_at_ms = self._earlier_to_ms = 0
        """Epoch milliseconds: when speech has last ended, and that of earlier turns."""
        self._finals: deque[str] = deque(maxlen=TEXTS_KEPT)
        self._delta = ""

    def hold(self, utterances: Utterances) -> None:
        """Let these last until the turn is finished, or nearly so."""
        self._utterances = utterances
        utterances.be_patient(self._terms.timeout_ms)

    def begin(self) -> None:
        """Speech has begun, or come back."""
        self._forget()
        if self._is_over:
            self._is_over = False
            self._earlier_to_ms = self._ended_at_ms
            self._finals.clear()
            self._delta = ""
        if self._utterances is not None:
            self._utterances.be_patient(self._terms.timeout_ms)

    def end(self, end_ms: int, to_ms: int, end_at_ms: int, now: float) -> None:
        """Speech has ended; perhaps it comes back."""
        self._ended_at_ms = end_at_ms
        self._silent_from_ms = end_ms
        self._silent_at = now - (to_ms - end_ms) / 1_000
        self._is_asked = False
        self._wait(self._unjudged_ms)
        self.listen(to_ms)

    def listen(self, to_ms: int) -> None:
        """So much was heard."""
        from_ms = self._silent_from_ms
        if from_ms is None or self._is_asked or self._is_unjudged:
            return
        if to_ms - from_ms >= self._terms.after_ms:
            self._is_asked = True
            self._numbers += 1
            self._awaited = self._numbers
            self._outbox.ask(JudgeTurn(self._numbers, to_ms))

    def note(self, text: str, start_at_ms: int, is_final: bool) -> None:
        """A text was told; what is of an earlier turn does not count.

        A provider hears speech begin when it likes, but not within the turn before.
        """
        if start_at_ms < self._earlier_to_ms:
            return
        self._delta = "" if is_final else text
        if is_final:
            self._finals.append(text)

    def hear(self, reply: Judged, now: float) -> None:
        if reply.sentence is not None:
            self._do_without(reply.sentence, now)
        if reply.number != self._awaited:
            return
        self._awaited = None
        probability = reply.probability
        if probability is None:
            return
        self._measure(probability, reply.took_ms, now)
        if probability >= self._terms.threshold:
            self.finish(now)
        else:
            self._tell(now, is_finished=False)
            self._wait(self._terms.timeout_ms)

    def finish(self, now: float) -> None:
        """It is over, and nobody waits for more of it."""
        self._forget()
        self._is_over = True
        self._tell(now, is_finished=True)
        if self._utterances is not None:
            self._utterances.be_patient(0)

    def _do_without(self, sentence: str, now: float) -> None:
        if not self._is_unjudged:
            self._is_unjudged = True
            self._outbox.fail("eou", sentence, UNAVAILABLE, now)

    def _forget(self) -> None:
        """There is no pause any more."""
        self._awaited = self._silent_from_ms = None
        self._alarms.clear(Alarm.TURN)

    def _wait(self, silence_ms: int) -> None:
        self._alarms.set(Alarm.TURN, self._silent_at + silence_ms / 1_000)

    def _tell(self, now: float, *, is_finished: bool) -> None:
        outbox = self._outbox
        outbox.tell(
            EndOfUtterance(
                outbox.session_id,
                outbox.at_ms(now),
                is_finished,
                text=prose(self._text()) or None,
                complete=is_finished,
            )
        )

    def _text(self) -> str:
        known = self._utterances.known_text if self._utterances is not None else ""
        return " ".join(filter(None, (*self._finals, known or self._delta)))

    def _measure(self, probability: float, took_ms: int, now: float) -> None:
        data = {"probability": round(probability, 3), "provider": SMART_TURN}
        self._outbox.tell(Metrics(self._outbox.at_ms(now), "eou", took_ms, data))
