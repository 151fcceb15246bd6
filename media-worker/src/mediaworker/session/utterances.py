"""Speech made into text: looked at while it lasts, settled when it ends.

The text of an utterance is asked for as soon as silence is told, and told once the
silence has lasted for the endpoint. Speech that comes back before then goes on with
the utterance; what was asked is a glimpse, and the next request has a new number, so
that a late answer cannot be taken for the newer one.

Utterances are told in the order in which they were spoken.
"""

from collections import deque
from dataclasses import dataclass

from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.effects import AskText
from mediaworker.session.outbox import Outbox
from mediaworker.session.rules import Rules
from mediaworker.session.transcripts import Transcripts
from mediaworker.speech.replies import Misheard, Text

UNAVAILABLE = 503
TOO_LATE = 504


@dataclass(slots=True)
class Utterance:
    """What is said between two silences."""

    start_ms: int
    """Of the caller's audio."""
    start_at_ms: int
    """The same as epoch milliseconds."""
    from_ms: int
    """Audio from here on is looked at."""
    first_number: int
    """Of its requests."""
    number: int
    """Of its latest ones."""
    end_ms: int
    """Of what is known of it so far."""
    asked_to_ms: int
    is_speaking: bool = True
    is_closed: bool = False
    """Nothing can come back to it."""
    text: str | None = None
    """Its last word; None until it is known."""
    has_failed: bool = False
    """Which was told."""

    def owns(self, number: int) -> bool:
        return self.first_number <= number <= self.number

    @property
    def end_at_ms(self) -> int:
        return self.start_at_ms + self.end_ms - self.start_ms


