"""OpenChat's requests."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.dialects.openchat.fields import Fields
from chalicelib.dialects.requests import Request
from chalicelib.domain.call import TWO_PERSON
from chalicelib.protocol.claims import UID_MAX_LENGTH
from chalicelib.protocol.vocabulary import MediaType, Provider

API_PREFIX = "/im/api/v1"
"""Of all that OpenChat has; calls are below ``/rtc``."""
PREFIX = f"{API_PREFIX}/rtc"
ROOMS = f"{PREFIX}/rooms"

P2P, GROUP = "p2p", "group"
NAME_MAX_LENGTH = 100
CHANNEL_MAX_LENGTH = 64
METADATA_MAX_BYTES = 2_048
MOST_PARTICIPANTS = 200

MEDIA_TYPES = {"video": MediaType.VIDEO, "audio": MediaType.AUDIO}
PROVIDERS = {
    "livekit": Provider.LIVEKIT,
    "tencent": Provider.TRTC,
    "trtc": Provider.TRTC,
    "p2p": Provider.P2P,
}
"""OpenChat's names and ours; a worker has one party only, so it is none of them."""

CREATE_FIELDS = frozenset(
    {
        "type",
        "callerId",
        "creatorId",
        "calleeId",
        "userId",
        "participants",
        "mediaType",
        "name",
        "channelId",
        "provider",
        "aiMetadata",
    }
)
"""Of the contract, of the SDK, and of the contract's usage."""
MEMBER_FIELDS = frozenset({"userId"})
GRANT_FIELDS = frozenset({"userId", "channelId", "provider", "role", "expireSeconds"})
TOKEN_FIELDS = GRANT_FIELDS | {"roomId"}
VALIDATE_FIELDS = frozenset({"token"})

ROOM_ID_MAX_LENGTH = 64
ROLE_MAX_LENGTH = 32
DEFAULT_ROLE = "participant"
TOKEN_MAX_LENGTH = 8 * 1024
EXPIRE_SECONDS = (60, 24 * 3600, 2 * 3600)
"""The least, the most, and what is meant by nothing."""


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """``POST /rooms``, in any of its three spellings."""

    creator: str
    invitees: tuple[str, ...]
    """Without the creator."""
    media_type: MediaType
    max_participants: int
    provider: Provider | None
    """None for the configured one."""
    details: Mapping[str, str]

    @classmethod
    def parse(
        cls, body: Mapping[str, Any], sender: str, max_participants: int
    ) -> "CreateRoom":
        """``sender`` is the creator if the body does not say.

        Raises `MalformedRequest` with everything that is wrong.
        """
        fields = Fields(body, CREATE_FIELDS)
        kind = fields.choice("type", (P2P, GROUP), P2P)
        media_type = fields.choice("mediaType", tuple(MEDIA_TYPES), "video")
        creator = _creator(fields) or sender
        invitees = _invitees(fields, creator)
        provider = _provider(fields)
        details = _details(fields)
        if not creator:
            fields.complain("callerId should not be empty")
        fields.check()
        most = TWO_PERSON if kind == P2P else max_participants
        _check_size(fields, kind, 1 + len(invitees), most)
        return cls(creator, invitees, MEDIA_TYPES[media_type], most, provider, details)


@dataclass(frozen=True, slots=True)
class Grant:
    """``POST /tokens`` and ``/connection``: what a token is wanted for."""

    room_id: str
    """Empty where the path says it."""
    uid: str
    provider: Provider | None
    role: str
    seconds: int

    @classmethod
    def parse(
        cls, body: Mapping[str, Any], sender: str, has_room: bool = True
    ) -> "Grant":
        """``has_room`` if the body says the room. Raises `MalformedRequest`.

        ``channelId`` may be there: a room here has one provider and no channels.
        """
        fields = Fields(body, TOKEN_FIELDS if has_room else GRANT_FIELDS)
        fields.text("channelId", CHANNEL_MAX_LENGTH)
        room_id = fields.required("roomId", ROOM_ID_MAX_LENGTH) if has_room else ""
        grant = cls(
            room_id=room_id,
            uid=fields.text("userId", UID_MAX_LENGTH) or sender,
            provider=_provider(fields),
            role=fields.text("role", ROLE_MAX_LENGTH) or DEFAULT_ROLE,
            seconds=fields.integer("expireSeconds", *EXPIRE_SECONDS),
        )
        fields.check()
        return grant


