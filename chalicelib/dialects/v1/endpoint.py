"""What every endpoint of our own dialect has: its failures, who acts."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity, views
from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.dialects.v1 import wire
from chalicelib.dialects.views import Endpoints
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.protocol.vocabulary import Dialect, Role
from chalicelib.services.calls import CommandReused
from chalicelib.services.devices.push_tokens import (
    TokenRefused,
    TooManyDevices,
    UnknownDevice,
)
from chalicelib.services.drains import WorkerNotFound
from chalicelib.services.erasure import InvalidCursor, UserInCall
from chalicelib.services.identity.keys import KeyExists, KeyNotFound, TooManyKeys
from chalicelib.services.identity.limits import LimitReached
from chalicelib.services.repetition import StillRunning
from chalicelib.services.retries import Unavailable
from chalicelib.services.timeline import NoSuchCall
from chalicelib.services.vault import VaultFailed
from chalicelib.services.webhooks.endpoints import (
    EndpointDisabled,
    EndpointNotFound,
    InvalidUrl,
    ReadOnly,
    TooManyEndpoints,
)
from chalicelib.services.webhooks.replays import NothingToReplay, TooMany

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
    StillRunning: (
        409,
        "idempotency_key_in_use",
        "the request with this Idempotency-Key has not been answered yet",
    ),
    EndpointNotFound: (404, wire.NOT_FOUND, ""),
    NothingToReplay: (404, wire.NOT_FOUND, ""),
    InvalidUrl: (400, "invalid_url", ""),
    TooMany: (400, "too_many_webhooks", ""),
    ReadOnly: (409, "read_only", ""),
    TooManyEndpoints: (409, "limit_reached", ""),
    EndpointDisabled: (409, "endpoint_disabled", ""),
    VaultFailed: (503, "unavailable", "secrets cannot be sealed now; try again later"),
    WorkerNotFound: (404, wire.NOT_FOUND, "there is no such worker alive"),
    KeyNotFound: (404, wire.NOT_FOUND, "there is no such key"),
    KeyExists: (
        409,
        "key_exists",
        "this request has made its key before, and a key is shown once: revoke {} "
        "and make another",
    ),
    TooManyKeys: (409, "too_many_keys", ""),
    NoSuchCall: (404, wire.NOT_FOUND, "there is no such call"),
    UnknownDevice: (404, wire.NOT_FOUND, "there is no such device"),
    TooManyDevices: (
        409,
        "too_many_devices",
        "a user has at most ten devices: remove one first",
    ),
    TokenRefused: (400, "invalid_request", ""),
    UserInCall: (409, "user_in_call", ""),
    InvalidCursor: (400, "invalid_request", ""),
    LimitReached: (429, "rate_limited", ""),
    Unavailable: (503, "unavailable", "try again later"),
}
"""The status, the code, and the message; empty for the error's own."""


def endpoints_of(blueprint: Blueprint) -> Endpoints:
    """What makes a view a route (method, path, status) of the blueprint."""
    return views.endpoints_of(blueprint, _refusal, identify)


def _refusal(error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
    row = ERRORS.get(type(error))
    if row is None:
        return views.INTERNAL, wire.error(500, "something went wrong on our side")
    status, code, message = row
    return status, wire.error(status, message.format(error) or str(error), code)


def identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts; see `identity.identify`. No address carries a token here."""
    return identity.identify(
        plane,
        request,
        Dialect.V1,
        identity.queried_uid,
        is_token_in_query=False,
    )


def administrator(plane: ControlPlane, request: Request) -> Principal:
    """Raises `Unauthenticated`, or `Forbidden` unless an administrator acts."""
    principal = identify(plane, request)
    if principal.role is not Role.ADMIN:
        raise Forbidden("an administrator is needed")
    return principal
