"""OpenChat's rooms as its own server has them: booleans, and who is in what."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity
from chalicelib.dialects.openchat import rooms, wire
from chalicelib.dialects.openchat.endpoint import (
    endpoints_of,
    execute,
    find,
    identify,
)
from chalicelib.dialects.openchat.routes import CREATED, ROOM
from chalicelib.dialects.requests import Request
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Command, End, Invite, Kick, Leave
from chalicelib.domain.errors import NotPermitted
from chalicelib.protocol.claims import Principal

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)


@endpoint("PUT", f"{ROOM}/end")
def close_room(request: Request, room_id: str) -> dict[str, Any]:
    """Whether there was anything to end."""
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    wire.parse_nothing(wire.body_of(request))
    call = _live(plane, principal, room_id)
    if call is not None:
        command = End(_by(principal))
        execute(plane, request, principal, room_id, command)
    return rooms.envelope(call is not None)


@endpoint("POST", f"{ROOM}/participants", CREATED)
def add_participant(request: Request, room_id: str) -> dict[str, Any]:
    """Whether the user is in, or is being rung."""
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    uid = wire.parse_added(wire.body_of(request))
    call = _live(plane, principal, room_id)
    if call is not None:
        _require_creator(call, principal)
        execute(plane, request, principal, room_id, Invite((uid,), _by(principal)))
    return rooms.envelope(call is not None)


@endpoint("DELETE", f"{ROOM}/participants/{{user_id}}")
def remove_participant(request: Request, room_id: str, user_id: str) -> dict[str, Any]:
    """Whether the user was in, or was being rung."""
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    wire.parse_nothing(wire.body_of(request))
    call = _live(plane, principal, room_id)
    command: Command = Kick(user_id, _by(principal))
    if user_id == principal.uid:
        command = Leave(user_id)
    elif call is not None:
        _require_creator(call, principal)
    is_in = call is not None and user_id in call.locked_uids
    if is_in:
        execute(plane, request, principal, room_id, command)
    return rooms.envelope(is_in)


@endpoint("GET", f"{wire.ROOMS}/user/{{user_id}}")
def list_rooms(request: Request, user_id: str) -> dict[str, Any]:
    """The one that the user is in, or is being rung for."""
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    identity.require_acting_for(principal, wire.parse_user_id(user_id))
    call = plane.calls.active_call_of(principal.tenant, user_id)
    return rooms.render_rooms([call] if call else [])


def _live(plane: ControlPlane, principal: Principal, room_id: str) -> Call | None:
    """None for one that has ended, or never was. Raises `Forbidden`."""
    call = find(plane, principal, room_id)
    return call if call and call.is_live else None


def _require_creator(call: Call, principal: Principal) -> None:
    """Raises `NotPermitted`."""
    if not principal.is_privileged and principal.uid != call.creator:
        raise NotPermitted(call.id)


def _by(principal: Principal) -> str | None:
    return None if principal.is_privileged else principal.uid
