"""Whether a request becomes a session's socket: decided before it is upgraded."""

import base64
import binascii
from dataclasses import dataclass

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.session.query import MalformedQuery, SessionQuery
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import Unauthenticated
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, unauthenticated
from mediaworker.gateway.head import Head, MalformedHead

CALL_TYPES = {
    "/call": CallType.WEBSOCKET,
    "/call/webrtc": CallType.WEBRTC,
    "/call/sip": CallType.SIP,
}
VERSION = "13"
KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Admission:
    """What is needed to open the session and to answer the upgrade."""

    principal: Principal
    query: SessionQuery
    call_type: CallType
    key: str

    def upgrade(self) -> bytes:
        """The request again, without what only we understand, and as plain as can be:
        picows takes no list of connection options."""
        return (
            "GET / HTTP/1.1\r\n"
            "Upgrade: websocket\r\n"
            "Connection: upgrade\r\n"
            f"Sec-WebSocket-Version: {VERSION}\r\n"
            f"Sec-WebSocket-Key: {self.key}\r\n\r\n"
        ).encode("ascii")


def wants_socket(head: Head) -> bool:
    """RFC 6455 section 4.2.1, as far as it tells who is meant to answer."""
    return (
        head.path in CALL_TYPES
        and head.method == "GET"
        and "websocket" in head.tokens("upgrade")
        and "upgrade" in head.tokens("connection")
    )


def admit(head: Head, doorkeeper: Doorkeeper, server_side_track: str) -> Admission:
    """Raises `Refused`."""
    key = _key(head)
    try:
        parameters = head.query()
        principal = doorkeeper.admit(head.fields, parameters)
        query = SessionQuery.parse(parameters, server_side_track)
    except Unauthenticated as error:
        raise unauthenticated(error) from None
    except (MalformedHead, MalformedQuery) as error:
        raise Refused(400, str(error)) from None
    call_type = CALL_TYPES[head.path]
    if call_type is CallType.WEBSOCKET and query.type is not None:
        call_type = query.type
    return Admission(principal, query, call_type, key)


def _key(head: Head) -> str:
    if head.fields.get("sec-websocket-version") != VERSION:
        raise Refused(
            426, "the version of WebSockets is 13", {"Sec-WebSocket-Version": VERSION}
        )
    if not head.is_1_1 or head.body_bytes or "transfer-encoding" in head.fields:
        raise Refused(400, "an upgrade is asked for by HTTP/1.1, without a body")
    key = head.fields.get("sec-websocket-key", "")
    try:
        is_key = len(base64.b64decode(key, validate=True)) == KEY_BYTES
    except (binascii.Error, ValueError):
        is_key = False
    if not is_key:
        raise Refused(400, "Sec-WebSocket-Key must be 16 bytes in base64")
    return key
