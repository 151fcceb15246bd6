"""The Active Call machine for one session: told of things, it answers with values.

Every method but the draining ones may add to `Session.events` and `Session.effects`;
whoever called it takes both, in order, and looks at `Session.timer` again. None
raises, whatever comes in whatever order; after the end none does anything.
"""

from collections.abc import Callable

from chalicelib.protocol.session import instants
from chalicelib.protocol.session.codec import MalformedCommand
from chalicelib.protocol.session.commands import Command
from chalicelib.protocol.session.events import Event, MessageReceived, Ping
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import HangupReason
from mediaworker.session import incoming, leg_table, table
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.bridges import Bridges
from mediaworker.session.effects import Effect
from mediaworker.session.ending import SYSTEM
from mediaworker.session.identity import Identity
from mediaworker.session.legs import LegEvent
from mediaworker.session.lifecycle import Call, Phase
from mediaworker.session.outbox import Outbox
from mediaworker.session.refusals import COMMAND, Refusal, Unfitting
from mediaworker.session.rules import Rules
from mediaworker.speech.messages import Broken, Made, Misheard, Text

SESSION = "session"
REQUEST_TIMEOUT = 408
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
        self._ping_seconds = query.ping_seconds
        if query.ping_seconds:
            self._alarms.set(Alarm.PING, now + query.ping_seconds)

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

    def chunk(self, job: int, samples: bytes, now: float) -> None:
        player = self._call.player
        if player is not None:
            player.chunk(job, samples)

    def made(self, reply: Made, now: float) -> None:
        player = self._call.player
        if player is not None:
            player.made(reply, now)

    def broken(self, reply: Broken, now: float) -> None:
        player = self._call.player
        if player is not None:
            player.broken(reply.job, reply.sentence, reply.code, now)

    def text(self, reply: Text, now: float) -> None:
        utterances = self._call.utterances
        if utterances is not None:
            utterances.hear(reply, now)

    def misheard(self, reply: Misheard, now: float) -> None:
        utterances = self._call.utterances
        if utterances is not None:
            utterances.misheard(reply, now)

    def speech_lost(self, now: float) -> None:
        """Nothing that runs there will be answered."""
        if self._call.player is not None:
            self._call.player.lose(now)
        if self._call.utterances is not None:
            self._call.utterances.lose(now)

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
                ALARMS[alarm](self, now)

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

    # When it is time

    def _ping(self, now: float) -> None:
        at_ms = self._outbox.at_ms(now)
        self._outbox.tell(Ping(at_ms, instants.render(at_ms)))
        self._alarms.set(Alarm.PING, now + self._ping_seconds)

    def _miss_invite(self, now: float) -> None:
        if self._call.phase is Phase.INCOMING:
            sentence = "the call was not accepted in time"
            self._outbox.fail(SESSION, sentence, REQUEST_TIMEOUT, now)
            incoming.miss(self._call, now)
        else:
            sentence = "no invite came"
            self.end(HangupReason.NO_ANSWER, SYSTEM, now, sentence, REQUEST_TIMEOUT)

    def _tell_silence(self, now: float) -> None:
        self._call.attention.tell_silence(now)

    def _give_up(self, now: float) -> None:
        self._call.attention.tell_inactivity(now)
        self.end(HangupReason.INACTIVITY_TIMEOUT, SYSTEM, now)

    def _miss_text(self, now: float) -> None:
        utterances = self._call.utterances
        assert utterances is not None
        utterances.give_up(now)

    def _miss_audio(self, now: float) -> None:
        self._call.playing.give_up_audio(now)

    def _close_stream(self, now: float) -> None:
        self._call.playing.close_stream(now)

    def _flush(self, now: float) -> None:
        self._call.playing.flush(now)


ALARMS: dict[Alarm, Callable[[Session, float], None]] = {
    Alarm.PING: Session._ping,
    Alarm.INVITE: Session._miss_invite,
    Alarm.INPUT: Session._tell_silence,
    Alarm.INACTIVITY: Session._give_up,
    Alarm.TEXT: Session._miss_text,
    Alarm.STARVED: Session._miss_audio,
    Alarm.IDLE: Session._close_stream,
    Alarm.FLUSH: Session._flush,
}