def parse_token(body: Mapping[str, Any]) -> str:
    """``POST /tokens/validate``; empty if there is none. Raises `MalformedRequest`."""
    fields = Fields(body, VALIDATE_FIELDS)
    token = fields.text("token", TOKEN_MAX_LENGTH)
    fields.check()
    return token


def parse_member(body: Mapping[str, Any], sender: str) -> str:
    """``join``, ``leave``: the sender, or whom it acts for.

    Raises `MalformedRequest`.
    """
    fields = Fields(body, MEMBER_FIELDS)
    uid = fields.text("userId", UID_MAX_LENGTH)
    fields.check()
    return uid or sender


def parse_added(body: Mapping[str, Any]) -> str:
    """Whom ``POST /participants`` adds. Raises `MalformedRequest`."""
    fields = Fields(body, MEMBER_FIELDS)
    uid = fields.required("userId", UID_MAX_LENGTH)
    fields.check()
    return uid


def parse_user_id(text: str) -> str:
    """Whom a path names. Raises `MalformedRequest`."""
    fields = Fields({"userId": text}, MEMBER_FIELDS)
    uid = fields.required("userId", UID_MAX_LENGTH)
    fields.check()
    return uid


def parse_nothing(body: Mapping[str, Any]) -> None:
    """A body that has nothing to say. Raises `MalformedRequest`."""
    Fields(body, frozenset()).check()


def body_of(request: Request) -> dict[str, Any]:
    """An object; nothing at all is an empty one. Raises `MalformedRequest`."""
    return request.json_object() if request.body.strip() else {}


def named_uid(request: Request) -> str:
    """Whom a request without a token speaks for; empty if it does not say.

    Raises `MalformedRequest`.
    """
    body = body_of(request)
    # In a request for a room ``userId`` is who is to be called.
    own = () if request.path == ROOMS else ("userId",)
    names = [body.get(name) for name in ("callerId", "creatorId", *own)]
    names += [request.query.get(name) for name in ("userId", "uid")]
    return next((name for name in names if name and isinstance(name, str)), "")


def _creator(fields: Fields) -> str:
    caller = fields.text("callerId", UID_MAX_LENGTH)
    creator = fields.text("creatorId", UID_MAX_LENGTH)
    if caller and creator and caller != creator:
        fields.complain("callerId and creatorId must be the same")
    return caller or creator


def _provider(fields: Fields) -> Provider | None:
    return PROVIDERS.get(fields.choice("provider", tuple(PROVIDERS), ""))


def _invitees(fields: Fields, creator: str) -> tuple[str, ...]:
    named = (
        fields.text("calleeId", UID_MAX_LENGTH),
        fields.text("userId", UID_MAX_LENGTH),
        *fields.texts("participants", MOST_PARTICIPANTS, UID_MAX_LENGTH),
    )
    return tuple(uid for uid in dict.fromkeys(named) if uid not in ("", creator))


def _details(fields: Fields) -> dict[str, str]:
    details = {
        "name": fields.text("name", NAME_MAX_LENGTH),
        "channelId": fields.text("channelId", CHANNEL_MAX_LENGTH),
    }
    metadata = fields.mapping("aiMetadata")
    if metadata is not None:
        details["aiMetadata"] = _as_text(fields, "aiMetadata", metadata)
    return {name: text for name, text in details.items() if text}


def _as_text(fields: Fields, name: str, value: Mapping[str, Any]) -> str:
    """JSON that can be stored and be sent back."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        is_fit = len(text.encode()) <= METADATA_MAX_BYTES
    except (ValueError, RecursionError):
        is_fit = False
    if is_fit:
        return text
    fields.complain(f"{name} must be plain JSON of at most {METADATA_MAX_BYTES} bytes")
    return ""


def _check_size(fields: Fields, kind: str, size: int, most: int) -> None:
    """Raises `MalformedRequest`."""
    if kind == P2P and size != TWO_PERSON:
        fields.complain("p2p rooms must have exactly 2 participants")
    elif size < TWO_PERSON:
        fields.complain("group rooms must have at least 2 participants")
    elif size > most:
        fields.complain(f"rooms must have no more than {most} participants")
    fields.check()
