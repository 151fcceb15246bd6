"""Calls as they are and as they were: for who was in them, and for administrators."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import Request
from chalicelib.dialects.v1 import calls_wire, wire
from chalicelib.dialects.v1.calls_wire import Listing, Which
from chalicelib.dialects.v1.endpoint import endpoints_of, identify
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

CALL = f"{calls_wire.PATH}/{{call_id}}"


@endpoint("GET", calls_wire.PATH)
def list_calls(request: Request) -> dict[str, Any]:
    """One's own; an administrator's tenant's, or those of the ``uid``."""
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    listing = calls_wire.parse_listing(request.query)
    uid = _whose(principal, listing)
    if listing.which is Which.ACTIVE:
        return _active(plane, principal.tenant, uid, listing)
    return _ended(plane, principal.tenant, uid, listing)


@endpoint("GET", CALL)
def get_call(request: Request, call_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    call = plane.timelines.call(principal, calls_wire.parse_call_id(call_id))
    return {"call": calls_wire.render_call(call)}


@endpoint("GET", f"{CALL}/timeline")
def get_timeline(request: Request, call_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    timeline = plane.timelines.timeline(principal, calls_wire.parse_call_id(call_id))
    return calls_wire.render_timeline(timeline)


def _whose(principal: Principal, listing: Listing) -> str:
    """Empty for all of the tenant. Raises `Forbidden`."""
    if principal.role is Role.ADMIN:
        return listing.uid
    if listing.uid not in ("", principal.uid):
        raise Forbidden("another user's calls are for administrators")
    return principal.uid


def _active(
    plane: ControlPlane, tenant: str, uid: str, listing: Listing
) -> dict[str, Any]:
    if uid:
        own = plane.calls.active_call_of(tenant, uid)
        return wire.page("calls", [calls_wire.render_call(own)] if own else [], "")
    live = plane.history.live_of_tenant(tenant, listing.after, listing.period.limit)
    shown = [calls_wire.render_call(call) for call in live.calls]
    return wire.page("calls", shown, live.following)


def _ended(
    plane: ControlPlane, tenant: str, uid: str, listing: Listing
) -> dict[str, Any]:
    if uid:
        ended = plane.history.of_user(tenant, uid, listing.period)
    else:
        ended = plane.history.of_tenant(tenant, listing.period)
    shown = [calls_wire.render_entry(entry) for entry in ended.entries]
    return wire.page("calls", shown, ended.following)
