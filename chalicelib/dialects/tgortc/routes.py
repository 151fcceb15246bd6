"""TgoRTC's endpoints."""

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import arrivals, identity
from chalicelib.dialects.requests import Request
from chalicelib.dialects.tgortc import messages, wire
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Create, End, Join, Leave
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect, Provider
from chalicelib.services.calls import Attempt

log = logging.getLogger(__name__)

blueprint = Blueprint(__name__)

PROVIDER = Provider.LIVEKIT
"""Of the calls that are created here."""

View = Callable[..., Any]


def endpoint(method: str, path: str) -> Callable[[View], View]:
    """A route of this dialect: its answer and every failure in TgoRTC's shape."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def translated(**parameters: str) -> Response:
            request = arrivals.read(blueprint.current_request)
            try:
                status, body = 200, view(request, **parameters)
            except Exception as error:
                language = messages.language_of(request.headers, request.query)
                status, body = wire.error_of(error, language)
                if status == wire.INTERNAL[0]:
                    log.exception("unexpected failure", extra={"path": path})
            return render(status, body)

        blueprint.route(path, methods=[method])(translated)
        return translated

    return decorate


def render(status: int, body: Any) -> Response:
    """A JSON answer; one that says to come back says when."""
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json"}
    if status == 503:
        headers["Retry-After"] = "1"
    return Response(json.dumps(body, ensure_ascii=False), headers, status)


@endpoint("POST", f"{wire.PREFIX}/rooms")
def create_room(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    asked = wire.CreateRoom.parse(
        request.json_object(), plane.settings.max_participants
    )
    identity.require_acting_for(principal, asked.creator)
    plane.provider(PROVIDER)
    call = plane.calls.create(
        _create(plane, principal, asked), attempt(plane, request, principal)
    )
    return _room(plane, call, asked.creator, asked.device_type)


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/join")
def join_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    member = wire.Member.parse(request.json_object())
    identity.require_acting_for(principal, member.uid)
    call = plane.calls.execute(
        principal.tenant,
        room_id,
        Join(member.uid, member.device_type),
        attempt(plane, request, principal),
    )
    return _room(plane, call, member.uid, member.device_type)


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/leave")
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


@endpoint("POST", f"{wire.PREFIX}/rooms/{{room_id}}/end")
def end_room(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    plane.calls.execute(
        principal.tenant,
        room_id,
        End(None if principal.is_privileged else principal.uid),
        attempt(plane, request, principal),
    )
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


def identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts: the token's user; where the dialect is open, whom it names."""
    token = identity.bearer_token(request.headers, request.query)
    if token is not None:
        return identity.verify(token, plane.settings.jwt_secret)
    if Dialect.TGORTC in plane.settings.open_dialects:
        return identity.open_principal(wire.named_uid(request))
    raise identity.Unauthenticated("a Bearer token is required")


def attempt(plane: ControlPlane, request: Request, principal: Principal) -> Attempt:
    """The sender's own key in its own scope, or one drawn for this request."""
    key = request.idempotency_key()
    command_id = plane.draws.token() if key is None else f"{principal.uid}#{key}"
    return Attempt(command_id, request.fingerprint())


def _create(
    plane: ControlPlane, principal: Principal, asked: wire.CreateRoom
) -> Create:
    settings, draws = plane.settings, plane.draws
    return Create(
        tenant=principal.tenant,
        call_id=asked.room_id or draws.call_id(),
        trace_id=draws.trace_id(plane.clock.now_ms()),
        room_number=draws.room_number(),
        dialect=Dialect.TGORTC,
        provider=PROVIDER,
        media_type=asked.media_type,
        creator=asked.creator,
        invitees=asked.uids,
        is_invite_only=asked.is_invite_only,
        max_participants=asked.max_participants,
        ring_seconds=asked.ring_seconds or settings.ring_seconds,
        max_call_seconds=settings.max_call_seconds,
    )


def _room(
    plane: ControlPlane, call: Call, uid: str, device_type: str
) -> dict[str, Any]:
    member = call.participant(uid)
    kind = (member and member.device_type) or device_type
    provider = plane.provider(call.provider)
    credentials = provider.credentials(call, uid, kind, plane.clock.now_ms())
    return wire.render_room(call, credentials)
