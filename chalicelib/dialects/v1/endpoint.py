"""What every endpoint of our own dialect has: its failures, who acts."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import views
from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.dialects.v1 import wire
from chalicelib.dialects.views import Endpoints
from chalicelib.protocol import tokens
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.calls import CommandReused, Unavailable

ERRORS: dict[type[Exception], tuple[int, str, str]] = {
    MalformedRequest: (400, "invalid_request", ""),
    wire.InvalidRequest: (400, "invalid_request", ""),
    Unauthenticated: (401, "unauthenticated", ""),
    Forbidden: (403, "forbidden", ""),
    CommandReused: (
        409,
        "idempotency_key_reused",
        "the Idempotency-Key was used before, for another request",
    ),
    Unavailable: (503, "unavailable", "try again later"),
}
"""The status, the code, and the message; empty for the error's own."""


def endpoints_of(blueprint: Blueprint) -> Endpoints:
    """What makes a view a route (method, path, status) of the blueprint."""
    return views.endpoints_of(blueprint, _refusal)


def _refusal(error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
    row = ERRORS.get(type(error))
    if row is None:
        return views.INTERNAL, wire.error(500, "something went wrong on our side")
    status, code, message = row
    return status, wire.error(status, message or str(error), code)


def identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts. Raises `Unauthenticated`."""
    token = tokens.bearer_token(request.headers, {})
    if token is None:
        raise Unauthenticated("a Bearer token is required")
    return tokens.verify(token, plane.settings.jwt_secret)


def administrator(plane: ControlPlane, request: Request) -> Principal:
    """Raises `Unauthenticated`, or `Forbidden` unless an administrator acts."""
    principal = identify(plane, request)
    if principal.role is not Role.ADMIN:
        raise Forbidden("an administrator is needed")
    return principal
