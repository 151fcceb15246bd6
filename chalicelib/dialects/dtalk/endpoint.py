"""What every endpoint of dtalk has: its two paths, its envelope, who acts."""

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from chalice.app import Blueprint

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity, views
from chalicelib.dialects.attempts import attempt
from chalicelib.dialects.dtalk import signature, wire
from chalicelib.dialects.requests import Request
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect
from chalicelib.services.calls import Attempt

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


class Endpoints(Protocol):
    """Makes a view the endpoint of a name, at both prefixes."""

    def __call__(
        self, name: str, *, is_recorded: bool = False
    ) -> Callable[[View], View]: ...


def endpoints_of(blueprint: Blueprint) -> Endpoints:
    """What makes a view an endpoint of the blueprint."""
    route = views.endpoints_of(blueprint, _refusal, identify, lambda status: 200)

    def endpoint(name: str, *, is_recorded: bool = False) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            @functools.wraps(view)
            def enveloped(request: Request) -> dict[str, Any]:
                return wire.envelope(view(Asked(request)))

            for prefix in wire.PREFIXES:
                path = f"{prefix}/{name}"
                route("POST", path, is_recorded=is_recorded)(enveloped)
            return view

        return decorate

    return endpoint


def identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts; see `identity.identify`."""
    return identity.identify(
        plane, request, Dialect.DTALK, wire.named_uid, signer=_signer
    )


def _signer(headers: Mapping[str, str], now_ms: int) -> str | None:
    """Raises `Unauthenticated` or `SignatureExpired`."""
    header = headers.get(signature.HEADER)
    return None if header is None else signature.verify(header, now_ms)


def _refusal(error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
    return wire.status_of(error), wire.error_of(error)
