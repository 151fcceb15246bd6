"""One call from its socket's opening to its end.

    WAITING --invite--> LIVE --hangup, loss, failure--> OVER
       |                                                  ^
       +--------------------------------------------------+

On a WebSocket call an invite is answered at once, so that ``startWhenAnswer`` changes
nothing: there is no audio before the answer. A call that cannot be had is rejected,
and is over. When it is over nothing is told, ever.
"""

from enum import Enum, auto

from chalicelib.protocol.lease import SessionEnded, SessionStarted
from chalicelib.protocol.session import instants
from chalicelib.protocol.session.events import (
    Answered,
    HungUp,
    Metrics,
    Rejected,
    TrackEnded,
    TrackStarted,
)
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import HangupReason, VadType
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.attention import Attention
from mediaworker.session.capabilities import CAPABILITIES
from mediaworker.session.effects import Close, Connect, MuteCaller, Report
from mediaworker.session.ending import SYSTEM, attendee
from mediaworker.session.hearing import Hearing
from mediaworker.session.identity import Identity
from mediaworker.session.outbox import Outbox
from mediaworker.session.plan import Plan, codec_of, plan
from mediaworker.session.player import Player
from mediaworker.session.refusals import NotThere, Unsupported
from mediaworker.session.rules import Rules
from mediaworker.session.texts import close_reason, line
from mediaworker.session.transcripts import Transcripts
from mediaworker.session.turns import Gate
from mediaworker.session.utterances import Utterances

NOT_ACCEPTABLE = 488
BUSY_HERE = 486
NO_SSRC = 0
"""The caller's audio comes over a WebSocket, which numbers no source."""


class Phase(Enum):
    """How far a call has come."""

    WAITING = auto()
    """For an invite."""
    LIVE = auto()
    OVER = auto()


