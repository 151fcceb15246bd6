"""``POST /v1/tickets``: what opens a device's socket once.

By its ``Idempotency-Key`` a request that comes again gets the same ticket: answers are
kept sealed, as every POST's are.
"""

from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.dialects.requests import Request
from chalicelib.dialects.v1 import wire
from chalicelib.dialects.v1.endpoint import endpoints_of, identify
from chalicelib.services.devices.tickets import TICKET_SECONDS

blueprint = Blueprint(__name__)
endpoint = endpoints_of(blueprint)


@endpoint("POST", f"{wire.PREFIX}/tickets", 201)
def issue_ticket(request: Request) -> dict[str, Any]:
    plane = bootstrap.control_plane()
    principal = identify(plane, request)
    if request.body:
        wire.known(request.json_object())
    return {"ticket": plane.tickets.issue(principal), "expires_in": TICKET_SECONDS}
