"""What a session makes of the caller's audio: turns, and the text of what is said."""

from chalicelib.protocol.session.events import Silence, Speaking
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.outbox import Outbox
from mediaworker.session.turns import (
    Gate,
    SilenceLasts,
    SpeechBegan,
    SpeechEnded,
    Turn,
)
from mediaworker.session.utterances import Utterances


class Hearing:
    """The ears of one session."""

    def __init__(
        self,
        outbox: Outbox,
        attention: Attention,
        gate: Gate,
        *,
        tells_turns: bool,
    ) -> None:
        self.utterances: Utterances | None = None
        """None: nobody wants text, or not yet."""
        self._outbox = outbox
        self._attention = attention
        self._gate = gate
        self._tells_turns = tells_turns
        self._began_at_ms = 0
        self._ended_at_ms: int | None = None
        """The last speech, if there was one."""

    def recognize(self, utterances: Utterances, now: float) -> None:
        """Make text of what is heard from now on, though it be in the midst of it."""
        self.utterances = utterances
        to_ms = self._gate.speaking_to_ms
        if to_ms is not None:
            utterances.begin(to_ms, self._outbox.at_ms(now), to_ms, now)

    def hear(self, probability: float, to_ms: int, now: float) -> None:
        turn = self._gate.hear(probability, to_ms)
        if turn is not None:
            self._turn(turn, to_ms, now)
        utterances = self.utterances
        if utterances is not None and utterances.is_open:
            utterances.listen(to_ms, self._gate.rising_from_ms, now)

    def _turn(self, turn: Turn, to_ms: int, now: float) -> None:
        match turn:
            case SpeechBegan():
                self._begin(turn, to_ms, now)
            case SpeechEnded():
                self._end(turn, to_ms, now)
            case _:
                self._repeat(turn, to_ms, now)

    def _begin(self, turn: SpeechBegan, to_ms: int, now: float) -> None:
        self._began_at_ms = self._at_ms(turn.start_ms, to_ms, now)
        self._attention.begin(Activity.SPEECH)
        if self._tells_turns:
            outbox = self._outbox
            at_ms = outbox.at_ms(now)
            outbox.tell(Speaking(outbox.session_id, at_ms, self._began_at_ms))
        if self.utterances is not None:
            self.utterances.begin(turn.start_ms, self._began_at_ms, to_ms, now)

    def _end(self, turn: SpeechEnded, to_ms: int, now: float) -> None:
        self._attention.end(Activity.SPEECH, now)
        self._ended_at_ms = self._began_at_ms + turn.end_ms - turn.start_ms
        self._tell_silence(self._ended_at_ms, to_ms - turn.end_ms, now)
        if self.utterances is not None:
            self.utterances.end(turn.end_ms, to_ms, now)

    def _repeat(self, turn: SilenceLasts, to_ms: int, now: float) -> None:
        start_at_ms = self._ended_at_ms
        if start_at_ms is None:
            start_at_ms = self._at_ms(turn.start_ms, to_ms, now)
        self._tell_silence(start_at_ms, to_ms - turn.start_ms, now)

    def _tell_silence(self, start_at_ms: int, duration_ms: int, now: float) -> None:
        if self._tells_turns:
            outbox, ended_at_ms = self._outbox, self._ended_at_ms
            began_at_ms = None if ended_at_ms is None else self._began_at_ms
            silence = Silence(
                outbox.session_id,
                outbox.at_ms(now),
                start_at_ms,
                duration_ms,
                began_at_ms,
                ended_at_ms,
            )
            outbox.tell(silence)

    def _at_ms(self, audio_ms: int, to_ms: int, now: float) -> int:
        """When that audio was heard, given that the latest is heard now."""
        return max(0, self._outbox.at_ms(now) - (to_ms - audio_ms))
