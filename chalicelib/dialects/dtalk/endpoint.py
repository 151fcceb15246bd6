"""What every endpoint of dtalk has: its two paths, its envelope, who acts."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity, views
from chalicelib.dialects.attempts import attempt
from chalicelib.dialects.dtalk import signature, wire
from chalicelib.dialects.requests import Request
from chalicelib.protocol import tokens
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Dialect
from chalicelib.services.calls import Attempt

log = logging.getLogger(__name__)

View = Callable[["Asked"], dict[str, Any]]
"""Gives the envelope's ``data``."""


class Asked:
    """A request with who sent it, and the plane that it asks."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.plane = bootstrap.control_plane()
        self.principal = identify(self.plane, request)
        self.body = request.json_object()

    @property
    def attempt(self) -> Attempt:
        """Raises `MalformedRequest`."""
        return attempt(self.plane, self.request, self.principal)


def endpoints_of(blueprint: Blueprint) -> Callable[[str], Callable[[View], View]]:
    """What makes a view the endpoint of a name, at both prefixes."""
    route = views.endpoints_of(blueprint, _refusal)

    def endpoint(name: str) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            @functools.wraps(view)
            def enveloped(request: Request) -> dict[str, Any]:
                return wire.envelope(view(Asked(request)))

            for prefix in wire.PREFIXES:
                route("POST", f"{prefix}/{name}")(enveloped)
            return view

        return decorate

    return endpoint


def identify(plane: ControlPlane, request: Request) -> Principal:
    """The signature's or the token's user; where the dialect is open, whom it names."""
    header = request.headers.get(signature.HEADER)
    if header is not None:
        uid = signature.verify(header, plane.clock.now_ms())
        return Principal(DEFAULT_TENANT, uid)
    token = tokens.bearer_token(request.headers, request.query)
    if token is not None:
        return tokens.verify(token, plane.settings.jwt_secret)
    if Dialect.DTALK in plane.settings.open_dialects:
        return identity.open_principal(wire.named_uid(request))
    raise tokens.Unauthenticated("FZM-SIGNATURE or a Bearer token is required")


def _refusal(error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
    if type(error) not in wire.ERRORS:
        log.exception("unexpected failure", extra={"path": request.path})
    return 200, wire.error_of(error)
