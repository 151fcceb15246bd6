"""Webhook endpoints of a tenant, for its administrators."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects.requests import Request
from chalicelib.dialects.v1 import webhooks_answers, webhooks_wire, wire
from chalicelib.dialects.v1.endpoint import administrator, endpoints_of

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

CREATED = 201
ACCEPTED = 202
WEBHOOKS = f"{wire.PREFIX}/webhooks"
ENDPOINTS = f"{WEBHOOKS}/endpoints"
ENDPOINT = f"{ENDPOINTS}/{{endpoint_id}}"
DAY_MS = 24 * 3600 * 1000


@endpoint("POST", ENDPOINTS, CREATED)
def create_endpoint(request: Request) -> dict[str, Any]:
    plane, tenant = _operator(request)
    new = webhooks_wire.parse_new(request.json_object())
    standing = plane.webhooks.endpoints.create(tenant, new)
    return webhooks_answers.render_with_secret(standing, plane.clock.now_ms())


@endpoint("GET", ENDPOINTS)
def list_endpoints(request: Request) -> dict[str, Any]:
    plane, tenant = _operator(request)
    standings = plane.webhooks.endpoints.of_tenant(tenant)
    return webhooks_answers.render_list(standings, plane.clock.now_ms())


@endpoint("GET", ENDPOINT)
def show_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    plane, tenant = _operator(request)
    standing = plane.webhooks.endpoints.find(tenant, endpoint_id)
    return webhooks_answers.render(standing, plane.clock.now_ms())


@endpoint("PATCH", ENDPOINT)
def change_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    plane, tenant = _operator(request)
    changes = webhooks_wire.parse_changes(request.json_object())
    standing = plane.webhooks.endpoints.change(tenant, endpoint_id, changes)
    return webhooks_answers.render(standing, plane.clock.now_ms())


@endpoint("DELETE", ENDPOINT)
def delete_endpoint(request: Request, endpoint_id: str) -> None:
    plane, tenant = _operator(request)
    plane.webhooks.endpoints.delete(tenant, endpoint_id)


@endpoint("POST", f"{ENDPOINT}/rotate")
def rotate_secret(request: Request, endpoint_id: str) -> dict[str, Any]:
    plane, tenant = _operator(request)
    secret, overlap_ms = webhooks_wire.parse_rotation(_optional(request))
    standing = plane.webhooks.endpoints.rotate(tenant, endpoint_id, secret, overlap_ms)
    return webhooks_answers.render_with_secret(standing, plane.clock.now_ms())


@endpoint("POST", f"{ENDPOINT}/enable")
def enable_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    plane, tenant = _operator(request)
    webhooks_wire.parse_nothing(_optional(request))
    standing = plane.webhooks.endpoints.enable(tenant, endpoint_id)
    return webhooks_answers.render(standing, plane.clock.now_ms())


@endpoint("POST", f"{ENDPOINT}/disable")
def disable_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    plane, tenant = _operator(request)
    webhooks_wire.parse_nothing(_optional(request))
    standing = plane.webhooks.endpoints.disable(tenant, endpoint_id)
    return webhooks_answers.render(standing, plane.clock.now_ms())


@endpoint("POST", f"{ENDPOINT}/test")
def try_endpoint(request: Request, endpoint_id: str) -> dict[str, Any]:
    """Answered in full, whatever the receiver does."""
    plane, tenant = _operator(request)
    event_type = webhooks_wire.parse_test(_optional(request))
    tested = plane.webhooks.endpoints.test(tenant, endpoint_id, event_type)
    return webhooks_answers.render_test(tested)


@endpoint("POST", f"{ENDPOINT}/replay", ACCEPTED)
def replay_webhooks(request: Request, endpoint_id: str) -> dict[str, Any]:
    plane, tenant = _operator(request)
    wanted = webhooks_wire.parse_replay(request.json_object())
    replay = plane.webhooks.replays.start(tenant, endpoint_id, wanted)
    return webhooks_answers.render_replay(replay)


@endpoint("GET", f"{ENDPOINT}/attempts")
def list_attempts(request: Request, endpoint_id: str) -> dict[str, Any]:
    plane, tenant = _operator(request)
    wanted = webhooks_wire.parse_attempts(request.query)
    plane.webhooks.endpoints.find(tenant, endpoint_id)
    page = plane.webhooks.attempts.page(tenant, endpoint_id, wanted)
    return webhooks_answers.render_attempts(page)


@endpoint("GET", f"{WEBHOOKS}/stats")
def show_stats(request: Request) -> dict[str, Any]:
    plane, tenant = _operator(request)
    standings = plane.webhooks.endpoints.of_tenant(tenant)
    return webhooks_answers.render_stats(plane.tallies.total(tenant), standings)


@endpoint("POST", f"{WEBHOOKS}/cleanup")
def clean_up(request: Request) -> dict[str, Any]:
    plane, tenant = _operator(request)
    days = webhooks_wire.parse_retention_days(request.json_object())
    before_ms = plane.clock.now_ms() - days * DAY_MS
    plane.tallies.forget_before(tenant, before_ms)
    plane.webhooks.endpoints.forget_failures(tenant, before_ms)
    return {}


def _operator(request: Request) -> tuple[ControlPlane, str]:
    """With the tenant. Raises `Unauthenticated` or `Forbidden`."""
    plane = bootstrap.control_plane()
    return plane, administrator(plane, request).tenant


def _optional(request: Request) -> dict[str, Any]:
    """Of a request that needs no body."""
    return request.json_object() if request.body else {}
