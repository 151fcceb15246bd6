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

blueprint = Blueprint(__name__)
endpoint = views.endpoints_of(blueprint, lambda error, request: wire.error_of(error))

WORKER = f"{wire.PREFIX}/workers/{{worker_id}}"


@endpoint("PUT", f"{WORKER}/lease")
def renew_lease(request: Request, worker_id: str) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    _identify(plane, request, worker_id)
    lease = wire.parse_lease(worker_id, request.json_object())
    return plane.fleet.renew(lease).render()


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


def _identify(plane: ControlPlane, request: Request, worker_id: str) -> None:
    """Raises `Unauthenticated` or `Forbidden` unless this worker itself speaks.

    Its token stands in the header: addresses are written down where they go by.
    """
    token = tokens.bearer_token(request.headers, {})
    if token is None:
        raise tokens.Unauthenticated("a worker's token is required")
    if tokens.verify_worker(token, plane.settings.jwt_secret) != worker_id:
        raise Forbidden("a worker speaks for itself only")
