"""One call from its socket's opening to its end.

    WAITING --invite--> SETTING_UP --answered--> LIVE --hangup, loss--> OVER
       |                     ^                                           ^
       +--a call came--> INCOMING --accept                               |
       +---- hangup, rejection, failure, from wherever it stands --------+

On a WebSocket call an invite is answered at once, so that ``startWhenAnswer`` changes
nothing: there is no audio before the answer. Elsewhere audio may go both ways before
it; then there is a `Player` already. A call that cannot be had is rejected, and is
over. When it is over nothing is told, ever.
"""

from collections.abc import Mapping
from enum import Enum, auto

from chalicelib.protocol.session.events import Hold, Rejected
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.query import SessionQuery
from chalicelib.protocol.session.vocabulary import CallType, HangupReason
from mediaworker.session.alarms import Alarm, Alarms
from mediaworker.session.attention import Activity, Attention
from mediaworker.session.capabilities import CAPABILITIES
from mediaworker.session.effects import Close, Listen, MuteCaller
from mediaworker.session.ending import SYSTEM
from mediaworker.session.hearing import Hearing
from mediaworker.session.identity import Identity
from mediaworker.session.legs import DropLeg
from mediaworker.session.outbox import Outbox
from mediaworker.session.passing import Passing
from mediaworker.session.plan import Plan, codec_of
from mediaworker.session.player import Player
from mediaworker.session.refusals import Complaint, NotThere, WrongTime
from mediaworker.session.remarks import Remarks
from mediaworker.session.rules import Rules
from mediaworker.session.story import Story
from mediaworker.session.texts import close_reason, line, prose
from mediaworker.session.utterances import Utterances

NO_HEADERS: Mapping[str, str] = {}


class Phase(Enum):
    """How far a call has come."""

    WAITING = auto()
    """For an invite, or for a call to come."""
    INCOMING = auto()
    """A call has come, and waits to be accepted."""
    SETTING_UP = auto()
    """It was asked for, or accepted, and is not answered yet."""
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
        self.identity = identity
        self.query = query
        self.outbox = outbox
        self.alarms = alarms
        self.rules = rules
        self.can = CAPABILITIES[identity.call_type]
        if not self.is_listening:
            self.await_word(now)
        self.rate = 0
        """Samples a second, in both directions; 0 until a leg's media is agreed."""
        if not self.can.has_leg:
            self.rate = self.can.rates.get(codec_of(None, query), 0)
        self.story = Story(identity, outbox, now)
        self.attention = Attention(outbox, alarms)
        self.plan: Plan | None = None
        """From the invite or the acceptance on."""
        self.option: CallOption | None = None
        """What was asked for, for whoever keeps records."""
        self.is_recorded = False
        """It was to be, and by what was asked for first."""
        self.is_placed = False
        """It is the application that calls, by a leg."""
        self.complaints: list[Complaint] = []
        """Of what was asked for before there was a plan."""
        self.ringtone: str | None = None
        """To be played once media is agreed."""
        self.player: Player | None = None
        """As long as audio can go both ways."""
        self.hearing: Hearing | None = None
        """Where somebody wants to know what is heard."""
        self.heard = Listen(None, False)
        """What was asked for of that."""
        self.passing = Passing(outbox, self.attention, identity.ssrc)
        self.is_caller_muted = False
        self._is_server_muted = False
        self._is_on_hold = False
        self._is_silenced = False

    @property
    def is_listening(self) -> bool:
        """It waits for a call to come, for as long as that takes."""
        is_asked_for = self.query.listen is not None
        return is_asked_for and self.identity.call_type is CallType.SIP

    @property
    def utterances(self) -> Utterances | None:
        """None when nobody wants text, or not yet."""
        return self.hearing.utterances if self.hearing is not None else None

    @property
    def remarks(self) -> Remarks | None:
        """None unless a provider makes text of what is heard."""
        return self.hearing.remarks if self.hearing is not None else None

    @property
    def playing(self) -> Player:
        """Raises `WrongTime` where no audio can go out yet."""
        if self.player is None:
            raise WrongTime("there is no audio yet")
        return self.player

    def await_word(self, now: float) -> None:
        """The application is to say what becomes of the session."""
        self.alarms.set(Alarm.INVITE, now + self.rules.invite_seconds)

    def open_media(self, rate: int) -> None:
        """Audio can go out from now on."""
        self.rate = rate
        self.player = Player(
            self.outbox,
            self.alarms,
            self.attention,
            self.rules,
            rate,
            self.identity.ssrc,
        )
        self.player.is_muted = self._is_server_muted

    def mute(self, track_id: str | None, *, is_muted: bool) -> None:
        """One track, or all; raises `NotThere`."""
        is_callers = track_id in (None, self.identity.session_id)
        is_servers = track_id is None or self._is_server_side(track_id)
        if not is_callers and not is_servers:
            raise NotThere("there is no such track")
        if is_servers:
            self._is_server_muted = is_muted
            self.passing.mute(is_muted)
            if self.player is not None:
                self.player.is_muted = is_muted
        if is_callers:
            self.is_caller_muted = is_muted
            self._silence_caller()

    def hold(self, is_on_hold: bool, now: float) -> None:
        """By the far end: what it sends meanwhile is heard by nobody."""
        if is_on_hold == self._is_on_hold:
            return
        self._is_on_hold = is_on_hold
        session_id, at_ms = self.identity.session_id, self.outbox.at_ms(now)
        self.outbox.tell(Hold(session_id, at_ms, is_on_hold))
        if is_on_hold:
            self.attention.begin(Activity.HOLD)
        else:
            self.attention.end(Activity.HOLD, now)
        self._silence_caller()

    def reject(
        self,
        reason: str,
        code: int,
        now: float,
        end: tuple[str, str] = (HangupReason.REJECTED, SYSTEM),
    ) -> None:
        """There is no such call to be had."""
        session_id, at_ms = self.identity.session_id, self.outbox.at_ms(now)
        self.outbox.tell(Rejected(session_id, at_ms, prose(reason), code))
        self.end(*end, now)

    def end(
        self,
        reason: str,
        initiator: str,
        now: float,
        *,
        sent: Mapping[str, str] | None = None,
        received: Mapping[str, str] = NO_HEADERS,
    ) -> None:
        """In the order that is promised; nothing comes after it.

        The headers go out with a BYE, instead of the option's, or came with one.
        """
        reason, initiator = line(reason), line(initiator)
        if self.player is not None:
            self.player.stop(now)
        self.passing.end(now)
        self.story.end(reason, initiator, received, now)
        if self.can.has_leg:
            planned = self.plan.hangup_headers if self.plan else NO_HEADERS
            self.outbox.ask(DropLeg(planned if sent is None else sent))
        self.outbox.ask(Close(reason=close_reason(reason)))
        self.alarms.clear_all()
        self.phase, self.player, self.hearing = Phase.OVER, None, None

    def _silence_caller(self) -> None:
        is_silenced = self.is_caller_muted or self._is_on_hold
        if is_silenced != self._is_silenced:
            self._is_silenced = is_silenced
            self.outbox.ask(MuteCaller(is_silenced))

    def _is_server_side(self, track_id: str) -> bool:
        is_named = track_id == self.identity.server_side_track
        return is_named or self.query.is_server_side(track_id)
