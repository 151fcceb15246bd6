"""OpenChat's rooms: the contract's six endpoints."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity
from chalicelib.dialects.attempts import attempt
from chalicelib.dialects.openchat import rooms, wire
from chalicelib.dialects.openchat.endpoint import (
    endpoints_of,
    execute,
    find,
    identify,
)
from chalicelib.dialects.openchat.entrances import entrance
from chalicelib.dialects.requests import Request
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Create, End, Join, Leave
from chalicelib.domain.errors import CallEnded, CallFull, CallNotFound
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

CREATED = 201
ROOM = f"{wire.ROOMS}/{{room_id}}"


@endpoint("POST", wire.ROOMS, CREATED, is_recorded=True)
def create_room(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    asked = wire.CreateRoom.parse(
        wire.body_of(request), principal.uid, plane.settings.max_participants
    )
    identity.require_acting_for(principal, asked.creator)
    call = plane.calls.create(
        _create(plane, request, principal, asked),
        attempt(plane, request, principal),
    )
    return rooms.room_answer(call, entrance(plane, call, asked.creator))


@endpoint("GET", ROOM)
def show_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    return rooms.room_answer(_find(plane, principal, room_id))


@endpoint("POST", f"{ROOM}/join", CREATED, is_recorded=True)
def join_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    uid = wire.parse_member(wire.body_of(request), principal.uid)
    identity.require_acting_for(principal, uid)
    call = _join(plane, request, principal, room_id, uid)
    return rooms.room_answer(call, entrance(plane, call, uid))


@endpoint("POST", f"{ROOM}/leave", is_recorded=True)
def leave_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    uid = wire.parse_member(wire.body_of(request), principal.uid)
    identity.require_acting_for(principal, uid)
    call = execute(plane, request, principal, room_id, Leave(uid))
    return rooms.room_answer(call)


@endpoint("POST", f"{ROOM}/end", is_recorded=True)
def end_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    uid = wire.parse_member(wire.body_of(request), principal.uid)
    identity.require_acting_for(principal, uid)
    is_systems = principal.is_privileged and uid == principal.uid
    command = End(None if is_systems else uid)
    return rooms.room_answer(execute(plane, request, principal, room_id, command))


@endpoint("GET", f"{ROOM}/participants")
def list_participants(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    return rooms.render_participants(_find(plane, principal, room_id))


def _create(
    plane: ControlPlane,
    request: Request,
    principal: Principal,
    asked: wire.CreateRoom,
) -> Create:
    settings, draws = plane.settings, plane.draws
    return Create(
        tenant=principal.tenant,
        call_id=draws.call_id(),
        trace_id=draws.trace_id(plane.clock.now_ms()),
        room_number=draws.room_number(),
        dialect=Dialect.OPENCHAT,
        provider=asked.provider or settings.provider_of(Dialect.OPENCHAT),
        media_type=asked.media_type,
        creator=asked.creator,
        invitees=asked.invitees,
        is_invite_only=True,
        max_participants=asked.max_participants,
        ring_seconds=settings.ring_seconds,
        max_call_seconds=settings.max_call_seconds,
        details=asked.details,
        device=request.device,
    )


def _join(
    plane: ControlPlane, request: Request, principal: Principal, room_id: str, uid: str
) -> Call:
    """A stranger hears that it is one, and not how the room is."""
    try:
        return execute(
            plane, request, principal, room_id, Join(uid, device=request.device)
        )
    except (CallEnded, CallFull):
        _find(plane, principal, room_id)
        raise


def _find(plane: ControlPlane, principal: Principal, room_id: str) -> Call:
    """Raises `CallNotFound` or `Forbidden`."""
    call = find(plane, principal, room_id)
    if call is None:
        raise CallNotFound(room_id)
    return call
