"""TgoRTC's JSON: requests in, rooms and errors out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.media import render_media
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.dialects.tgortc import messages
from chalicelib.domain import errors
from chalicelib.domain.call import Call
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.protocol.vocabulary import MediaType, ParticipantState
from chalicelib.services.calls import CommandReused
from chalicelib.services.identity.limits import LimitReached
from chalicelib.services.ports import JoinCredentials
from chalicelib.services.repetition import StillRunning
from chalicelib.services.retries import Unavailable
from chalicelib.services.webhooks.bodies import room_status
from chalicelib.services.webhooks.tallies import Tally

PREFIX = "/api/v1"
ID_MAX_LENGTH = 40
DEVICE_TYPE_MAX_LENGTH = 20
DEFAULT_MAX_PARTICIPANTS = 2
RING_SECONDS = (5, 180)
MOST_UIDS = 100

ERRORS: dict[type[Exception], tuple[int, str]] = {
    MalformedRequest: (400, "invalid_parameters"),
    errors.CallExists: (400, "room_already_exists"),
    errors.CallNotFound: (400, "room_not_found"),
    errors.CallEnded: (400, "room_not_active"),
    errors.CallFull: (400, "room_full"),
    errors.CreatorBusy: (400, "creator_in_another_call"),
    errors.ParticipantBusy: (409, "participant_in_call"),
    errors.NotParticipant: (400, "participant_not_found"),
    errors.NotInvited: (400, "participant_not_invited"),
    errors.NotPermitted: (403, "forbidden"),
    Unauthenticated: (401, "unauthenticated"),
    Forbidden: (403, "forbidden"),
    CommandReused: (409, "idempotency_key_reused"),
    StillRunning: (409, "idempotency_key_in_use"),
    LimitReached: (429, "too_many_requests"),
    Unavailable: (503, "unavailable"),
}
"""The status, which is the body's code too, and the text of every failure."""
INTERNAL = (500, "internal_error")

STATUS_TEXTS = {
    404: "path_not_found",
    405: "method_not_allowed",
    415: "unsupported_media_type",
}
"""What never reaches a route."""


def error_of(error: Exception, language: str) -> tuple[int, dict[str, Any]]:
    """The status and body of a failure; one that is not in the table is ours."""
    status, key = ERRORS.get(type(error), INTERNAL)
    return status, _error(status, messages.text(key, language, str(error)))


def error_of_status(status: int, request: Request) -> dict[str, Any]:
    """The body of a 404, 405 or 415 below this dialect's prefix."""
    language = messages.language_of(request.headers, request.query)
    return _error(status, messages.text(STATUS_TEXTS[status], language))


def _error(status: int, message: str) -> dict[str, Any]:
    return {"code": status, "message": message}


@dataclass(frozen=True, slots=True)
class CreateRoom:
    """``POST /rooms``."""

    creator: str
    device_type: str
    room_id: str | None
    media_type: MediaType
    is_invite_only: bool
    max_participants: int
    uids: tuple[str, ...]
    ring_seconds: int | None
    """Ours: ``timeout``, 5 to 180; None for the configured one."""

    @classmethod
    def parse(cls, body: Mapping[str, Any], max_participants: int) -> "CreateRoom":
        """Unknown fields are ignored, as real clients send them.

        Raises `MalformedRequest` with the field and what it must be.
        """
        room_id = _text(body, "room_id", ID_MAX_LENGTH)
        most = _integer(body, "max_participants", 0)
        if most > max_participants:
            raise MalformedRequest(f"max_participants is at most {max_participants}")
        return cls(
            creator=_required(body, "creator", ID_MAX_LENGTH),
            device_type=_required(body, "device_type", DEVICE_TYPE_MAX_LENGTH),
            room_id=_call_id(room_id) if room_id else None,
            media_type=MediaType(_choice(body, "rtc_type")),
            is_invite_only=bool(_choice(body, "invite_on")),
            max_participants=most if most > 0 else DEFAULT_MAX_PARTICIPANTS,
            uids=_uids(body, "uids"),
            ring_seconds=_ring_seconds(body),
        )


@dataclass(frozen=True, slots=True)
class Member:
    """``join`` and ``leave``: who, and from what device."""

    uid: str
    device_type: str

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "Member":
        """Raises `MalformedRequest`."""
        return cls(
            uid=_required(body, "uid", ID_MAX_LENGTH),
            device_type=_text(body, "device_type", DEVICE_TYPE_MAX_LENGTH),
        )

    @classmethod
    def parse_query(cls, query: Mapping[str, str]) -> "Member":
        """``sync``: both are required. Raises `MalformedRequest`."""
        return cls(
            uid=_required(query, "uid", ID_MAX_LENGTH),
            device_type=_required(query, "device_type", DEVICE_TYPE_MAX_LENGTH),
        )


