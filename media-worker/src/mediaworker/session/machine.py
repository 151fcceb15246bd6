"""The Active Call machine for one session: told of things, it answers with values.

Every method but the draining ones may add to `Session.events` and `Session.effects`;
whoever called it takes both, in order, and looks at `Session.timer` again. None
raises, whatever comes in whatever order; after the end none does anything.
"""

from chalicelib.protocol.session.codec import MalformedCommand
from chalicelib.protocol.session.commands import Command
from chalicelib.protocol.session.events import Event, MessageReceived
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.session import alarm_table, answers, leg_table, recording, table
from mediaworker.session.alarms import Alarms
from mediaworker.session.bridges import Bridges
from mediaworker.session.effects import Effect
from mediaworker.session.ending import SESSION, SYSTEM
from mediaworker.session.identity import Identity
from mediaworker.session.legs import LegEvent
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.outbox import Outbox
from mediaworker.session.passing import PassEvent
from mediaworker.session.refusals import COMMAND, Refusal, Unfitting
from mediaworker.session.rules import Rules
from mediaworker.speech.replies import Answer

DEFAULT_RULES = Rules()


class Session:
    """One session, from its socket's opening to its `Close`."""

    def __init__(
        self,
        identity: Identity,
        query: SessionQuery,
        *,
        epoch_at_zero_ms: int,
        now: float,
        rules: Rules = DEFAULT_RULES,
    ) -> None:
        self._outbox = Outbox(identity, epoch_at_zero_ms)
        self._alarms = Alarms()
        self._call = Call(identity, query, self._outbox, self._alarms, rules, now)
        self._bridges = Bridges(self._outbox, self._call.attention)
        alarm_table.begin_pings(self._call, now)

    @property
    def is_connected(self) -> bool:
        """The call was answered, and is not over."""
        return self._call.phase is Phase.LIVE

    @property
    def is_over(self) -> bool:
        return self._call.phase is Phase.OVER

    @property
    def only_listens(self) -> bool:
        """It waits for calls, and none has come."""
        call = self._call
        return call.phase is Phase.WAITING and call.is_listening

    @property
    def is_playing(self) -> bool:
        """`take_frame` has something to look for, though there may be none yet."""
        player = self._call.player
        return player is not None and player.is_playing

    @property
    def rate(self) -> int:
        """Samples a second, in both directions; 0 where it is not known yet.

        The invite may change it, or what a leg agrees upon.
        """
        return self._call.rate

    @property
    def caller(self) -> str | None:
        return self._call.story.caller

    @property
    def callee(self) -> str | None:
        return self._call.story.callee

    @property
    def option(self) -> CallOption | None:
        """What the call was asked to be; it may hold secrets."""
        return self._call.option

    @property
    def underruns(self) -> int:
        """Frames of what plays that were not there in time."""
        player = self._call.player
        return player.underruns if player is not None else 0

    # From the application

    def receive(self, command: Command, now: float) -> None:
        """Obey it, or tell why not."""
        self._outbox.commands += 1
        try:
            rule = table.meaning(self._call.phase, command, self._call.can)
            rule(self._call, self._outbox, command, now)
        except Refusal as refusal:
            self._outbox.refuse(refusal, now)

    def refuse(self, error: MalformedCommand, now: float) -> None:
        """Tell of a message that is no command."""
        if not self.is_over:
            self._outbox.commands += 1
            self._outbox.fail(COMMAND, str(error), Unfitting.code, now)

    # From the caller

    def hear(self, probability: float, to_ms: int, now: float) -> None:
        """The detector's word on a window that ends at ``to_ms`` since `Connect`."""
        hearing = self._call.hearing
        if hearing is not None:
            hearing.hear(probability, to_ms, now)

    def press(self, digit: str, now: float) -> None:
        """A key of the caller's; what is none is ignored."""
        leg_table.press(self._call, digit, now)

    # From its leg, and from other sessions

    def leg_told(self, event: LegEvent, now: float) -> None:
        """What means nothing now is ignored."""
        call = self._call
        leg_table.meaning(call.phase, event, call.can)(call, event, now)

    def joined(self, target_session_id: str, now: float) -> None:
        """The two hear each other from now on; told to both."""
        if self.is_connected:
            self._bridges.join(target_session_id, now)

    def parted(self, target_session_id: str, now: float) -> None:
        """They do not any more; told to both, and when one of them has ended."""
        if self.is_connected:
            self._bridges.part(target_session_id, now)

    def message(self, body: str, content_type: str | None, now: float) -> None:
        """From the session that this one is bridged with."""
        if self.is_connected:
            outbox = self._outbox
            at_ms = outbox.at_ms(now)
            told = MessageReceived(outbox.session_id, at_ms, body, content_type)
            outbox.tell(told)

    # From the speech process

    def speech_told(self, reply: Answer, now: float) -> None:
        """With the session's own number of the job, and instants of the caller's audio.

        What means nothing now is ignored.
        """
        answers.hear(self._call, reply, now)

    def speech_lost(self, now: float) -> None:
        """Nothing that runs there will be answered."""
        answers.lose(self._call, now)

    # From the recording process

    def recorder_failed(self, sentence: str, code: int, now: float) -> None:
        """There is no recording, or no more of it; the call goes on."""
        recording.fail(self._call, sentence, code, now)

    # From the media server

    def pass_told(self, event: PassEvent, now: float) -> None:
        """Before the answer, what went wrong is told after it."""
        is_answered = self._call.phase is Phase.LIVE
        found = self._call.passing.hear(event, now, is_answered=is_answered)
        self._call.complaints += found

    # From the runtime

    def notice(self, sender: str, sentence: str, code: int, now: float) -> None:
        """Something went wrong around the session, which goes on."""
        if not self.is_over:
            self._outbox.fail(sender, sentence, code, now)

    def end(
        self,
        reason: str,
        initiator: str,
        now: float,
        error: str | None = None,
        code: int | None = None,
    ) -> None:
        """Whatever it is doing; ``error`` is told first."""
        if self.is_over:
            return
        if error is not None:
            self._outbox.fail(SESSION, error, code, now)
        self._call.end(reason, initiator, now)

    def take_frame(self, now: float) -> bytes | None:
        """The next 20 ms of what plays; None when there is nothing, or not yet."""
        player = self._call.player
        if player is None:
            return None
        frame = player.take_frame(now)
        if frame is None and player.wants_hangup:
            self.end(HangupReason.AUTOHANGUP, SYSTEM, now)
        return frame

    def timer(self) -> float | None:
        """When `handle_timer` is to be called."""
        self._alarms.has_changed = False
        return self._alarms.next_at

    def handle_timer(self, now: float) -> None:
        """Too early is nothing."""
        for alarm in self._alarms.take_due(now):
            if not self.is_over:
                alarm_table.TABLE[alarm](self._call, now)

    @property
    def has_news(self) -> bool:
        """Whether `events`, `effects` or `timer` would say anything new."""
        return self._outbox.has_news or self._alarms.has_changed

    def events(self) -> list[Event]:
        """What is to be told, in order; each is given once."""
        return self._outbox.take_events()

    def effects(self) -> list[Effect]:
        """What is to be done, in order; each is given once."""
        return self._outbox.take_effects()
