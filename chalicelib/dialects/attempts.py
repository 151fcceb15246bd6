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
    if key is None:
        return Attempt(plane.draws.token(), request.fingerprint())
    return Attempt(_own(principal, key), request.fingerprint(), is_keyed=True)


def scoped(principal: Principal, request: Request) -> str:
    """The key of a request that has one, as nobody else's.

    Raises `MalformedRequest`.
    """
    return f"{principal.tenant}#{_own(principal, request.idempotency_key() or '')}"


def _own(principal: Principal, key: str) -> str:
    """With its length, for a user's name may have a ``#`` too."""
    return f"{len(principal.uid)}#{principal.uid}#{key}"
