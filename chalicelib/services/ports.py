"""What the use cases need of the world, and how it may fail them.

RepositoryError
├── Conflict          another command won the race; decide again
├── Throttled         too much at once; the same again, later
├── UnknownOutcome    it may have been stored or not; send the same again
├── AlreadyDone       a command of this id was carried out; its record is here
├── CallIdTaken       the id of the call to be created was used before
├── NumberTaken       the drawn trace id or room number was used before; redraw
└── LocksHeld         users are members of other calls, which it names
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from chalicelib.domain.call import Call
from chalicelib.protocol.control import Doorbell, Redelivery


class RepositoryError(Exception):
    """A commit did not take place, or may not have."""


class Conflict(RepositoryError):
    """Another command won the race; decide again."""


class Throttled(RepositoryError):
    """Too much at once; the same again, later."""


class UnknownOutcome(RepositoryError):
    """It may have been stored or not; send the same again."""


class CallIdTaken(RepositoryError):
    """The id of the call to be created was used before."""


class NumberTaken(RepositoryError):
    """The drawn trace id or room number was used before; redraw."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """What became of a command, so that its repetition gets the same answer."""

    tenant: str
    command_id: str
    fingerprint: str
    """Hash of the request: the same id with another request is refused."""
    call: Call
    """As it was right after the command."""
    refusal: str = ""
    """Name of the `CallError` that was answered all the same, if any."""
    refusal_subject: str = ""


class AlreadyDone(RepositoryError):
    """A command of this id was carried out before."""

    def __init__(self, record: CommandRecord) -> None:
        super().__init__(record.command_id)
        self.record = record


class LocksHeld(RepositoryError):
    """Users are members of other calls."""

    def __init__(self, holders: Mapping[str, str]) -> None:
        super().__init__(", ".join(sorted(holders)))
        self.holders = dict(holders)
        """uid -> id of the call that their lock names."""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """What is told of a call, written with it or not at all: an event, or an effect."""

    tenant: str
    call_id: str
    seq: int
    """0 for an effect, which has no place in the call's story."""
    event_id: str
    """The same whenever and however often it is told."""
    type: str
    at_ms: int
    data: Mapping[str, Any]
    """The facts that `chalicelib.services.facts` wrote."""
    is_last: bool = True
    """Of those that were stored together."""

    @property
    def doorbell(self) -> Doorbell:
        return Doorbell(
            self.tenant,
            self.call_id,
            self.seq,
            self.event_id,
            self.type,
            self.at_ms,
            self.data,
            self.is_last,
        )


@dataclass(frozen=True, slots=True)
class Commit:
    """All that one command writes, in one transaction."""

    before: Call | None
    """The call as it was read; None when it is being created."""
    after: Call
    events: tuple[OutboxEvent, ...]
    effects: tuple[OutboxEvent, ...]
    record: CommandRecord
    token: str
    """At most 36 characters; the same for the same commit sent again."""

    @property
    def locks_taken(self) -> frozenset[str]:
        return self.after.locked_uids - self._locked_before

    @property
    def locks_freed(self) -> frozenset[str]:
        return self._locked_before - self.after.locked_uids

    @property
    def _locked_before(self) -> frozenset[str]:
        return self.before.locked_uids if self.before else frozenset()


class CommitListener(Protocol):
    """Hears of what was stored, in the process that stored it."""

    def committed(self, call: Call, events: tuple[OutboxEvent, ...]) -> None:
        """Within a bound of its own; never raises, for it is stored."""


class CallRepository(Protocol):
    """Calls, the locks of their members, their outbox and the commands' records."""

    def load(self, tenant: str, call_id: str) -> Call | None:
        """The call as last stored; never a stale one."""

    def commit(self, commit: Commit) -> None:
        """Store all of it or nothing; raises any `RepositoryError`."""

    def call_id_of(self, tenant: str, uid: str) -> str | None:
        """The call that the user's membership lock names."""

    def call_id_of_trace(self, tenant: str, trace_id: int) -> str | None:
        """The call, if it is the tenant's, that has the number."""

    def record(self, tenant: str, command_id: str) -> CommandRecord | None:
        """What became of a command that changed something, for a day at least."""

    def drop_lock(self, tenant: str, uid: str, call_id: str) -> None:
        """Free a user of a lock that names a call which does not hold it."""

    def outbox(
        self, tenant: str, call_id: str, from_seq: int
    ) -> tuple[OutboxEvent, ...]:
        """The call's events from ``from_seq`` on, in order."""

    def request(self, effect: OutboxEvent) -> None:
        """Have an effect done that no command caused."""

    def due(self, shard: int, now_ms: int) -> tuple[tuple[str, str], ...]:
        """(tenant, call id) of those to be looked at by now, the longest due first.

        Not all at once: who has been looked at is not due again.
        """

    def rearm(self, call: Call) -> None:
        """Have a live call's TTL wake it again; its last has been used up."""

    def postpone(self, call: Call, at_ms: int) -> None:
        """An ended call need not be looked at again before then."""

    def disarm(self, call: Call) -> None:
        """An ended call need not be looked at again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of a post: a status, or why there was none."""

    status: int | None
    """None when no whole answer came."""
    error: str = ""
    retry_after_seconds: int | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Poster(Protocol):
    """Sends one HTTP POST to a URL of a user's choosing, guarded."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        """Never raises for what the other side, the network or the policy does."""


class EventBus(Protocol):
    """Rings everybody who wants to hear of calls."""

    def publish(self, doorbells: Iterable[Doorbell]) -> list[int]:
        """Returns the positions of those that were not taken."""


class RetryMachine(Protocol):
    """Carries what could not be delivered at once."""

    def start(self, redelivery: Redelivery, token: str = "") -> None:
        """Starting the same one again does nothing, unless by another token."""


@dataclass(frozen=True, slots=True)
class JoinCredentials:
    """What a client needs to enter a call's media."""

    provider: str
    url: str
    token: str = field(repr=False)
    room: str | int
    """The provider's name of the room, or its number where rooms have numbers."""
    more: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What this provider's clients need besides, by the names that they have for it."""
    problem: str = ""
    """Why there is nothing to enter the room with, if so."""


@dataclass(frozen=True, slots=True)
class TrtcTicket:
    """What a client of Tencent's TRTC needs to enter a call's room."""

    room_id: int
    user_sig: str = field(repr=False)
    private_map_key: str = field(repr=False)
    sdk_app_id: int


class MediaProvider(Protocol):
    """Carries the media of calls."""

    def credentials(
        self,
        call: Call,
        uid: str,
        device_type: str,
        now_ms: int,
        seconds: int | None = None,
    ) -> JoinCredentials:
        """Good for so many ``seconds``; None leaves it to the provider."""


class Clock(Protocol):
    """The one place where time comes from."""

    def now_ms(self) -> int: ...

    def sleep_ms(self, duration_ms: float) -> None: ...


class Draws(Protocol):
    """The one place where chance comes from."""

    def call_id(self) -> str:
        """32 lower-case hexadecimal digits."""

    def token(self) -> str:
        """32 lower-case hexadecimal digits, unguessable."""

    def trace_id(self, now_ms: int) -> int:
        """A positive int64 that grows with time."""

    def room_number(self) -> int:
        """1 to 2**31 - 1."""

    def uniform(self, low: float, high: float) -> float: ...
