"""Active Call's sessions, across all workers."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity, views
from chalicelib.dialects.activecall import wire
from chalicelib.dialects.requests import Request
from chalicelib.domain.sessions import Session
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect, Role

blueprint = Blueprint(__name__)
endpoint = views.endpoints_of(
    blueprint,
    lambda error, request: wire.error_of(error),
    lambda plane, request: _identify(plane, request),
)
alias = views.endpoints_of(
    blueprint,
    lambda error, request: wire.alias_error_of(error),
    lambda plane, request: _identify(plane, request),
)


@endpoint("GET", f"{wire.PREFIX}/lists")
def list_calls(request: Request) -> dict[str, Any]:
    return wire.render_list(_find(request))


@alias("GET", wire.LIST_ALIAS)
def list_active_calls(request: Request) -> dict[str, Any]:
    return wire.render_alias_list(_find(request))


@endpoint("GET", f"{wire.PREFIX}/kill/{{session_id}}")
@endpoint("POST", f"{wire.PREFIX}/kill/{{session_id}}")
def kill_call(request: Request, session_id: str) -> bool:
    _kill(request, session_id)
    return True


@alias("GET", f"{wire.KILL_ALIAS}/{{session_id}}")
@alias("POST", f"{wire.KILL_ALIAS}/{{session_id}}")
def kill_active_call(request: Request, session_id: str) -> dict[str, Any]:
    _kill(request, session_id)
    return wire.render_killed(session_id)


@endpoint("GET", wire.ICE_PATH)
def list_ice_servers(request: Request) -> list[dict[str, Any]]:
    plane = bootstrap.control_plane()
    principal = _identify(plane, request)
    return plane.settings.ice.render(principal.uid, plane.clock.now_ms() // 1000)


def _find(request: Request) -> tuple[Session, ...]:
    """An administrator sees the tenant's, others their own."""
    plane = bootstrap.control_plane()
    principal = _identify(plane, request)
    if principal.role is Role.ADMIN:
        return plane.sessions.of_tenant(principal.tenant)
    return plane.sessions.of_user(principal.tenant, principal.uid)


def _kill(request: Request, session_id: str) -> None:
    """What one does not see is not there."""
    plane = bootstrap.control_plane()
    principal = _identify(plane, request)
    owner = None if principal.role is Role.ADMIN else principal.uid
    plane.fleet.kill(principal.tenant, session_id, owner)


def _identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts; see `identity.identify`."""
    return identity.identify(plane, request, Dialect.ACTIVE_CALL, identity.queried_uid)
