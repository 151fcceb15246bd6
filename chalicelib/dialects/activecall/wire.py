"""Active Call's JSON: sessions and errors out."""

from collections.abc import Iterable
from typing import Any

from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.domain.sessions import Session
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.services.calls import CommandReused
from chalicelib.services.facts import instant
from chalicelib.services.fleet import SessionNotFound
from chalicelib.services.identity.limits import LimitReached
from chalicelib.services.repetition import StillRunning
from chalicelib.services.retries import Unavailable

PREFIX = "/call"
ICE_PATH = "/iceservers"
LIST_ALIAS = "/list"
KILL_ALIAS = "/kill"
"""The names, and the answers, of the server that clients know."""

ERRORS: dict[type[Exception], tuple[int, str]] = {
    MalformedRequest: (400, ""),
    Unauthenticated: (401, ""),
    Forbidden: (403, ""),
    SessionNotFound: (404, "there is no such call"),
    CommandReused: (409, "the Idempotency-Key was used for another request"),
    StillRunning: (409, "the request with this Idempotency-Key is still running"),
    LimitReached: (429, ""),
    Unavailable: (503, "try again later"),
}
"""The status, which is the body's code too, and the text; empty for its own."""
INTERNAL = (500, "internal error")

STATUS_TEXTS = {
    404: "there is no such path",
    405: "the method is not allowed",
    415: "the body must be JSON",
}
"""What never reaches a route."""


def error_of(error: Exception) -> tuple[int, dict[str, Any]]:
    """The status and body of a failure; one that is not in the table is ours."""
    status, text = ERRORS.get(type(error), INTERNAL)
    return status, {"code": status, "message": text or str(error)}


def alias_error_of(error: Exception) -> tuple[int, dict[str, Any]]:
    """``/kill/{id}`` of a session that is not there tells its clients' word as well."""
    status, body = error_of(error)
    if isinstance(error, SessionNotFound):
        body = {**body, "status": "not_found", "id": str(error)}
    return status, body


def error_of_status(status: int, request: Request) -> dict[str, Any]:
    """The body of a 404, 405 or 415 below this dialect's prefix."""
    return {"code": status, "message": STATUS_TEXTS[status]}


def render_list(sessions: Iterable[Session]) -> dict[str, Any]:
    """``GET /call/lists``."""
    return {"calls": [_render(session) for session in sessions]}


def render_alias_list(sessions: Iterable[Session]) -> dict[str, Any]:
    """``GET /list``."""
    return {"active_calls": [_render_alias(session) for session in sessions]}


def render_killed(session_id: str) -> dict[str, Any]:
    """``/kill/{id}``."""
    return {"status": "killed", "id": session_id}


def _render(session: Session) -> dict[str, Any]:
    started = session.started
    return {
        "id": started.session_id,
        "call_type": started.call_type.value,
        "created_at": instant(started.started_at_ms),
        "option": _option(session),
    }


def _render_alias(session: Session) -> dict[str, Any]:
    started = session.started
    is_websocket = started.call_type is CallType.WEBSOCKET
    return {
        "id": started.session_id,
        "callType": "webSocket" if is_websocket else started.call_type.value,
        "cs.option": _option(session),
        "ringTime": None,
        "startTime": instant(started.started_at_ms),
    }


def _option(session: Session) -> dict[str, str]:
    """The parties alone: nothing that is secret."""
    started = session.started
    parties = {"caller": started.caller, "callee": started.callee}
    return {name: who for name, who in parties.items() if who is not None}
