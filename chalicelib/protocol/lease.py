"""How workers and the control plane know of each other, and what they tell.

A worker renews its lease; the control plane orders it to end a session or to drain,
and is told of sessions that began and ended.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Self, get_args

from chalicelib.protocol.envelope import (
    CURRENT,
    is_read,
    stamped,
    upcast,
    version_of,
)
from chalicelib.protocol.session import records
from chalicelib.protocol.session.fields import (
    Count,
    Name,
    Party,
    Path,
    Reason,
    SessionId,
    SipStatus,
    Timestamp,
    Url,
)
from chalicelib.protocol.session.ids import WORKER_ID
from chalicelib.protocol.session.kinds import Matching, Unfit, Whole
from chalicelib.protocol.session.records import Record
from chalicelib.protocol.session.vocabulary import CallType

HEARTBEAT_MS = 3_000
EXPIRY_MS = 8_000

WorkerId = Annotated[str, Matching(WORKER_ID, "1 to 16 letters and digits")]
Epoch = Annotated[int, Whole(1, 2**53 - 1)]


class MalformedMessage(ValueError):
    """What a part of Parley wrote or sent is not what it should be."""


@dataclass(frozen=True, slots=True)
class Stamped(Record):
    """A record of Parley's own: keys as the attributes are spelt, and a version."""

    has_snake_keys = True
    kind: ClassVar[str] = ""
    """By which `chalicelib.protocol.envelope` knows its former shapes."""

    def render(self, version: int | None = None) -> dict[str, Any]:
        """For a reader of that version, if one is given."""
        return stamped(records.write(self), self.kind, version)

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion` or `MalformedMessage`."""
        return cls._read(upcast_message(cls.kind, value))

    @classmethod
    def _read(cls, value: Mapping[str, Any]) -> Self:
        try:
            return records.read(cls, value)
        except Unfit as error:
            raise MalformedMessage(str(error)) from None


def upcast_message(kind: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises `UnknownVersion`, or `MalformedMessage` for what even its own release
    would not have written."""
    try:
        return upcast(kind, value)
    except (KeyError, TypeError, AttributeError):
        raise MalformedMessage(f"this is no {kind} of an older release") from None


def upcast_typed(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Of a value whose ``type`` says what it is. Raises as `upcast_message`."""
    version_of(value)
    return upcast_message(str(value.get("type")), value)


class Sight(StrEnum):
    """What was seen of a worker that does not renew its lease."""

    TASK_STOPPED = "task_stopped"
    UNREACHABLE = "unreachable"
    """A neighbour has tried."""


@dataclass(frozen=True, slots=True)
class Witness(Stamped):
    """Says, beside the age of its lease, that a worker is gone."""

    kind: ClassVar[str] = "witness"
    worker_id: WorkerId
    epoch: Epoch
    sight: Sight
    seen_at_ms: Timestamp
    by: WorkerId | None = None
    """The neighbour."""


@dataclass(frozen=True, slots=True)
class Lease(Stamped):
    """A worker's word that it lives, renewed every `HEARTBEAT_MS`.

    A worker that cannot renew keeps its sessions and takes no new ones.
    """

    kind: ClassVar[str] = "lease"
    worker_id: WorkerId
    epoch: Epoch
    """Grows with each start of the worker, and when it is taken for dead."""
    address: Name
    """Host and port for the control plane and for other workers."""
    ws_url: Url
    """Where applications reach this very worker."""
    sessions: Count
    capacity: Count
    is_draining: bool
    renewed_at_ms: Timestamp
    protocol_version: Count = CURRENT
    task_id: Name | None = None
    """What its container is called, for whoever hears that it stopped."""
    sip_address: Name | None = None
    """Host and port for new phone calls by UDP and TCP; None where it takes none."""
    release: Name | None = None
    """What it was built from: workers of another release are retired."""

    def is_expired(self, now_ms: int) -> bool:
        """Too old to be believed; no proof yet that the worker is dead."""
        return now_ms - self.renewed_at_ms >= EXPIRY_MS

    def takes_sessions(self, now_ms: int) -> bool:
        """Whether a new session may be given to the worker."""
        return (
            not self.is_draining
            and not self.is_expired(now_ms)
            and self.sessions < self.capacity
            and is_read(self.protocol_version)
        )

    @property
    def neighbour(self) -> "Neighbour":
        """What the others are told of it."""
        return Neighbour(
            self.worker_id, self.address, self.is_draining, self.sip_address
        )

    def renewed(self, now_ms: int, sessions: int, is_draining: bool) -> Self:
        """The lease after a heartbeat."""
        at_ms = max(now_ms, self.renewed_at_ms)
        return replace(
            self, sessions=sessions, is_draining=is_draining, renewed_at_ms=at_ms
        )

    def taken_over(self) -> Self:
        """The lease of a worker taken for dead: nothing of its epoch counts now."""
        return replace(self, epoch=self.epoch + 1, sessions=0, is_draining=True)


@dataclass(frozen=True, slots=True)
class Neighbour(Stamped):
    """A worker that lives, as the others know it: ids of sessions begin with its own,
    so that whoever is asked for one of them knows where it is."""

    kind: ClassVar[str] = "neighbour"
    worker_id: WorkerId
    address: Name
    """Host and port of its HTTP and WebSockets."""
    is_draining: bool = False
    sip_address: Name | None = None


def may_renew(stored: Lease | None, lease: Lease) -> bool:
    """Whether a worker may write its lease over the stored one.

    False for a worker that was taken for dead meanwhile: it must end its sessions.
    """
    return stored is None or stored.epoch <= lease.epoch


def may_write(lease: Lease | None, epoch: int) -> bool:
    """Whether what a worker of that epoch says of its sessions still counts."""
    return lease is not None and lease.epoch == epoch


def may_take_over(lease: Lease, witnesses: Iterable[Witness], now_ms: int) -> bool:
    """Whether a worker is dead: its lease is old, and somebody else says so.

    One silent neighbour or one late heartbeat alone kills nobody.
    """
    return lease.is_expired(now_ms) and any(
        _tells_of(lease, witness) for witness in witnesses
    )


def _tells_of(lease: Lease, witness: Witness) -> bool:
    if (witness.worker_id, witness.epoch) != (lease.worker_id, lease.epoch):
        return False
    if witness.sight is Sight.TASK_STOPPED:
        return True
    is_fresh = witness.seen_at_ms >= lease.renewed_at_ms
    return is_fresh and witness.by not in (None, lease.worker_id)


@dataclass(frozen=True, slots=True)
class Message(Stamped):
    """What the control plane and a worker tell each other; ``type`` says which."""

    type: ClassVar[str]

    def render(self, version: int | None = None) -> dict[str, Any]:
        fields = {"type": self.type, **records.write(self)}
        return stamped(fields, self.type, version)

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        return cls._read(upcast_message(cls.type, value))


@dataclass(frozen=True, slots=True)
class EndSession(Message):
    """Hang up a session, whatever it is doing."""

    type: ClassVar[str] = "session.end"
    session_id: SessionId
    reason: Reason
    initiator: Reason
    command_id: Name
    """The same when it is sent again."""


@dataclass(frozen=True, slots=True)
class Drain(Message):
    """Take no new session; end those that are left at the deadline."""

    type: ClassVar[str] = "worker.drain"
    worker_id: WorkerId
    epoch: Epoch
    deadline_at_ms: Timestamp | None = None
    """None: let them end by themselves."""


@dataclass(frozen=True, slots=True)
class DialogFacts(Record):
    """What SIP knows of a session."""

    has_snake_keys = True

    call_id: Party
    is_inbound: bool
    status_code: SipStatus | None = None
    """The final answer to the INVITE."""
    codec: Name | None = None
    user_agent: Party | None = None


@dataclass(frozen=True, slots=True)
class Counts(Record):
    """What went through a session."""

    has_snake_keys = True

    commands: Count = 0
    events: Count = 0
    errors: Count = 0
    packets_received: Count = 0
    packets_sent: Count = 0
    packets_lost: Count = 0
    frames_dropped: Count = 0
    packets_late: Count = 0
    """Came after they were to be heard."""
    jitter_ms: Count = 0
    round_trip_ms: Count | None = None
    """By RTCP; None, as the next, where it was not measured."""
    mos_hundredths: Count | None = None
    """An estimate of how the far end was heard, from 100 to 450."""


@dataclass(frozen=True, slots=True)
class SessionFact(Message):
    """What a worker tells of one of its sessions."""

    tenant: Name
    session_id: SessionId
    worker_id: WorkerId
    epoch: Epoch
    uid: Name
    """Whose session it is."""
    call_type: CallType
    started_at_ms: Timestamp

    @property
    def event_id(self) -> str:
        """The same when it is told again."""
        return f"{self.session_id}-{self.type}"


@dataclass(frozen=True, slots=True)
class SessionStarted(SessionFact):
    """Told when the invite or the ringing of a session was taken."""

    type: ClassVar[str] = "session.started"
    caller: Party | None = None
    callee: Party | None = None


@dataclass(frozen=True, slots=True)
class SessionEnded(SessionFact):
    """Told once, when the session has hung up."""

    type: ClassVar[str] = "session.ended"
    ended_at_ms: Timestamp
    reason: Reason
    initiator: Reason
    caller: Party | None = None
    callee: Party | None = None
    ringing_at_ms: Timestamp | None = None
    answered_at_ms: Timestamp | None = None
    dialog: DialogFacts | None = None
    """Of a SIP session."""
    counts: Counts = Counts()

    def check_whole(self) -> None:
        """The times follow each other."""
        instants = (self.started_at_ms, self.answered_at_ms, self.ended_at_ms)
        known = [at_ms for at_ms in instants if at_ms is not None]
        if known != sorted(known):
            raise Unfit("must not be before the answer and the start", ("ended_at_ms",))

    @property
    def duration_ms(self) -> int:
        """From the answer to the end; 0 when nobody answered."""
        if self.answered_at_ms is None:
            return 0
        return self.ended_at_ms - self.answered_at_ms


@dataclass(frozen=True, slots=True)
class RecordingReady(SessionFact):
    """Told when the recording of a session is whole, and where it is kept."""

    type: ClassVar[str] = "recording.ready"
    ready_at_ms: Timestamp
    key: Path
    """Its path below where recordings are kept."""
    url: Path
    """Of the object, or the file's path on the worker."""
    format: Name
    size_bytes: Timestamp
    duration_ms: Timestamp


Order = EndSession | Drain
Change = SessionStarted | SessionEnded
"""What begins or ends a session."""
Fact = Change | RecordingReady
MESSAGES: Mapping[str, type[Order | Fact]] = {
    kind.type: kind for kind in get_args(Order | Fact)
}


def parse_message(value: Mapping[str, Any]) -> Order | Fact:
    """An order or a fact; raises `UnknownVersion` or `MalformedMessage`."""
    value = upcast_typed(value)
    kind = MESSAGES.get(str(value.get("type")))
    if kind is None:
        raise MalformedMessage(f"type must be one of {', '.join(MESSAGES)}")
    return kind.parse(value)
