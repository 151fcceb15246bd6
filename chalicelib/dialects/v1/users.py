"""Users, of whom Parley knows no more than what they did: for administrators."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.dialects.requests import Request
from chalicelib.dialects.v1 import users_wire, wire
from chalicelib.dialects.v1.endpoint import administrator, endpoints_of

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

BEGUN = 202


@endpoint("DELETE", f"{users_wire.PATH}/{{uid}}", BEGUN)
def erase_user(request: Request, uid: str) -> dict[str, Any]:
    """Some of it at a time: until ``next`` is null."""
    plane = bootstrap.control_plane()
    principal = administrator(plane, request)
    named, cursor = users_wire.parse_uid(uid), wire.cursor(request.query)
    piece = plane.erasures.erase(principal.tenant, named, cursor, principal.uid)
    return users_wire.render(named, piece)
