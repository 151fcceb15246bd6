"""TgoRTC's rooms and participants."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity
from chalicelib.dialects.attempts import attempt
from chalicelib.dialects.requests import Request
from chalicelib.dialects.tgortc import wire
from chalicelib.dialects.tgortc.endpoint import endpoints_of, identify
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Create, End, Invite, Join, Kick, Leave
from chalicelib.domain.errors import NotParticipant
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)


@endpoint("POST", f"{wire.PREFIX}/rooms", is_recorded=True)
def create_room(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    asked = wire.CreateRoom.parse(
        request.json_object(), plane.settings.max_participants
    )
    identity.require_acting_for(principal, asked.creator)
    call = plane.calls.create(
        _create(plane, request, principal, asked),
        attempt(plane, request, principal),
    )
    return _room(plane, call, asked.creator, asked.device_type)


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/invite", is_recorded=True)
def invite_participants(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    uids = wire.parse_uids(request.json_object())
    plane.calls.execute(
        principal.tenant,
        room_id,
        Invite(uids, None if principal.is_privileged else principal.uid),
        attempt(plane, request, principal),
    )
    return {}


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/kick", is_recorded=True)
def kick_participant(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    member = wire.Member.parse(request.json_object())
    call = plane.calls.execute(
        principal.tenant,
        room_id,
        Kick(member.uid, None if principal.is_privileged else principal.uid),
        attempt(plane, request, principal),
    )
    _require_party(call, principal)
    return {}


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/join", is_recorded=True)
def join_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    member = wire.Member.parse(request.json_object())
    identity.require_acting_for(principal, member.uid)
    call = plane.calls.execute(
        principal.tenant,
        room_id,
        Join(member.uid, member.device_type, request.device),
        attempt(plane, request, principal),
    )
    return _room(plane, call, member.uid, member.device_type)


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/leave", is_recorded=True)
def leave_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    member = wire.Member.parse(request.json_object())
    identity.require_acting_for(principal, member.uid)
    plane.calls.execute(
        principal.tenant,
        room_id,
        Leave(member.uid),
        attempt(plane, request, principal),
    )
    return {}


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/end", is_recorded=True)
def end_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    call = plane.calls.execute(
        principal.tenant,
        room_id,
        End(None if principal.is_privileged else principal.uid),
        attempt(plane, request, principal),
    )
    _require_party(call, principal)
    return {}


@endpoint("GET", f"{wire.PREFIX}/rooms/sync")
def sync_rooms(request: Request) -> list[dict[str, Any]]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    member = wire.Member.parse_query(request.query)
    identity.require_acting_for(principal, member.uid)
    call = plane.calls.active_call_of(principal.tenant, member.uid)
    if call is None or not wire.is_shown(call, member.uid, member.device_type):
        return []
    return [_room(plane, call, member.uid, member.device_type)]


@endpoint("POST", f"{wire.PREFIX}/participants/calling")
def find_calling(request: Request) -> list[dict[str, Any]]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    uids = wire.parse_uids(request.json_object())
    for uid in uids:
        identity.require_acting_for(principal, uid)
    found = ((uid, plane.calls.active_call_of(principal.tenant, uid)) for uid in uids)
    return [wire.render_membership(call, uid) for uid, call in found if call]


def _require_party(call: Call, principal: Principal) -> None:
    """An ended room ignores whoever comes late, but is not a stranger's to end.

    Raises `NotParticipant`.
    """
    if not principal.is_privileged and call.participant(principal.uid) is None:
        raise NotParticipant(principal.uid)


def _create(
    plane: ControlPlane,
    request: Request,
    principal: Principal,
    asked: wire.CreateRoom,
) -> Create:
    settings, draws = plane.settings, plane.draws
    return Create(
        tenant=principal.tenant,
        call_id=asked.room_id or draws.call_id(),
        trace_id=draws.trace_id(plane.clock.now_ms()),
        room_number=draws.room_number(),
        dialect=Dialect.TGORTC,
        provider=settings.provider_of(Dialect.TGORTC),
        media_type=asked.media_type,
        creator=asked.creator,
        invitees=asked.uids,
        is_invite_only=asked.is_invite_only,
        max_participants=asked.max_participants,
        ring_seconds=asked.ring_seconds or settings.ring_seconds,
        max_call_seconds=settings.max_call_seconds,
        device=request.device,
    )


def _room(
    plane: ControlPlane, call: Call, uid: str, device_type: str
) -> dict[str, Any]:
    member = call.participant(uid)
    kind = (member and member.device_type) or device_type
    return wire.render_room(call, plane.credentials(call, uid, kind))