class Call:
    """The parts of one session, as they come and go."""

    def __init__(
        self,
        identity: Identity,
        query: SessionQuery,
        outbox: Outbox,
        alarms: Alarms,
        rules: Rules,
        now: float,
    ) -> None:
        self.phase = Phase.WAITING
        alarms.set(Alarm.INVITE, now + rules.invite_seconds)
        self.caller: str | None = None
        self.callee: str | None = None
        self.rate = CAPABILITIES[identity.call_type].rates.get(codec_of(None, query), 0)
        """Samples a second, in both directions."""
        self.created_at_ms = outbox.at_ms(now)
        self.plan: Plan | None = None
        self.player: Player | None = None
        self.hearing: Hearing | None = None
        """While the call is live."""
        self.attention = Attention(outbox, alarms)
        self._identity = identity
        self._query = query
        self._outbox = outbox
        self._alarms = alarms
        self._rules = rules
        self._started_at_ms: int | None = None
        self._is_caller_muted = False

    @property
    def utterances(self) -> Utterances | None:
        """None when nobody wants text, or the call is not live."""
        return self.hearing.utterances if self.hearing is not None else None

    @property
    def playing(self) -> Player:
        """Of a live call."""
        assert self.player is not None
        return self.player

    def invite(self, option: CallOption, now: float) -> None:
        """Set the call up, or end it where it cannot be had."""
        self._alarms.clear(Alarm.INVITE)
        try:
            planned = plan(
                option, self._query, CAPABILITIES[self._identity.call_type], self._rules
            )
        except Unsupported as refusal:
            self._outbox.refuse(refusal, now)
            self.reject(refusal.sentence, NOT_ACCEPTABLE, now)
            return
        self.caller, self.callee = option.caller, option.callee
        self._connect(planned, now)
        self._tell_shortcomings(planned, now)
        self.attention.watch(option.inactivity_timeout, now)

    def reject(self, reason: str, code: int, now: float) -> None:
        """There is no such call to be had."""
        session_id, at_ms = self._identity.session_id, self._outbox.at_ms(now)
        self._outbox.tell(Rejected(session_id, at_ms, reason, code))
        self.end(HangupReason.REJECTED, SYSTEM, now)

    def mute(self, track_id: str | None, *, is_muted: bool) -> None:
        """One track, or all; raises `NotThere`."""
        is_callers = track_id in (None, self._identity.session_id)
        is_servers = track_id is None or self._is_server_side(track_id)
        if not is_callers and not is_servers:
            raise NotThere("there is no such track")
        if is_servers:
            self.playing.is_muted = is_muted
        if is_callers and is_muted != self._is_caller_muted:
            self._is_caller_muted = is_muted
            self._outbox.ask(MuteCaller(is_muted))

    def end(self, reason: str, initiator: str, now: float) -> None:
        """In the order that is promised; nothing comes after it."""
        outbox, session_id = self._outbox, self._identity.session_id
        reason, initiator = line(reason), line(initiator)
        if self.player is not None:
            self.player.stop(now)
        at_ms, started_at_ms = outbox.at_ms(now), self._started_at_ms
        if started_at_ms is not None:
            lasted_ms = at_ms - started_at_ms
            outbox.tell(TrackEnded(session_id, at_ms, lasted_ms, NO_SSRC))
        outbox.tell(self._hung_up(reason, initiator, at_ms))
        if started_at_ms is not None:
            outbox.ask(Report(self._ended(reason, initiator, started_at_ms, at_ms)))
        outbox.ask(Close(reason=close_reason(reason)))
        self._alarms.clear_all()
        self.phase, self.player, self.hearing = Phase.OVER, None, None

    def _connect(self, planned: Plan, now: float) -> None:
        outbox, session_id = self._outbox, self._identity.session_id
        self.plan, self.rate, self.phase = planned, planned.rate, Phase.LIVE
        at_ms = self._started_at_ms = outbox.at_ms(now)
        self.player = Player(
            outbox,
            self._alarms,
            self.attention,
            self._rules,
            planned.rate,
            self._identity.ssrc,
        )
        self.hearing = self._ears(planned)
        outbox.ask(Report(self._started(at_ms)))
        language = planned.asr.language if planned.asr else None
        transcribes = planned.asr is not None
        outbox.ask(Connect(planned.codec, planned.detector, transcribes, language))
        outbox.tell(TrackStarted(session_id, at_ms))
        outbox.tell(Answered(session_id, at_ms, sdp=""))

    def _ears(self, planned: Plan) -> Hearing | None:
        if planned.gate is None:
            return None
        return Hearing(
            self._outbox,
            self.attention,
            Gate(planned.gate, self._rules.hysteresis),
            self._recognizer(planned) if planned.asr else None,
            tells_turns=planned.tells_turns,
        )

    def _recognizer(self, planned: Plan) -> Utterances:
        return Utterances(
            self._outbox,
            self._alarms,
            Transcripts(self._outbox, self.attention),
            self._rules,
            planned.endpoint_ms,
            planned.longest_ms,
        )

    def _tell_shortcomings(self, planned: Plan, now: float) -> None:
        """After the answer: clients take an error before it for the answer."""
        for complaint in planned.complaints:
            self._outbox.complain(complaint, now)
        if planned.gate is not None and planned.gate.known_type is VadType.TEN:
            data = {"asked": str(VadType.TEN), "used": str(planned.detector)}
            self._outbox.tell(
                Metrics(self._outbox.at_ms(now), "vad.substituted", 0, data)
            )

    def _is_server_side(self, track_id: str) -> bool:
        is_named = track_id == self._identity.server_side_track
        return is_named or self._query.is_server_side(track_id)

    def _hung_up(self, reason: str, initiator: str, at_ms: int) -> HungUp:
        started_at_ms = self._started_at_ms or self.created_at_ms
        extra = {
            "session_id": self._identity.session_id,
            "call_type": str(self._identity.call_type),
            "start_time": instants.render(started_at_ms),
        }
        return HungUp(
            self._identity.session_id,
            at_ms,
            started_at_ms,
            at_ms,
            reason,
            initiator,
            answered_at_ms=self._started_at_ms,
            from_=attendee(self.caller),
            to=attendee(self.callee),
            extra=extra,
        )

    def _started(self, at_ms: int) -> SessionStarted:
        identity = self._identity
        return SessionStarted(
            identity.tenant,
            identity.session_id,
            identity.worker_id,
            identity.epoch,
            identity.uid,
            identity.call_type,
            at_ms,
            self.caller,
            self.callee,
        )

    def _ended(
        self, reason: str, initiator: str, started_at_ms: int, at_ms: int
    ) -> SessionEnded:
        identity = self._identity
        return SessionEnded(
            identity.tenant,
            identity.session_id,
            identity.worker_id,
            identity.epoch,
            identity.uid,
            identity.call_type,
            started_at_ms,
            at_ms,
            reason,
            initiator,
            self.caller,
            self.callee,
            answered_at_ms=started_at_ms,
            counts=self._outbox.counts(),
        )
