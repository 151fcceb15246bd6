"""The four transactions as tables (RFC 3261 section 17, RFC 6026 section 8).

A pair of state and input that does not stand in a table is ignored: a stray message,
or one that the state is to absorb.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from mediaworker.sip.timers import Agenda, Alarm, Lasting, Timers, seconds_of


class State(Enum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    """A 2xx has passed: RFC 6026 keeps the transaction for its further copies."""
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Input(Enum):
    PROVISIONAL = auto()
    """Of responses: they come to a client, and are given to a server."""
    SUCCESS = auto()
    FAILURE = auto()
    REQUEST = auto()
    """Once more."""
    ACK = auto()
    RESEND = auto()
    """Timers A, E, G."""
    EXPIRED = auto()
    """The timer that bounds the state."""
    UNSENT = auto()
    """The transport could not."""


class Action(Enum):
    SEND = auto()
    """The request, or the last response."""
    ACK = auto()
    TELL = auto()
    """The response goes to whoever made the request."""
    TIME_OUT = auto()
    """As if 408 had come (8.1.3.1)."""
    FAIL = auto()
    """As if 503 had come (8.1.3.1)."""


class Pace(Enum):
    """How the intervals between copies grow from T1."""

    DOUBLED = auto()
    """Timer A."""
    TO_T2 = auto()
    """Timers E and G."""
    AT_T2 = auto()
    """Timer E, once a provisional response has come."""


@dataclass(frozen=True, slots=True)
class Stay:
    """What runs while a transaction is in a state."""

    pace: Pace | None = None
    """Of copies, over an unreliable transport."""
    lasting: Lasting | None = None
    keeps_end: bool = False
    """The end that was set before stays."""


Rule = tuple[State, tuple[Action, ...]]


@dataclass(frozen=True, slots=True)
class Machine:
    first: State
    rules: Mapping[tuple[State, Input], Rule]
    stays: Mapping[State, Stay]


CLIENT_INVITE = Machine(
    State.CALLING,
    {
        (State.CALLING, Input.RESEND): (State.CALLING, (Action.SEND,)),
        (State.CALLING, Input.PROVISIONAL): (State.PROCEEDING, (Action.TELL,)),
        (State.CALLING, Input.SUCCESS): (State.ACCEPTED, (Action.TELL,)),
        (State.CALLING, Input.FAILURE): (State.COMPLETED, (Action.ACK, Action.TELL)),
        (State.CALLING, Input.EXPIRED): (State.TERMINATED, (Action.TIME_OUT,)),
        (State.CALLING, Input.UNSENT): (State.TERMINATED, (Action.FAIL,)),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, (Action.TELL,)),
        (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, (Action.TELL,)),
        (State.PROCEEDING, Input.FAILURE): (
            State.COMPLETED,
            (Action.ACK, Action.TELL),
        ),
        (State.PROCEEDING, Input.EXPIRED): (State.TERMINATED, (Action.TIME_OUT,)),
        (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, (Action.TELL,)),
        (State.ACCEPTED, Input.EXPIRED): (State.TERMINATED, ()),
        (State.COMPLETED, Input.FAILURE): (State.COMPLETED, (Action.ACK,)),
        (State.COMPLETED, Input.EXPIRED): (State.TERMINATED, ()),
        (State.COMPLETED, Input.UNSENT): (State.TERMINATED, ()),
    },
    {
        State.CALLING: Stay(Pace.DOUBLED, Lasting.GIVING_UP),
        State.PROCEEDING: Stay(),
        State.ACCEPTED: Stay(lasting=Lasting.GIVING_UP),
        State.COMPLETED: Stay(lasting=Lasting.ABSORBING),
    },
)
"""17.1.1; PROCEEDING expires when a CANCEL remains without effect (9.1)."""

CLIENT_OTHER = Machine(
    State.TRYING,
    {
        (State.TRYING, Input.RESEND): (State.TRYING, (Action.SEND,)),
        (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, (Action.TELL,)),
        (State.TRYING, Input.SUCCESS): (State.COMPLETED, (Action.TELL,)),
        (State.TRYING, Input.FAILURE): (State.COMPLETED, (Action.TELL,)),
        (State.TRYING, Input.EXPIRED): (State.TERMINATED, (Action.TIME_OUT,)),
        (State.TRYING, Input.UNSENT): (State.TERMINATED, (Action.FAIL,)),
        (State.PROCEEDING, Input.RESEND): (State.PROCEEDING, (Action.SEND,)),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, (Action.TELL,)),
        (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, (Action.TELL,)),
        (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, (Action.TELL,)),
        (State.PROCEEDING, Input.EXPIRED): (State.TERMINATED, (Action.TIME_OUT,)),
        (State.PROCEEDING, Input.UNSENT): (State.TERMINATED, (Action.FAIL,)),
        (State.COMPLETED, Input.EXPIRED): (State.TERMINATED, ()),
    },
    {
        State.TRYING: Stay(Pace.TO_T2, Lasting.GIVING_UP),
        State.PROCEEDING: Stay(Pace.AT_T2, keeps_end=True),
        State.COMPLETED: Stay(lasting=Lasting.PASSING),
    },
)
"""17.1.2."""

SERVER_INVITE = Machine(
    State.PROCEEDING,
    {
        (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, (Action.SEND,)),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, (Action.SEND,)),
        (State.PROCEEDING, Input.SUCCESS): (State.ACCEPTED, (Action.SEND,)),
        (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, (Action.SEND,)),
        (State.ACCEPTED, Input.SUCCESS): (State.ACCEPTED, (Action.SEND,)),
        (State.ACCEPTED, Input.EXPIRED): (State.TERMINATED, ()),
        (State.COMPLETED, Input.REQUEST): (State.COMPLETED, (Action.SEND,)),
        (State.COMPLETED, Input.RESEND): (State.COMPLETED, (Action.SEND,)),
        (State.COMPLETED, Input.ACK): (State.CONFIRMED, ()),
        (State.COMPLETED, Input.EXPIRED): (State.TERMINATED, ()),
        (State.COMPLETED, Input.UNSENT): (State.TERMINATED, ()),
        (State.CONFIRMED, Input.EXPIRED): (State.TERMINATED, ()),
    },
    {
        State.PROCEEDING: Stay(),
        State.ACCEPTED: Stay(lasting=Lasting.GIVING_UP),
        State.COMPLETED: Stay(Pace.TO_T2, Lasting.GIVING_UP),
        State.CONFIRMED: Stay(lasting=Lasting.PASSING),
    },
)
"""17.2.1; what cannot be sent before there is a final response is not its end."""

SERVER_OTHER = Machine(
    State.TRYING,
    {
        (State.TRYING, Input.PROVISIONAL): (State.PROCEEDING, (Action.SEND,)),
        (State.TRYING, Input.SUCCESS): (State.COMPLETED, (Action.SEND,)),
        (State.TRYING, Input.FAILURE): (State.COMPLETED, (Action.SEND,)),
        (State.PROCEEDING, Input.REQUEST): (State.PROCEEDING, (Action.SEND,)),
        (State.PROCEEDING, Input.PROVISIONAL): (State.PROCEEDING, (Action.SEND,)),
        (State.PROCEEDING, Input.SUCCESS): (State.COMPLETED, (Action.SEND,)),
        (State.PROCEEDING, Input.FAILURE): (State.COMPLETED, (Action.SEND,)),
        (State.COMPLETED, Input.REQUEST): (State.COMPLETED, (Action.SEND,)),
        (State.COMPLETED, Input.EXPIRED): (State.TERMINATED, ()),
        (State.COMPLETED, Input.UNSENT): (State.TERMINATED, ()),
    },
    {
        State.TRYING: Stay(),
        State.PROCEEDING: Stay(),
        State.COMPLETED: Stay(lasting=Lasting.ABSORBING),
    },
)
"""17.2.2."""


def input_of(status: int) -> Input:
    """What a response of that status is to a transaction."""
    if status < 200:
        return Input.PROVISIONAL
    return Input.SUCCESS if status < 300 else Input.FAILURE


class Transaction(ABC):
    """A machine that runs; what its actions do is for those who derive from it."""

    def __init__(
        self, machine: Machine, agenda: Agenda, timers: Timers, *, is_reliable: bool
    ) -> None:
        self.state = machine.first
        self._machine = machine
        self._agenda = agenda
        self._timers = timers
        self._is_reliable = is_reliable
        self._interval = 0.0
        self._resend: Alarm | None = None
        self._end: Alarm | None = None

    @abstractmethod
    def do(self, action: Action, now: float) -> None:
        """Called in the new state, its timers set."""

    @abstractmethod
    def ended(self, now: float) -> None:
        """Called once, when it is terminated."""

    def start(self, now: float) -> None:
        self._enter(self.state, now)

    def feed(self, what: Input, now: float) -> None:
        rule = self._machine.rules.get((self.state, what))
        if rule is None:
            return
        state, actions = rule
        is_over_at_once = False
        if state is not self.state:
            is_over_at_once = self._enter(state, now)
        for action in actions:
            self.do(action, now)
        if is_over_at_once:
            self._enter(State.TERMINATED, now)
        if self.state is State.TERMINATED:
            self.ended(now)

    def end_within(self, seconds: float, now: float) -> None:
        """Let the state expire, if it lasts so long."""
        if self._end is not None:
            self._end.cancel()
        self._end = self._agenda.set(now + seconds, self._expire)

    def _enter(self, state: State, now: float) -> bool:
        """Whether the state lasts no time at all."""
        self.state = state
        stay = self._machine.stays.get(state, Stay())
        if self._resend is not None:
            self._resend.cancel()
        if self._end is not None and not stay.keeps_end:
            self._end.cancel()
        if stay.pace is not None and not self._is_reliable:
            is_slow = stay.pace is Pace.AT_T2
            self._interval = self._timers.t2 if is_slow else self._timers.t1
            self._resend = self._agenda.set(now + self._interval, self._send_again)
        if stay.lasting is None:
            return False
        seconds = seconds_of(stay.lasting, self._timers, is_reliable=self._is_reliable)
        if seconds:
            self.end_within(seconds, now)
        return not seconds

    def _send_again(self, now: float) -> None:
        interval = self._interval * 2
        if self._machine.stays[self.state].pace is not Pace.DOUBLED:
            interval = min(interval, self._timers.t2)
        self._interval = interval
        self._resend = self._agenda.set(now + interval, self._send_again)
        self.feed(Input.RESEND, now)

    def _expire(self, now: float) -> None:
        self.feed(Input.EXPIRED, now)