def parse_uids(body: Mapping[str, Any]) -> tuple[str, ...]:
    """``invite`` and ``calling``: users, each once. Raises `MalformedRequest`."""
    if body.get("uids") is None:
        raise MalformedRequest("uids is required")
    uids = tuple(dict.fromkeys(_uids(body, "uids")))
    if len(uids) > MOST_UIDS:
        raise MalformedRequest(f"uids has at most {MOST_UIDS} users")
    return uids


def parse_retention_days(body: Mapping[str, Any]) -> int:
    """``logs/cleanup``. Raises `MalformedRequest`."""
    days = _integer(body, "retention_days", 0)
    if days < 1:
        raise MalformedRequest("retention_days must be at least 1")
    return days


def named_uid(request: Request) -> str:
    """Whom a request without a token speaks for; empty if it does not say.

    Raises `MalformedRequest`.
    """
    fields = request.json_object() if request.body else request.query
    named = fields.get("creator") or fields.get("uid")
    return named if isinstance(named, str) else ""


def render_room(call: Call, credentials: JoinCredentials) -> dict[str, Any]:
    """A room, with what its reader needs to enter it."""
    return {
        "room_id": call.id,
        "creator": call.creator,
        "token": credentials.token,
        "url": credentials.url,
        "status": room_status(
            call.state, call.end_reason, call.started_at_ms is not None
        ),
        "created_at": str(call.created_at_ms // 1000),
        "max_participants": call.max_participants,
        "timeout": call.ring_seconds,
        "rtc_type": int(call.media_type),
        "uids": list(call.uids),
        # Old iOS clients do not decode a room without these two.
        "source_channel_id": "",
        "source_channel_type": 0,
        "media": render_media(credentials),
    }


def render_membership(call: Call, uid: str) -> dict[str, Any]:
    """Where a user is, or is being rung: 0 inviting, 1 joined."""
    member = call.participant(uid)
    is_joined = member is not None and member.state is ParticipantState.JOINED
    return {"room_id": call.id, "uid": uid, "status": int(is_joined)}


def render_stats(tally: Tally) -> dict[str, Any]:
    """Both what the server answers and what its documents say."""
    failures = sum(tally.failures.values())
    return {
        "total_failure_count": failures,
        "failure_by_event": dict(tally.failures),
        "max_id": failures,
        "total_count": tally.told,
        "success_count": tally.delivered,
        "failed_count": tally.given_up,
        "pending_count": max(0, tally.told - tally.delivered - tally.given_up),
    }


def envelope(data: Any = None) -> dict[str, Any]:
    """What the management API wraps its answers in."""
    answer: dict[str, Any] = {"code": 200, "message": "ok"}
    return answer if data is None else {**answer, "data": data}


def is_shown(call: Call, uid: str, device_type: str) -> bool:
    """By ``sync``: a call that rings the user, or is on at this kind of device."""
    member = call.participant(uid)
    if not call.is_live or member is None or not member.is_active:
        return False
    if member.state is ParticipantState.INVITED:
        return True
    return member.device_type in ("", device_type)


def _text(body: Mapping[str, Any], name: str, max_length: int) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedRequest(f"{name} must be a string")
    if len(value) > max_length:
        raise MalformedRequest(f"{name} has at most {max_length} characters")
    if not value.isprintable():
        raise MalformedRequest(f"{name} must be printable")
    return value


def _required(body: Mapping[str, Any], name: str, max_length: int) -> str:
    value = _text(body, name, max_length)
    if not value:
        raise MalformedRequest(f"{name} is required")
    return value


def _call_id(text: str) -> str:
    if "/" in text or "%" in text:
        raise MalformedRequest("room_id must not contain / or %")
    return text


def _uids(body: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = body.get(name)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise MalformedRequest(f"{name} must be a list of strings")
    members = (_text({name: uid}, name, ID_MAX_LENGTH) for uid in value)
    return tuple(uid for uid in members if uid)


def _integer(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int):
        raise MalformedRequest(f"{name} must be an integer")
    return value


def _choice(body: Mapping[str, Any], name: str) -> int:
    value = _integer(body, name, 0)
    if value not in (0, 1):
        raise MalformedRequest(f"{name} must be 0 or 1")
    return value


def _ring_seconds(body: Mapping[str, Any]) -> int | None:
    if body.get("timeout") is None:
        return None
    low, high = RING_SECONDS
    seconds = _integer(body, "timeout", low)
    if not low <= seconds <= high:
        raise MalformedRequest(f"timeout must be from {low} to {high} seconds")
    return seconds
