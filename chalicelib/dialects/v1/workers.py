"""The fleet, for whoever operates it: its workers, and an end of their work.

They carry the calls of all tenants, so they are no tenant's own: the administrators of
the deployment's default tenant are its operators.
"""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import Request
from chalicelib.dialects.v1 import wire, workers_wire
from chalicelib.dialects.v1.endpoint import administrator, endpoints_of
from chalicelib.protocol.vocabulary import DEFAULT_TENANT

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)

ACCEPTED = 202


@endpoint("GET", workers_wire.PREFIX)
def list_workers(request: Request) -> dict[str, Any]:
    """Those that live, and for a day those that were taken for dead."""
    plane = bootstrap.control_plane()
    _operator(plane, request)
    size, after = wire.page_size(request.query), wire.cursor(request.query)
    found = plane.fleet.members()
    return workers_wire.render_page(found, after, size, plane.clock.now_ms())


@endpoint("POST", f"{workers_wire.PREFIX}/{{worker_id}}/drain", ACCEPTED)
def drain_worker(request: Request, worker_id: str) -> dict[str, Any]:
    """It hears of it with its next heartbeat, if not sooner."""
    plane = bootstrap.control_plane()
    _operator(plane, request)
    seconds = workers_wire.parse_seconds(request.json_object())
    found, order = plane.fleet.drains.begin(worker_id, seconds)
    return workers_wire.render_drain(found, order, plane.clock.now_ms())


def _operator(plane: ControlPlane, request: Request) -> None:
    """Raises `Unauthenticated` or `Forbidden`."""
    if administrator(plane, request).tenant != DEFAULT_TENANT:
        raise Forbidden("an operator is needed")
