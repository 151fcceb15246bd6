"""OpenChat's errors: every failure's status, code and way out."""

from dataclasses import dataclass
from typing import Any

from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.domain import errors
from chalicelib.protocol.session.instants import render as instant
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.services.calls import CommandReused
from chalicelib.services.identity.limits import LimitReached
from chalicelib.services.repetition import StillRunning
from chalicelib.services.retries import Unavailable

MODULE = "RTC"


@dataclass(frozen=True, slots=True)
class Kind:
    """What every failure of a status has in common."""

    code: str
    type: str
    severity: str
    solution: str
    actions: tuple[str, ...]


KINDS: dict[int, Kind] = {
    400: Kind(
        "VAL_001",
        "VALIDATION",
        "low",
        "The request is not as it must be",
        ("Correct the fields that the message names", "Send the request again"),
    ),
    401: Kind(
        "AUTH_004",
        "AUTHENTICATION",
        "medium",
        "The request does not prove who sends it",
        ("Log in again", "Send the token as Authorization: Bearer"),
    ),
    403: Kind(
        "AUTH_005",
        "AUTHORIZATION",
        "medium",
        "The user may not do this",
        ("Ask the room's creator or an administrator",),
    ),
    404: Kind(
        "SYS_001", "NOT_FOUND", "low", "There is no such thing", ("Check the id",)
    ),
    405: Kind(
        "SYS_001",
        "METHOD_NOT_ALLOWED",
        "low",
        "The path has other methods",
        ("See the Allow header",),
    ),
    409: Kind(
        "SYS_001",
        "CONFLICT",
        "low",
        "The room or a user is in another state",
        ("Fetch the room", "Try again when it is free"),
    ),
    415: Kind(
        "SYS_001",
        "UNSUPPORTED_MEDIA_TYPE",
        "low",
        "The body must be JSON",
        ("Send Content-Type: application/json",),
    ),
    429: Kind(
        "RATE_001",
        "RATE_LIMIT",
        "medium",
        "There were too many requests",
        ("Wait as long as Retry-After says", "Send the request again"),
    ),
    500: Kind(
        "SYS_001",
        "INTERNAL",
        "critical",
        "The fault is the server's",
        ("Send the request again", "Tell the operator the requestId"),
    ),
    503: Kind(
        "SYS_001",
        "UNAVAILABLE",
        "high",
        "The server is busy for a moment",
        ("Wait as long as Retry-After says", "Send the request again"),
    ),
}


class RoomInactive(Exception):
    """There is nothing to be let into."""


ERRORS: dict[type[Exception], tuple[int, str]] = {
    MalformedRequest: (400, ""),
    errors.CallExists: (409, "Room {} exists already"),
    errors.CallNotFound: (404, "Room not found"),
    RoomInactive: (404, "Room not found or inactive"),
    errors.CallEnded: (409, "The room has ended"),
    errors.CallFull: (409, "The room is full"),
    errors.CreatorBusy: (400, "The caller is in another call"),
    errors.ParticipantBusy: (409, "User {} is in another call"),
    errors.NotParticipant: (403, "The user is not a participant of this room"),
    errors.NotInvited: (403, "The user is not a participant of this room"),
    errors.NotPermitted: (403, "Only the room's creator can do this"),
    Unauthenticated: (401, ""),
    Forbidden: (403, ""),
    CommandReused: (409, "The Idempotency-Key was used for another request"),
    StillRunning: (409, "The request with this Idempotency-Key is still running"),
    LimitReached: (429, "Too many requests: come back when Retry-After says"),
    Unavailable: (503, "Try again later"),
}
"""The status and the message, with the place of the id it is about; its own if
empty."""
INTERNAL = (500, "Internal server error")

STATUS_TEXTS = {
    404: "There is no such path",
    405: "The method is not allowed",
    415: "The body must be JSON",
}
"""What never reaches a route."""


def error_of(
    error: Exception, request: Request, now_ms: int
) -> tuple[int, dict[str, Any]]:
    """The status and body of a failure; one that is not in the table is ours."""
    status, text = ERRORS.get(type(error), INTERNAL)
    return status, _body(status, text.format(error) or str(error), request, now_ms)


def error_of_status(status: int, request: Request, now_ms: int) -> dict[str, Any]:
    """The body of a 404, 405 or 415 below this dialect's prefix."""
    return _body(status, STATUS_TEXTS[status], request, now_ms)


def _body(status: int, message: str, request: Request, now_ms: int) -> dict[str, Any]:
    """OpenChat's own shape, and what its SDK shows: ``message`` beside ``code``."""
    kind = KINDS[status]
    return {
        "success": False,
        "code": status,
        "message": message,
        "error": {
            "code": kind.code,
            "type": kind.type,
            "message": message,
            "module": MODULE,
            "severity": kind.severity,
            "solution": {"description": kind.solution, "actions": list(kind.actions)},
        },
        "timestamp": instant(now_ms),
        "path": request.path,
        "requestId": request.id,
    }
