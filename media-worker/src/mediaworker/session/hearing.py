"""What a session makes of the caller's audio: turns, and the text of what is said."""

from chalicelib.protocol.session.events import Silence, Speaking
from mediaworker.session.answering_machine import AnsweringMachine
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.outbox import Outbox
from mediaworker.session.remarks import Remarks
from mediaworker.session.turn_ends import TurnEnds
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
        delay_ms: int = 0,
    ) -> None:
        """``delay_ms``: how old the audio is when it gets here."""
        self.utterances: Utterances | None = None
        """None: nobody wants text, or not yet, or a provider finds them."""
        self.remarks: Remarks | None = None
        """None unless a provider does."""
        self.ends: TurnEnds | None = None
        """None: nobody wants to know whether the caller has finished."""
        self.machine: AnsweringMachine | None = None
        """None: nobody wants to know whether a machine has answered."""
        self._outbox = outbox
        self._attention = attention
        self._gate = gate
        self._tells_turns = tells_turns
        self._delay_ms = delay_ms
        self._heard_ms = 0
        self._began_at_ms = 0
        self._ended_at_ms: int | None = None
        """The last speech, if there was one."""

    def recognize(self, utterances: Utterances, now: float) -> None:
        """Make text of what is heard from now on, though it be in the midst of it."""
        self.utterances = utterances
        to_ms = self._gate.speaking_to_ms
        if to_ms is not None:
            utterances.begin(to_ms, self._outbox.at_ms(now), to_ms, now)

    def take_remarks(self, remarks: Remarks, now: float) -> None:
        """A provider makes text of what is heard from now on."""
        self.remarks = remarks
        if self._gate.speaking_to_ms is not None:
            remarks.begin(self._outbox.at_ms(now))

    def judge_turns(self, ends: TurnEnds) -> None:
        """From now on, though it be in the midst of one."""
        self.ends = ends
        if self._gate.speaking_to_ms is not None:
            ends.begin()

    def seek_machine(self, machine: AnsweringMachine, now: float) -> None:
        """The call has been answered."""
        self.machine = machine
        if self._gate.speaking_to_ms is not None:
            machine.begin(self._outbox.at_ms(now))

    def note(self, text: str, start_at_ms: int, is_final: bool, now: float) -> None:
        """A text was told of what is heard."""
        if self.ends is not None:
            self.ends.note(text, start_at_ms, is_final)
        if self.machine is not None:
            self.machine.note(text, start_at_ms, is_final, now)

    def beep(self, from_ms: int, to_ms: int, now: float) -> None:
        """A steady tone, at such milliseconds of the caller's audio."""
        if self.machine is not None:
            heard_ms = max(to_ms, self._heard_ms)
            start_at_ms = self._at_ms(from_ms, heard_ms, now)
            self.machine.beep(start_at_ms, self._at_ms(to_ms, heard_ms, now), now)

    def hear(self, probability: float, to_ms: int, now: float) -> None:
        self._heard_ms = to_ms
        turn = self._gate.hear(probability, to_ms)
        if self.remarks is not None:
            self.remarks.listen(to_ms, self._at_ms(to_ms, to_ms, now))
        if turn is not None:
            self._turn(turn, to_ms, now)
        if self.ends is not None:
            self.ends.listen(to_ms)
        if self.machine is not None:
            self.machine.listen(now)
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
            told = Speaking(
                outbox.session_id,
                outbox.at_ms(now),
                self._began_at_ms,
                confidence=round(turn.confidence, 3),
            )
            outbox.tell(told)
        if self.utterances is not None:
            self.utterances.begin(turn.start_ms, self._began_at_ms, to_ms, now)
        if self.remarks is not None:
            self.remarks.begin(self._began_at_ms)
        if self.ends is not None:
            self.ends.begin()
        if self.machine is not None:
            self.machine.begin(self._began_at_ms)

    def _end(self, turn: SpeechEnded, to_ms: int, now: float) -> None:
        self._attention.end(Activity.SPEECH, now)
        self._ended_at_ms = self._began_at_ms + turn.end_ms - turn.start_ms
        self._tell_silence(self._ended_at_ms, to_ms - turn.end_ms, now)
        if self.utterances is not None:
            self.utterances.end(turn.end_ms, to_ms, now)
        if self.remarks is not None:
            self.remarks.end(self._ended_at_ms)
        if self.ends is not None:
            self.ends.end(turn.end_ms, to_ms, self._ended_at_ms, now)
        if self.machine is not None:
            self.machine.end(self._ended_at_ms)

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
        """When that audio was heard, given that the latest comes in now."""
        age_ms = to_ms - audio_ms + self._delay_ms
        return max(0, self._outbox.at_ms(now) - age_ms)
