"""The routes of `chalicelib.protocol.fleet`, for workers alone."""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import views
from chalicelib.dialects.fleet import wire
from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import Request
from chalicelib.protocol import tokens
from chalicelib.protocol.fleet import Workers
from chalicelib.services.fleet import SessionNotFound

blueprint = Blueprint(__name__)
endpoint = views.endpoints_of(blueprint, lambda error, request: wire.error_of(error))

WORKERS = f"{wire.PREFIX}/workers"
WORKER = f"{WORKERS}/{{worker_id}}"


@endpoint("PUT", f"{WORKER}/lease")
def renew_lease(request: Request, worker_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    _identify(plane, request, worker_id)
    lease = wire.parse_lease(worker_id, request.json_object())
    return plane.fleet.renew(lease).render(lease.protocol_version)


@endpoint("POST", f"{WORKER}/facts")
def tell_facts(request: Request, worker_id: str) -> None:
    plane = bootstrap.control_plane()
    _identify(plane, request, worker_id)
    plane.sessions.hear(wire.parse_facts(worker_id, request.json_object()))


@endpoint("POST", f"{WORKER}/witnesses")
def testify(request: Request, worker_id: str) -> None:
    plane = bootstrap.control_plane()
    _identify(plane, request, worker_id)
    witness = wire.parse_witness(worker_id, request.json_object())
    plane.fleet.testify(worker_id, witness)


@endpoint("POST", f"{WORKER}/orders/{{command_id}}/done")
def finish_order(request: Request, worker_id: str, command_id: str) -> None:
    plane = bootstrap.control_plane()
    _identify(plane, request, worker_id)
    plane.fleet.finish_order(worker_id, wire.parse_command_id(command_id))


@endpoint("GET", WORKERS)
def list_workers(request: Request) -> dict[str, Any]:
    """All that live, for any part of Parley."""
    plane = bootstrap.control_plane()
    _name_of(plane, request)
    return Workers(plane.fleet.all_live()).render()


@endpoint("GET", f"{WORKER}/sessions/{{session_id}}")
def find_session(request: Request, worker_id: str, session_id: str) -> dict[str, Any]:
    """Which worker has a session whose id does not tell it."""
    plane = bootstrap.control_plane()
    _identify(plane, request, worker_id)
    lease = plane.fleet.holder(wire.parse_tenant(request.query), session_id)
    if lease is None:
        raise SessionNotFound(session_id)
    return lease.neighbour.render()


def _identify(plane: ControlPlane, request: Request, worker_id: str) -> None:
    """Raises `Unauthenticated` or `Forbidden` unless this worker itself speaks."""
    if _name_of(plane, request) != worker_id:
        raise Forbidden("a worker speaks for itself only")


def _name_of(plane: ControlPlane, request: Request) -> str:
    """Of the part of Parley that asks. Raises `Unauthenticated`.

    Its token stands in the header: addresses are written down where they go by.
    """
    token = tokens.bearer_token(request.headers, {})
    if token is None:
        raise tokens.Unauthenticated("a worker's token is required")
    return tokens.verify_worker(token, plane.settings.jwt_secret)
