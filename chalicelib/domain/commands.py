"""What can be asked of a call, and what a provider can report of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from chalicelib.protocol.vocabulary import Dialect, MediaType, Provider


@dataclass(frozen=True, slots=True)
class Create:
    """Ring the invitees, in the creator's name."""

    tenant: str
    call_id: str
    trace_id: int
    room_number: int
    dialect: Dialect
    provider: Provider
    media_type: MediaType
    creator: str
    invitees: tuple[str, ...]
    """Repeated ones and the creator itself are dropped."""
    is_invite_only: bool
    max_participants: int
    ring_seconds: int
    max_call_seconds: int
    busy_uids: frozenset[str] = field(default=frozenset())
    """Invitees who are in another live call."""
    details: Mapping[str, str] = field(default_factory=dict)
    """See `Call.details`."""
    device: str = ""
    """The creator's; see `Participant.device`."""

    @property
    def is_named_by_trace(self) -> bool:
        """Its id is its trace id, as dtalk's are: the two are drawn together."""
        return self.call_id == str(self.trace_id)

    def redrawn(self, trace_id: int, room_number: int) -> Self:
        """The same with other numbers."""
        call_id = str(trace_id) if self.is_named_by_trace else self.call_id
        return replace(
            self, call_id=call_id, trace_id=trace_id, room_number=room_number
        )


@dataclass(frozen=True, slots=True)
class Invite:
    """Ring more users, or again who has left."""

    uids: tuple[str, ...]
    by: str | None
    """An active member; None for the system."""
    busy_uids: frozenset[str] = field(default=frozenset())


@dataclass(frozen=True, slots=True)
class Join:
    """Come in: the answer of an invitee, or the arrival of anybody else."""

    uid: str
    device_type: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """Come in on one device alone: who is in on another is refused."""

    uid: str
    device_type: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """Hang up, reject or cancel: which of them, the member's state decides."""

    uid: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Decline to come; nothing for who is not being rung."""

    uid: str


@dataclass(frozen=True, slots=True)
class ReplyBusy:
    """Say that one is in another conversation; the creator withdraws the call so."""

    uid: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Withdraw a call that nobody has answered."""

    uid: str
    """The creator."""


@dataclass(frozen=True, slots=True)
class Kick:
    """Remove a member, or withdraw its invitation."""

    uid: str
    by: str | None
    """The creator; None for the system."""


@dataclass(frozen=True, slots=True)
class End:
    """Close the call for everybody."""

    uid: str | None
    """The creator, who alone of the members may; None for the system."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Look at the time; any command does so, this one does nothing else."""


@dataclass(frozen=True, slots=True)
class OpenRoom:
    """The provider says that the room has begun."""

    room_sid: str


@dataclass(frozen=True, slots=True)
class CloseRoom:
    """The provider says that the room is no more."""

    room_sid: str


@dataclass(frozen=True, slots=True)
class Appear:
    """The provider says that a user has connected."""

    uid: str
    device_type: str
    sid: str
    """The provider's name of this one connection."""
    room_sid: str = ""


@dataclass(frozen=True, slots=True)
class Vanish:
    """The provider says that a connection has ended."""

    uid: str
    sid: str


@dataclass(frozen=True, slots=True)
class Reconcile:
    """The provider says who is connected now."""

    present: tuple[Appear, ...] | None
    """None when the provider could not be asked: that proves nothing."""
    alive_at_ms: int | None = None
    """When a member was last seen, where that is known and no connection is."""


Command = (
    Create
    | Invite
    | Join
    | Answer
    | Leave
    | Reject
    | ReplyBusy
    | Cancel
    | Kick
    | End
    | Wake
    | OpenRoom
    | CloseRoom
    | Appear
    | Vanish
    | Reconcile
)
COMMANDS: tuple[type[Command], ...] = (
    Create,
    Invite,
    Join,
    Answer,
    Leave,
    Reject,
    ReplyBusy,
    Cancel,
    Kick,
    End,
    Wake,
    OpenRoom,
    CloseRoom,
    Appear,
    Vanish,
    Reconcile,
)
