"""A request as an attempt that its sender can repeat, in every dialect."""

from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects.requests import Request
from chalicelib.protocol.claims import Principal
from chalicelib.services.calls import Attempt


def attempt(plane: ControlPlane, request: Request, principal: Principal) -> Attempt:
    """The sender's own key in its own scope, or one drawn for this request.

    Raises `MalformedRequest`.
    """
    key = request.idempotency_key()
    command_id = plane.draws.token() if key is None else f"{principal.uid}#{key}"
    return Attempt(command_id, request.fingerprint())
