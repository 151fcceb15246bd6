"""LiveKit's webhooks: whether they are LiveKit's, and what they tell."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.adapters.providers import livekit_json
from chalicelib.adapters.providers.livekit import call_of as call_of
from chalicelib.adapters.providers.livekit_json import (
    DisconnectReason,
    NotLiveKit,
    Participant,
)
from chalicelib.dialects.requests import MalformedRequest
from chalicelib.protocol.tokens import (
    ALGORITHM,
    BEARER,
    TOKEN_MAX_LENGTH,
    Unauthenticated,
)

LEEWAY_SECONDS = 60
"""As LiveKit's own receivers allow."""
SECONDS_MAX = livekit_json.INT64_MAX // 1000


class LiveKitEventType(StrEnum):
    """The events that a call is told of; every other one is nothing to it."""

    ROOM_STARTED = "room_started"
    ROOM_FINISHED = "room_finished"
    PARTICIPANT_JOINED = "participant_joined"
    PARTICIPANT_LEFT = "participant_left"
    PARTICIPANT_CONNECTION_ABORTED = "participant_connection_aborted"
    """It left before it was connected; its ``participant_joined`` may be missing."""


TYPES = {kind.value: kind for kind in LiveKitEventType}


@dataclass(frozen=True, slots=True)
class LiveKitEvent:
    """Something that happened in a room; late, twice or out of order, it may be."""

    id: str
    """The same on every attempt; empty if an old LiveKit gives none."""
    type: LiveKitEventType
    room: str
    """The room's name, of which `call_of` makes a call."""
    room_sid: str
    at_ms: int
    """When LiveKit made the event, to the second; 0 if it does not say."""
    identity: str | None
    """Whose event it is; None for an event of the room."""
    sid: str | None
    """The connection that joined or left, which is not the party: that may have
    another by now."""
    device_type: str
    disconnect_reason: DisconnectReason


def verify(
    authorization: str | None, body: bytes, api_key: str, api_secret: str
) -> None:
    """Prove that LiveKit signed these very bytes a short while ago.

    Raises `Unauthenticated`; what it says is safe to send back.
    """
    import jwt

    try:
        claims = jwt.decode(
            _token(authorization),
            api_secret,
            algorithms=[ALGORITHM],
            issuer=api_key,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError:
        raise Unauthenticated("the token has expired") from None
    except (jwt.InvalidTokenError, RecursionError):
        raise Unauthenticated("the token is not valid") from None
    if not _is_hash(claims.get("sha256"), body):
        raise Unauthenticated("the token is not for this body")


def parse(body: bytes) -> LiveKitEvent | None:
    """None for an event that no call needs to hear of.

    Raises `MalformedRequest`.
    """
    try:
        event = livekit_json.parse(body)
        kind = TYPES.get(livekit_json.text(event, "event"))
        return _event(kind, event) if kind else None
    except NotLiveKit as error:
        raise MalformedRequest(str(error)) from None


def _event(kind: LiveKitEventType, event: Mapping[str, Any]) -> LiveKitEvent | None:
    room = livekit_json.message(event, "room")
    participant = Participant.parse(livekit_json.message(event, "participant"))
    if not participant.is_party:
        return None
    return LiveKitEvent(
        id=livekit_json.text(event, "id"),
        type=kind,
        room=_room(room),
        room_sid=livekit_json.text(room, "sid"),
        at_ms=_at_ms(event),
        identity=participant.identity or None,
        sid=participant.sid or None,
        device_type=participant.device_type,
        disconnect_reason=participant.disconnect_reason,
    )


def _room(room: Mapping[str, Any]) -> str:
    name = livekit_json.text(room, "name")
    if not name:
        raise NotLiveKit("room must have a name")
    return name


def _at_ms(event: Mapping[str, Any]) -> int:
    seconds = livekit_json.integer(event, "created_at")
    if seconds > SECONDS_MAX:
        raise NotLiveKit("created_at must be in seconds")
    return seconds * 1000


def _token(authorization: str | None) -> str:
    """LiveKit sends the token alone; a proxy's rules may ask for a scheme."""
    text = (authorization or "").strip()
    scheme, _, token = text.partition(" ")
    if scheme.lower() == BEARER:
        text = token.strip()
    if not text:
        raise Unauthenticated("Authorization must be LiveKit's token")
    if len(text) > TOKEN_MAX_LENGTH or not text.isascii():
        raise Unauthenticated("the token is not valid")
    return text


def _is_hash(claim: Any, body: bytes) -> bool:
    """Whether it is the body's SHA-256, in base64 or, as some have it, in hex."""
    if not isinstance(claim, str) or not claim.isascii():
        return False
    digest = hashlib.sha256(body)
    spellings = (base64.b64encode(digest.digest()).decode(), digest.hexdigest())
    return any(hmac.compare_digest(claim, spelling) for spelling in spellings)
