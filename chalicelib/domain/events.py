"""What has happened to a call, in the order in which it is told."""

from dataclasses import dataclass, field
from typing import ClassVar

from chalicelib.protocol.vocabulary import EventType


@dataclass(frozen=True, slots=True)
class RoomStarted:
    """Told when the first member has joined."""

    type: ClassVar[EventType] = EventType.ROOM_STARTED


@dataclass(frozen=True, slots=True)
class RoomFinished:
    """Told once, last, when the call has ended."""

    type: ClassVar[EventType] = EventType.ROOM_FINISHED


@dataclass(frozen=True, slots=True)
class ParticipantInvited:
    """Told once for all who begin to ring together."""

    uids: tuple[str, ...]
    type: ClassVar[EventType] = EventType.PARTICIPANT_INVITED


@dataclass(frozen=True, slots=True)
class ParticipantJoined:
    """Told when a member has come in."""

    uid: str
    device_type: str
    device: str = ""
    is_answer: bool = field(default=False, compare=False, repr=False)
    """It made the call an answered one."""
    type: ClassVar[EventType] = EventType.PARTICIPANT_JOINED


@dataclass(frozen=True, slots=True)
class ParticipantLeft:
    """Told when a member who was in has gone."""

    uid: str
    type: ClassVar[EventType] = EventType.PARTICIPANT_LEFT


@dataclass(frozen=True, slots=True)
class ParticipantRejected:
    """Told when a member has declined."""

    uid: str
    type: ClassVar[EventType] = EventType.PARTICIPANT_REJECTED


@dataclass(frozen=True, slots=True)
class ParticipantMissed:
    """Told when a member did not answer by the deadline."""

    uid: str
    type: ClassVar[EventType] = EventType.PARTICIPANT_MISSED


@dataclass(frozen=True, slots=True)
class ParticipantCancelled:
    """Told when the creator has withdrawn the call before it was answered."""

    uid: str
    type: ClassVar[EventType] = EventType.PARTICIPANT_CANCELLED


Event = (
    RoomStarted
    | RoomFinished
    | ParticipantInvited
    | ParticipantJoined
    | ParticipantLeft
    | ParticipantRejected
    | ParticipantMissed
    | ParticipantCancelled
)


@dataclass(frozen=True, slots=True)
class Told:
    """An event with its place in the call's story."""

    seq: int
    """From 1, without a gap."""
    at_ms: int
    event: Event
