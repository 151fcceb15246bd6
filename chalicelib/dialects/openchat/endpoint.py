"""What every endpoint of OpenChat has: its shape, its failures, who acts."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.adapters.clock import SystemClock
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity, views
from chalicelib.dialects.attempts import attempt
from chalicelib.dialects.openchat import errors, wire
from chalicelib.dialects.requests import Request
from chalicelib.dialects.views import Endpoints
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Command
from chalicelib.domain.errors import CallNotFound
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect


def endpoints_of(blueprint: Blueprint) -> Endpoints:
    """What makes a view a route (method, path) of the blueprint."""
    return views.endpoints_of(blueprint, _refusal, identify)


def error_of_status(status: int, request: Request) -> dict[str, Any]:
    """The body of a 404, 405 or 415 below this dialect's prefix."""
    return errors.error_of_status(status, request, SystemClock().now_ms())


def _refusal(error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
    # The control plane's own clock may be what has failed.
    return errors.error_of(error, request, SystemClock().now_ms())


def identify(
    plane: ControlPlane, request: Request, *, is_token_asked_about: bool = False
) -> Principal:
    """Who acts; see `identity.identify`."""
    return identity.identify(
        plane,
        request,
        Dialect.OPENCHAT,
        wire.named_uid,
        is_token_in_query=not is_token_asked_about,
    )


def find(plane: ControlPlane, principal: Principal, room_id: str) -> Call | None:
    """The room as it is now.

    Raises `Forbidden` for those who may not know of it.
    """
    if len(room_id) > wire.ROOM_ID_MAX_LENGTH:
        return None
    call = plane.calls.view(principal.tenant, room_id)
    if call is not None:
        require_party(call, principal)
    return call


def execute(
    plane: ControlPlane,
    request: Request,
    principal: Principal,
    room_id: str,
    command: Command,
) -> Call:
    """Raises `CallError`, `Forbidden`, `CommandReused` or `Unavailable`."""
    if len(room_id) > wire.ROOM_ID_MAX_LENGTH:
        raise CallNotFound(room_id)
    call = plane.calls.execute(
        principal.tenant, room_id, command, attempt(plane, request, principal)
    )
    # An ended room ignores strangers' commands too, but is not theirs to see.
    require_party(call, principal)
    return call


def require_party(call: Call, principal: Principal) -> None:
    """Raises `Forbidden` unless a member asks, of now or of before."""
    if not principal.is_privileged and call.participant(principal.uid) is None:
        raise identity.Forbidden("The user is not a participant of this room")
