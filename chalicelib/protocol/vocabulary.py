"""The words of the domain, one per thing, with their wire spelling."""

from enum import IntEnum, StrEnum


class CallState(StrEnum):
    """Where a call is in its life; why it ended is `EndReason`."""

    WAITING = "waiting"
    ACTIVE = "active"
    """Someone besides the caller has joined."""
    ENDED = "ended"


class ParticipantState(StrEnum):
    """Where one member of a call is."""

    INVITED = "invited"
    JOINED = "joined"
    LEFT = "left"


class EndReason(StrEnum):
    """Why a call, or one member's part in it, ended."""

    HANGUP = "hangup"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    BUSY = "busy"
    MISSED = "missed"
    FAILED = "failed"


class Initiator(StrEnum):
    """By whom a call ended."""

    CALLER = "caller"
    CALLEE = "callee"
    SYSTEM = "system"


class MediaType(IntEnum):
    """What the parties send; the numbers are TgoRTC's ``rtc_type``."""

    AUDIO = 0
    VIDEO = 1


class Provider(StrEnum):
    """What carries a call's media and mints its join credentials."""

    LIVEKIT = "livekit"
    TRTC = "trtc"
    P2P = "p2p"
    WORKER = "worker"


class Dialect(StrEnum):
    """The public API through which a call was created."""

    DTALK = "dtalk"
    OPENCHAT = "openchat"
    TGORTC = "tgortc"
    ACTIVE_CALL = "activecall"
    V1 = "v1"


class Role(StrEnum):
    """What a principal may do beyond acting as itself."""

    USER = "user"
    SERVER = "server"
    """A business's server: acts for any user of its tenant."""
    ADMIN = "admin"
    WORKER = "worker"
    """A part of Parley's own, at the routes of such parts and nowhere else."""


class EventType(StrEnum):
    """The contract's events, as they are named on the bus and to businesses."""

    ROOM_STARTED = "room.started"
    ROOM_FINISHED = "room.finished"
    PARTICIPANT_INVITED = "participant.invited"
    PARTICIPANT_JOINED = "participant.joined"
    PARTICIPANT_LEFT = "participant.left"
    PARTICIPANT_REJECTED = "participant.rejected"
    PARTICIPANT_MISSED = "participant.missed"
    PARTICIPANT_CANCELLED = "participant.cancelled"


CONTRACT_EVENTS = tuple(kind.value for kind in EventType)
SESSION_EVENTS = ("session.started", "session.ended")
"""Ours, for those who ask for them."""
RECORDING_EVENTS = ("recording.ready",)
"""Ours, of a session's recording; for those who ask for them."""
CALL_EVENTS = ("call.ringing", "call.answered", "call.ended")
"""Ours, derived from the contract's; for those who ask for them."""
ENDPOINT_EVENTS = ("webhook.exhausted", "webhook.endpoint_disabled")
"""What became of a tenant's endpoints; for those who ask for them."""
LAST_EVENTS = frozenset(
    {"room.finished", "session.ended", *RECORDING_EVENTS, *ENDPOINT_EVENTS}
)
"""After these nothing more is told of their subject."""
KNOWN_EVENTS = (
    *CONTRACT_EVENTS,
    *CALL_EVENTS,
    *SESSION_EVENTS,
    *RECORDING_EVENTS,
    *ENDPOINT_EVENTS,
)
"""All that an endpoint can ask for by name."""
FILTERS = frozenset(KNOWN_EVENTS) | {
    f"{name.partition('.')[0]}.*" for name in KNOWN_EVENTS
}
"""Those names, and all of a kind."""

DEFAULT_TENANT = "default"
