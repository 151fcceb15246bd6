"""What goes between the function behind API Gateway's WebSockets and a worker.

``POST /internal/relay`` of a worker takes an `Open`, a `Frame` or a `Gone`, with a
worker's token, and answers 204; what the session tells is posted back to the gateway's
``@connections`` by the worker itself. Frames come through functions that run side by
side: the worker puts them in the order of their numbers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, get_args

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.connections import ConnectionId, UserId
from chalicelib.protocol.lease import MalformedMessage, Message, upcast_typed
from chalicelib.protocol.session.fields import Name, Url
from chalicelib.protocol.session.kinds import Kind, Text, Unfit, Whole
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.vocabulary import Role

RELAY_PATH = "/internal/relay"
RELAYED = frozenset({CallType.WEBRTC, CallType.SIP})
"""The calls whose sockets carry text alone."""
MAX_MESSAGE = 131_072
"""Characters of a text; API Gateway takes as many bytes."""
MAX_BODY_BYTES = 1_048_576
"""Of a message of this module: every character of a text may be escaped."""
MAX_PARAMETERS = 64
MAX_PARAMETER = 2_048
LAST_NUMBER = 2**53 - 1
CSEQ = "cseq"
"""The field beside ``command`` that numbers a connection's messages from 1 on."""

Number = Annotated[int, Whole(1, LAST_NUMBER)]
MessageText = Annotated[str, Text(MAX_MESSAGE)]


@dataclass(frozen=True, slots=True)
class Parameters(Kind):
    """The decoded parameters of an address."""

    def check(self, value: Any) -> None:
        if not isinstance(value, Mapping) or len(value) > MAX_PARAMETERS:
            raise Unfit(f"must be an object of at most {MAX_PARAMETERS} parameters")
        for pair in value.items():
            for part in pair:
                Text(MAX_PARAMETER).check(part)

    def write(self, value: Any) -> dict[str, str]:
        return dict(value)


@dataclass(frozen=True, slots=True)
class RelayMessage(Message):
    """Of one connection."""

    connection_id: ConnectionId


@dataclass(frozen=True, slots=True)
class Open(RelayMessage):
    """Begin a session, or resume one. Nothing can be posted back before the gateway
    has heard the answer, and has let the client in."""

    type: ClassVar[str] = "relay.open"
    endpoint: Url
    """What ``/@connections/`` is appended to."""
    tenant: Name
    uid: UserId
    role: Role
    call_type: CallType
    query: Annotated[Mapping[str, str], Parameters()]

    def check_whole(self) -> None:
        if self.call_type not in RELAYED:
            raise Unfit("must be webrtc or sip", ("call_type",))

    @property
    def principal(self) -> Principal:
        return Principal(self.tenant, self.uid, self.role)


@dataclass(frozen=True, slots=True)
class Frame(RelayMessage):
    """A text message of the client."""

    type: ClassVar[str] = "relay.frame"
    text: MessageText
    cseq: Number | None = None
    """None: the text does not tell it."""


@dataclass(frozen=True, slots=True)
class Gone(RelayMessage):
    """The client's socket is closed."""

    type: ClassVar[str] = "relay.gone"
    is_clean: bool
    """By the client's own wish, not by a cut."""


RelayMessages = Open | Frame | Gone
MESSAGES: Mapping[str, type[RelayMessages]] = {
    kind.type: kind for kind in get_args(RelayMessages)
}


def parse_relayed(value: Mapping[str, Any]) -> RelayMessages:
    """Raises `UnknownVersion` or `MalformedMessage`."""
    value = upcast_typed(value)
    kind = MESSAGES.get(str(value.get("type")))
    if kind is None:
        raise MalformedMessage(f"type must be one of {', '.join(MESSAGES)}")
    return kind.parse(value)


def cseq_of(text: str) -> int | None:
    """The number that a message bears; None for one that bears none, or is no JSON."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    number = fields.get(CSEQ) if isinstance(fields, dict) else None
    try:
        return Whole(1, LAST_NUMBER).read(number)
    except Unfit:
        return None
