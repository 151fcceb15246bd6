"""What can be asked of a call."""

from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True)
class Join:
    """Come in: the answer of an invitee, or the arrival of anybody else."""

    uid: str
    device_type: str = ""


@dataclass(frozen=True, slots=True)
class Leave:
    """Hang up, reject or cancel: which of them, the member's state decides."""

    uid: str


@dataclass(frozen=True, slots=True)
class End:
    """Close the call for everybody."""

    uid: str | None
    """The creator, who alone of the members may; None for the system."""


@dataclass(frozen=True, slots=True)
class Wake:
    """Look at the time; any command does so, this one does nothing else."""


Command = Create | Join | Leave | End | Wake