class Utterances:
    """All that one caller says."""

    def __init__(
        self,
        outbox: Outbox,
        alarms: Alarms,
        transcripts: Transcripts,
        rules: Rules,
        endpoint_ms: int,
        longest_ms: int,
    ) -> None:
        self._outbox = outbox
        self._alarms = alarms
        self._transcripts = transcripts
        self._rules = rules
        self._endpoint_ms = endpoint_ms
        self._patience_ms = endpoint_ms
        """Silence that ends the current one."""
        self._longest_ms = longest_ms
        self._numbers = 0
        self._asked_to_ms = 0
        """Audio up to here belongs to utterances that are closed."""
        self._current: Utterance | None = None
        """The one that may go on."""
        self._unsettled: deque[Utterance] = deque()
        """In the order in which they were spoken, the current one last."""

    @property
    def is_open(self) -> bool:
        """Whether `listen` has anything to do."""
        return self._current is not None

    @property
    def known_text(self) -> str:
        """Of what is settled, but may go on, or waits for what was said before it."""
        return " ".join(one.text for one in self._unsettled if one.text)

    def be_patient(self, silence_ms: int) -> None:
        """The current one lasts until so much silence, or the endpoint if longer."""
        self._patience_ms = max(self._endpoint_ms, silence_ms)

    def begin(self, start_ms: int, start_at_ms: int, to_ms: int, now: float) -> None:
        """Speech has begun, or come back."""
        current = self._current
        if current is not None and start_ms - current.end_ms < self._patience_ms:
            self._resume(current, to_ms, now)
            return
        if current is not None:
            self._close(current, now)
        from_ms = max(self._asked_to_ms, start_ms - self._rules.pre_roll_ms, 0)
        self._open(start_ms, start_at_ms, from_ms, to_ms)

    def end(self, end_ms: int, to_ms: int, now: float) -> None:
        """Speech has ended; perhaps it comes back."""
        current = self._current
        assert current is not None
        current.is_speaking = False
        current.end_ms = max(current.start_ms, end_ms)
        self._ask(current, min(to_ms, end_ms + self._rules.tail_ms), is_final=True)

    def listen(self, to_ms: int, rising_from_ms: int | None, now: float) -> None:
        """So much was heard, while it is open.

        ``rising_from_ms`` is of what may become speech.
        """
        current = self._current
        assert current is not None
        if current.is_speaking:
            self._look(current, to_ms, now)
        elif self._has_ended(current, to_ms, rising_from_ms):
            self._close(current, now)

    def hear(self, reply: Text, now: float) -> None:
        utterance = self._owner(reply.utterance)
        if utterance is None:
            return
        is_latest = reply.utterance == utterance.number
        if reply.is_final and is_latest and not utterance.is_speaking:
            self._transcripts.provider = reply.provider
            utterance.text = reply.text
            self._settle(now)
        else:
            self._glimpse(utterance, reply.text, now)

    def misheard(self, reply: Misheard, now: float) -> None:
        utterance = self._owner(reply.utterance)
        is_latest = utterance is not None and reply.utterance == utterance.number
        if utterance is not None and is_latest and reply.is_final:
            self._fail(utterance, reply.sentence, reply.code, now)
            self._settle(now)

    def lose(self, now: float) -> None:
        """Nothing that was asked will be answered, and the audio is lost."""
        for utterance in self._unsettled:
            if utterance.text is None:
                self._fail(utterance, "the recognizer was lost", UNAVAILABLE, now)
        self._settle(now)

    def give_up(self, now: float) -> None:
        """The oldest closed utterance's text took too long."""
        self._fail(self._unsettled[0], "the text took too long", TOO_LATE, now)
        self._settle(now)

    def _open(self, start_ms: int, start_at_ms: int, from_ms: int, to_ms: int) -> None:
        self._numbers += 1
        number = self._numbers
        self._current = Utterance(
            start_ms, start_at_ms, from_ms, number, number, to_ms, start_ms
        )
        self._unsettled.append(self._current)

    def _resume(self, current: Utterance, to_ms: int, now: float) -> None:
        text, current.text = current.text, None
        self._numbers += 1
        current.number = self._numbers
        current.is_speaking = True
        current.end_ms = to_ms
        if text is not None:
            self._glimpse(current, text, now)

    def _look(self, current: Utterance, to_ms: int, now: float) -> None:
        current.end_ms = to_ms
        if to_ms - current.from_ms >= self._longest_ms:
            self._cut(current, to_ms, now)
        elif to_ms - current.asked_to_ms >= self._rules.partial_ms:
            self._ask(current, to_ms, is_final=False)

    def _cut(self, current: Utterance, to_ms: int, now: float) -> None:
        """It has become too long; what follows is another."""
        current.is_speaking = False
        self._ask(current, to_ms, is_final=True)
        self._close(current, now)
        self._open(to_ms, current.end_at_ms, to_ms, to_ms)

    def _has_ended(
        self, current: Utterance, to_ms: int, rising_from_ms: int | None
    ) -> bool:
        """Not while something rises that may be its going on."""
        silent_to_ms = to_ms if rising_from_ms is None else rising_from_ms
        return silent_to_ms - current.end_ms >= self._patience_ms

    def _close(self, current: Utterance, now: float) -> None:
        current.is_closed = True
        self._asked_to_ms = current.asked_to_ms
        self._current = None
        self._settle(now)

    def _ask(self, utterance: Utterance, to_ms: int, *, is_final: bool) -> None:
        utterance.asked_to_ms = to_ms
        number, from_ms = utterance.number, utterance.from_ms
        self._outbox.ask(AskText(number, from_ms, max(from_ms, to_ms), is_final))

    def _owner(self, number: int) -> Utterance | None:
        return next((one for one in self._unsettled if one.owns(number)), None)

    def _glimpse(self, utterance: Utterance, text: str, now: float) -> None:
        """Only of the oldest: the indexes of later ones are not known yet."""
        if utterance is self._unsettled[0]:
            self._transcripts.tell_delta(
                text, utterance.start_at_ms, utterance.end_at_ms, now
            )

    def _fail(self, utterance: Utterance, sentence: str, code: int, now: float) -> None:
        if not utterance.is_speaking:
            utterance.text = ""
        if not utterance.has_failed:
            utterance.has_failed = True
            self._outbox.fail("asr", sentence, code, now)

    def _settle(self, now: float) -> None:
        """Tell what is known, up to the first that is not."""
        while self._unsettled and self._unsettled[0].is_closed:
            oldest = self._unsettled[0]
            if oldest.text is None:
                if not self._alarms.is_set(Alarm.TEXT):
                    self._alarms.set(Alarm.TEXT, now + self._rules.answer_seconds)
                return
            self._unsettled.popleft()
            self._alarms.clear(Alarm.TEXT)
            self._transcripts.tell_final(
                oldest.text, oldest.start_at_ms, oldest.end_at_ms, now
            )
