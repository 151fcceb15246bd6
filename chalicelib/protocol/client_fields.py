"""What the fields of devices' sockets hold, and the limits that they keep."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from chalicelib.protocol.claims import UID_MAX_LENGTH
from chalicelib.protocol.connections import CONNECTION_ID
from chalicelib.protocol.device_names import DEVICE, DEVICE_MAX
from chalicelib.protocol.session.containers import JsonObject, Listing
from chalicelib.protocol.session.fields import NAME_MAX, SAFE_INTEGER
from chalicelib.protocol.session.kinds import Kind, Line, Matching, Unfit, Whole
from chalicelib.protocol.session.records import Record

MOST_COMMAND_BYTES = 32_768
"""Of a frame, as API Gateway has it."""
MOST_PAYLOAD_BYTES = 16_384
"""Of a signal's payload, as JSON without spaces."""
MOST_STRUCTURE = 20_000
"""Commas and brackets of a command; texts may have them too."""
HEARTBEAT_SECONDS = 30
ID_MAX = 64
MOST_UIDS = 10_000
ECHOED_NAME_MAX = 32


class Code(StrEnum):
    """Why a command was not carried out; the socket stays."""

    INVALID_COMMAND = "invalid_command"
    UNKNOWN_COMMAND = "unknown_command"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    UNAVAILABLE = "unavailable"


class SignalType(StrEnum):
    """What two browsers tell each other so that they find each other."""

    OFFER = "offer"
    ANSWER = "answer"
    CANDIDATE = "candidate"
    RESTART = "restart"


class Direction(StrEnum):
    """Whether a call rings the user, or is the user's own."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"


class Media(StrEnum):
    """What the parties of a call send."""

    AUDIO = "audio"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Tag(Kind):
    """What a client chose to know its command by: text, or a whole number."""

    def check(self, value: Any) -> None:
        kind = Line(ID_MAX) if isinstance(value, str) else Whole(0, SAFE_INTEGER)
        try:
            kind.check(value)
        except Unfit:
            raise Unfit(
                f"must be a line of at most {ID_MAX} characters, or a whole number"
            ) from None


@dataclass(frozen=True, slots=True)
class Payload(Kind):
    """A JSON object that goes from client to client as it is."""

    def check(self, value: Any) -> None:
        JsonObject().check(value)
        if len(as_text(value).encode()) > MOST_PAYLOAD_BYTES:
            raise Unfit(f"must have at most {MOST_PAYLOAD_BYTES} bytes of JSON")

    def write(self, value: Any) -> dict[str, Any]:
        return dict(value)

    def redact(self, value: Any) -> None:
        return None


def _named(pattern: str, form: str) -> Matching:
    return Matching(re.compile(pattern), form)


DeviceName = Annotated[
    str, Matching(DEVICE, f"1 to {DEVICE_MAX} printable ASCII characters, no spaces")
]
AnyDevice = Annotated[str, Line(DEVICE_MAX)]
"""A device's name; empty where it is not known."""
DeviceType = Annotated[str, Line(NAME_MAX)]
CallId = Annotated[
    str, _named(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,256}\Z", "the id of a call")
]
Uid = Annotated[
    str,
    _named(
        rf"[^\x00-\x1f\x7f\ud800-\udfff]{{1,{UID_MAX_LENGTH}}}\Z", "the id of a user"
    ),
]
Uids = Annotated[tuple[str, ...], Listing(Line(NAME_MAX), MOST_UIDS)]
"""The creator first, then every member there ever was."""
Moment = Annotated[int, Whole(0, SAFE_INTEGER)]
"""Epoch milliseconds by the server's clock."""
Seq = Annotated[int, Whole(0, SAFE_INTEGER)]
"""An event's place in its call's story, from 1 without a gap."""
Amount = Annotated[int, Whole(0, SAFE_INTEGER)]
ConnectionName = Annotated[
    str, Matching(CONNECTION_ID, "an id as API Gateway gives to its connections")
]
Id = Annotated[str | int, Tag()]
Entrance = Annotated[Mapping[str, Any], JsonObject()]
"""How to enter a call's media: ``provider``, ``url``, ``token``, ``roomId`` and what
the provider's clients need besides; ``error`` where it cannot be entered."""


@dataclass(frozen=True, slots=True)
class Told(Record):
    """Keys are spelt as the attributes are."""

    has_snake_keys = True


def as_text(fields: Mapping[str, Any]) -> str:
    """A JSON object as a text frame."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
