"""API keys of a business's servers, and tokens that they hand to their users."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.dialects import attempts
from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import IDEMPOTENCY_KEY, Request
from chalicelib.dialects.v1 import keys_wire, wire
from chalicelib.dialects.v1.endpoint import administrator, endpoints_of, identify
from chalicelib.protocol import tokens
from chalicelib.protocol.claims import Principal

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

CREATED = 201


@endpoint("POST", keys_wire.PREFIX, CREATED)
def create_key(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = administrator(plane, request)
    repetition = None
    if IDEMPOTENCY_KEY in request.headers:
        repetition = attempts.scoped(principal, request)
    wanted = keys_wire.parse_wanted(request.json_object(), repetition)
    key, text = plane.keys.create(principal, wanted)
    return keys_wire.render_made(key, text, plane.clock.now_ms())


@endpoint("GET", keys_wire.PREFIX)
def list_keys(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = administrator(plane, request)
    size, after = wire.page_size(request.query), wire.cursor(request.query)
    found = plane.keys.of_tenant(principal.tenant)
    return keys_wire.render_page(found, after, size, plane.clock.now_ms())


@endpoint("DELETE", f"{keys_wire.PREFIX}/{{key_id}}")
def revoke_key(request: Request, key_id: str) -> None:
    plane = bootstrap.control_plane()
    principal = administrator(plane, request)
    plane.keys.revoke(principal.tenant, key_id)


@endpoint("POST", keys_wire.TOKENS, CREATED)
def make_token(request: Request) -> dict[str, Any]:
    """A user's token, whoever asks: nobody is made more than a user here."""
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    if not principal.is_privileged:
        raise Forbidden("a server or an administrator is needed")
    grant = keys_wire.Grant.parse(request.json_object())
    user = Principal(principal.tenant, grant.uid)
    expires_at = plane.clock.now_ms() // 1000 + grant.seconds
    token = tokens.user_token(plane.trust.secret, user, expires_at, grant.device_type)
    return grant.render(token, expires_at * 1000)
