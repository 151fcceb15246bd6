"""What a user's device is told on its socket: replies, signals and pushes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_args

from chalicelib.protocol.client_fields import (
    ECHOED_NAME_MAX,
    HEARTBEAT_SECONDS,
    MOST_UIDS,
    Amount,
    AnyDevice,
    CallId,
    Code,
    ConnectionName,
    DeviceName,
    DeviceType,
    Direction,
    Entrance,
    Id,
    Media,
    Moment,
    Payload,
    Seq,
    SignalType,
    Told,
    Uid,
    Uids,
)
from chalicelib.protocol.session import records
from chalicelib.protocol.session.containers import Listing
from chalicelib.protocol.session.kinds import Line
from chalicelib.protocol.session.records import Keys, Nested
from chalicelib.protocol.vocabulary import (
    CallState,
    Dialect,
    EndReason,
    Initiator,
    ParticipantState,
    Provider,
)


@dataclass(frozen=True, slots=True)
class Member(Told):
    """One member of a call."""

    uid: Uid
    state: ParticipantState
    device_type: DeviceType = ""
    deadline_at_ms: Moment | None = None
    """When its ring is missed."""
    joined_at_ms: Moment | None = None
    end_reason: EndReason | None = None


@dataclass(frozen=True, slots=True)
class Snapshot(Told):
    """The user's live call as it is now."""

    call_id: CallId
    seq: Seq
    """Of the last event that it includes."""
    state: CallState
    dialect: Dialect
    provider: Provider
    media_type: Media
    caller: Uid
    uids: Uids
    direction: Direction
    own_state: ParticipantState
    members: Annotated[tuple[Member, ...], Listing(Nested(Member), MOST_UIDS)]
    created_at_ms: Moment
    deadline_at_ms: Moment | None = None
    """When the user's own ring, or else the first of the others', is missed."""
    answered_at_ms: Moment | None = None
    media: Entrance | None = None
    """For who is in: the user's own."""


@dataclass(frozen=True, slots=True)
class Welcome(Told):
    """The reply to `Hello`; what was missed follows."""

    event: ClassVar[str] = "hello"
    always: ClassVar[tuple[str, ...]] = ("call",)
    server_time_ms: Moment
    connection_id: ConnectionName
    device: DeviceName
    heartbeat_seconds: Amount = HEARTBEAT_SECONDS
    call: Snapshot | None = None
    id: Id | None = None


@dataclass(frozen=True, slots=True)
class Beat(Told):
    """The reply to `Heartbeat`."""

    event: ClassVar[str] = "heartbeat"
    always: ClassVar[tuple[str, ...]] = ()
    server_time_ms: Moment
    id: Id | None = None


@dataclass(frozen=True, slots=True)
class Signalled(Told):
    """What another party of the call has sent."""

    event: ClassVar[str] = "signal"
    always: ClassVar[tuple[str, ...]] = ()
    call_id: CallId
    from_: Annotated[Uid, Keys("from")]
    from_device: DeviceName
    type: SignalType
    payload: Annotated[Mapping[str, Any], Payload()]
    at_ms: Moment


@dataclass(frozen=True, slots=True)
class Error(Told):
    """A command was not carried out, or was none."""

    event: ClassVar[str] = "error"
    always: ClassVar[tuple[str, ...]] = ()
    code: Code
    message: Annotated[str, Line(1_024)]
    command: Annotated[str, Line(ECHOED_NAME_MAX)] | None = None
    id: Id | None = None


@dataclass(frozen=True, slots=True)
class Push(Told):
    """Something has happened to a call."""

    always: ClassVar[tuple[str, ...]] = ()
    call_id: CallId
    seq: Seq
    at_ms: Moment
    dialect: Dialect
    provider: Provider
    media_type: Media
    caller: Uid
    uids: Uids


@dataclass(frozen=True, slots=True)
class Ringing(Push):
    """Invitees are being rung, until the deadline."""

    event: ClassVar[str] = "call.ringing"
    direction: Direction
    deadline_at_ms: Moment
    ring_seconds: Amount


@dataclass(frozen=True, slots=True)
class Answered(Push):
    """A member who is not the caller has come in. The caller's devices, and the one
    that answered, are told how to enter the media: each user with its own."""

    event: ClassVar[str] = "call.answered"
    uid: Uid
    device: AnyDevice = ""
    device_type: DeviceType = ""
    media: Entrance | None = None


@dataclass(frozen=True, slots=True)
class AnsweredElsewhere(Push):
    """The user has answered on another device: stop ringing. Where it is not known
    which, all of them are told; the one that answered ignores it."""

    event: ClassVar[str] = "call.answered_elsewhere"
    uid: Uid
    device: AnyDevice = ""
    device_type: DeviceType = ""


@dataclass(frozen=True, slots=True)
class Rejected(Push):
    """A member has declined, or was busy."""

    event: ClassVar[str] = "call.rejected"
    uid: Uid


@dataclass(frozen=True, slots=True)
class Missed(Push):
    """A member did not answer by the deadline."""

    event: ClassVar[str] = "call.missed"
    uid: Uid


@dataclass(frozen=True, slots=True)
class Cancelled(Push):
    """The caller, ``uid``, has withdrawn the call; or a member's invitation was."""

    event: ClassVar[str] = "call.cancelled"
    uid: Uid


@dataclass(frozen=True, slots=True)
class Ended(Push):
    """The call is over; ``duration`` is in seconds."""

    event: ClassVar[str] = "call.ended"
    always: ClassVar[tuple[str, ...]] = ("initiator",)
    reason: EndReason
    duration: Amount
    initiator: Initiator | None = None


Pushes = Ringing | Answered | AnsweredElsewhere | Rejected | Missed | Cancelled | Ended
Reply = Welcome | Beat | Signalled | Error | Pushes
EVENTS: Mapping[str, type[Reply]] = {one.event: one for one in get_args(Reply)}


def render(reply: Reply) -> dict[str, Any]:
    """The JSON object that `parse_event` reads back."""
    written = records.write(reply)
    nulls = {key: None for key in reply.always if key not in written}
    return {"event": reply.event, **written, **nulls}


def parse_event(value: Mapping[str, Any]) -> Reply:
    """For clients. Raises `Unfit`, or KeyError for an event that is not known."""
    kind: type[Reply] = EVENTS[value["event"]]
    return records.read(kind, value)
