"""OpenChat's tokens and providers: how members come to a room's media."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity
from chalicelib.dialects.openchat import rooms, wire
from chalicelib.dialects.openchat.endpoint import (
    endpoints_of,
    find,
    identify,
    require_party,
)
from chalicelib.dialects.openchat.entrances import entrance, ticket_of
from chalicelib.dialects.openchat.errors import RoomInactive
from chalicelib.dialects.openchat.routes import CREATED, ROOM
from chalicelib.dialects.openchat.tickets import Entrance
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.domain.errors import NotParticipant
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

VALIDATE = f"{wire.PREFIX}/tokens/validate"


@endpoint("POST", f"{wire.PREFIX}/tokens", CREATED)
def make_token(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    grant = wire.Grant.parse(wire.body_of(request), principal.uid)
    made = _entrance(plane, principal, grant.room_id, grant)
    return rooms.enveloped(rooms.render_token(made, plane.draws.token()))


@endpoint("POST", f"{ROOM}/connection", CREATED)
def connect(request: Request, room_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    grant = wire.Grant.parse(wire.body_of(request), principal.uid, has_room=False)
    made = _entrance(plane, principal, room_id, grant)
    return rooms.render_connection(made, plane.draws.token())


@endpoint("POST", VALIDATE, CREATED)
def validate_token(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    token = wire.parse_token(wire.body_of(request))
    return _validity(plane, principal, token)


@endpoint("GET", VALIDATE)
def validate_query(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request, is_token_asked_about=True)
    return _validity(plane, principal, request.query.get("token", ""))


@endpoint("GET", f"{wire.PREFIX}/providers/capabilities")
def list_providers(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    identify(plane, request)
    default = plane.settings.provider_of(Dialect.OPENCHAT)
    return rooms.render_providers(plane.providers, default)


def _entrance(
    plane: ControlPlane, principal: Principal, room_id: str, grant: wire.Grant
) -> Entrance:
    """Raises `Forbidden`, `RoomInactive`, `NotParticipant` or `MalformedRequest`."""
    identity.require_acting_for(principal, grant.uid)
    call = find(plane, principal, room_id)
    if call is None or not call.is_live:
        raise RoomInactive(room_id)
    if grant.uid not in call.locked_uids:
        raise NotParticipant(grant.uid)
    if grant.provider not in (None, call.provider):
        name = rooms.PROVIDER_NAMES[call.provider]
        raise MalformedRequest(f"provider must be {name}, which carries this room")
    return entrance(plane, call, grant.uid, grant.role, grant.seconds)


def _validity(plane: ControlPlane, principal: Principal, token: str) -> dict[str, Any]:
    """Of what members, and who may act for them, ask about.

    Raises `Forbidden`.
    """
    ticket = ticket_of(plane, principal.tenant, token)
    call = plane.calls.view(ticket.tenant, ticket.room) if ticket else None
    if ticket is None or call is None:
        return rooms.render_validity(None, None)
    if ticket.uid != principal.uid:
        require_party(call, principal)
    is_good = (
        plane.clock.now_ms() < ticket.expires_at_ms and ticket.uid in call.locked_uids
    )
    return rooms.render_validity(ticket if is_good else None, call)
