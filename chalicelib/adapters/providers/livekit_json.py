"""LiveKit's messages in protobuf's JSON, as far as we read them.

A field is named in camelCase or snake_case; an int64 is a number or a string, an
enum's value its name or its number; what equals zero may be missing; fields that
we do not know are ignored.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Self, TypeVar

INT64_MAX = 2**63 - 1
DIGITS = re.compile(r"[0-9]{1,19}\Z")
DEVICE_TYPE_MAX_LENGTH = 64
"""More than any dialect lets in."""


class NotLiveKit(ValueError):
    """It is not what LiveKit writes; says where."""


class ParticipantState(IntEnum):
    """How far a participant's connection has come."""

    JOINING = 0
    JOINED = 1
    ACTIVE = 2
    DISCONNECTED = 3


class ParticipantKind(IntEnum):
    """What connects."""

    STANDARD = 0
    INGRESS = 1
    EGRESS = 2
    SIP = 3
    AGENT = 4
    CONNECTOR = 7
    """A person who calls through another service."""
    BRIDGE = 8
    """A camera."""


MACHINES = frozenset(
    {
        ParticipantKind.INGRESS,
        ParticipantKind.EGRESS,
        ParticipantKind.AGENT,
        ParticipantKind.BRIDGE,
    }
)
"""Those that are in a room without being a party to the call."""


class DisconnectReason(IntEnum):
    """Why a participant left."""

    UNKNOWN_REASON = 0
    CLIENT_INITIATED = 1
    DUPLICATE_IDENTITY = 2
    SERVER_SHUTDOWN = 3
    PARTICIPANT_REMOVED = 4
    ROOM_DELETED = 5
    STATE_MISMATCH = 6
    JOIN_FAILURE = 7
    MIGRATION = 8
    SIGNAL_CLOSE = 9
    ROOM_CLOSED = 10
    USER_UNAVAILABLE = 11
    USER_REJECTED = 12
    SIP_TRUNK_FAILURE = 13
    CONNECTION_TIMEOUT = 14
    MEDIA_FAILURE = 15
    AGENT_ERROR = 16

    @property
    def is_handover(self) -> bool:
        """Another connection of the same party takes this one's place."""
        return self in HANDOVERS


HANDOVERS = (DisconnectReason.DUPLICATE_IDENTITY, DisconnectReason.MIGRATION)

Enum = TypeVar("Enum", bound=IntEnum)


@dataclass(frozen=True, slots=True)
class Participant:
    """A ``livekit.ParticipantInfo``.

    What a newer LiveKit says and we do not know is None, and counts as a party who
    is there: to end a call that is on is worse than to keep one that is over.
    """

    identity: str
    sid: str
    device_type: str
    """As its token's metadata has it; empty when that does not say."""
    joined_at_ms: int
    state: ParticipantState | None
    kind: ParticipantKind | None
    disconnect_reason: DisconnectReason

    @property
    def is_party(self) -> bool:
        """Whether it stands for somebody, rather than for a machine."""
        return self.kind not in MACHINES

    @property
    def is_connected(self) -> bool:
        return self.state not in (
            ParticipantState.JOINING,
            ParticipantState.DISCONNECTED,
        )

    @classmethod
    def parse(cls, message: Mapping[str, Any]) -> Self:
        """Raises `NotLiveKit`."""
        reason = enum(message, "disconnect_reason", DisconnectReason)
        return cls(
            identity=text(message, "identity"),
            sid=text(message, "sid"),
            device_type=_device_type(_field(message, "metadata")),
            joined_at_ms=integer(message, "joined_at_ms")
            # Older servers tell the second alone.
            or integer(message, "joined_at") * 1000,
            state=enum(message, "state", ParticipantState),
            kind=enum(message, "kind", ParticipantKind),
            disconnect_reason=reason or DisconnectReason.UNKNOWN_REASON,
        )


def parse(body: bytes) -> dict[str, Any]:
    """The message that is the whole of a body. Raises `NotLiveKit`."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise NotLiveKit("the body must be JSON") from None
    return _message(value, "the body")


def message(parent: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A field that is a message; empty if it is missing. Raises `NotLiveKit`."""
    return _message(_field(parent, name) or {}, name)


def messages(parent: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """A field that is a list of messages. Raises `NotLiveKit`."""
    value = _field(parent, name) or []
    if not isinstance(value, list):
        raise NotLiveKit(f"{name} must be a list")
    return [_message(item, name) for item in value]


def text(parent: Mapping[str, Any], name: str) -> str:
    """A field that is a string. Raises `NotLiveKit`."""
    value = _field(parent, name)
    if value is None:
        return ""
    if not isinstance(value, str) or not _is_unicode(value):
        raise NotLiveKit(f"{name} must be a string")
    return value


def integer(parent: Mapping[str, Any], name: str) -> int:
    """A field that is an int64, and counts something. Raises `NotLiveKit`."""
    value = _field(parent, name)
    if value is None:
        return 0
    if isinstance(value, str) and DIGITS.match(value):
        value = int(value)
    if type(value) is not int or not 0 <= value <= INT64_MAX:
        raise NotLiveKit(f"{name} must be an int64 that is not negative")
    return value


def enum(parent: Mapping[str, Any], name: str, kind: type[Enum]) -> Enum | None:
    """A field that is an enum; None for a value of which we do not know.

    Raises `NotLiveKit`.
    """
    value = _field(parent, name)
    if isinstance(value, str):
        return kind.__members__.get(value)
    number = integer(parent, name)
    return next((known for known in kind if known == number), None)


def _field(parent: Mapping[str, Any], name: str) -> Any:
    if name in parent:
        return parent[name]
    first, *rest = name.split("_")
    return parent.get(first + "".join(map(str.title, rest)))


def _message(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotLiveKit(f"{name} must be a JSON object")
    return value


def _is_unicode(value: str) -> bool:
    """JSON can spell half of a surrogate pair, which nothing can store."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _device_type(metadata: Any) -> str:
    """Metadata is its owner's to fill: nothing in it is an error."""
    try:
        device_type = json.loads(metadata)["device_type"]
    except (ValueError, TypeError, LookupError, RecursionError):
        return ""
    if not isinstance(device_type, str) or not device_type.isprintable():
        return ""
    return device_type if len(device_type) <= DEVICE_TYPE_MAX_LENGTH else ""
