"""What every endpoint of TgoRTC has: its shape, its failures, who acts."""

from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint

from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity, views
from chalicelib.dialects.requests import Request
from chalicelib.dialects.tgortc import messages, wire
from chalicelib.dialects.views import Decorator
from chalicelib.protocol import tokens
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect


def endpoints_of(blueprint: Blueprint) -> Callable[[str, str], Decorator]:
    """What makes a view a route (method, path) of the blueprint."""
    return views.endpoints_of(blueprint, _refusal)


def _refusal(error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
    language = messages.language_of(request.headers, request.query)
    return wire.error_of(error, language)


def identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts: the token's user; where the dialect is open, whom it names."""
    token = tokens.bearer_token(request.headers, request.query)
    if token is not None:
        return tokens.verify(token, plane.settings.jwt_secret)
    if Dialect.TGORTC in plane.settings.open_dialects:
        return identity.open_principal(wire.named_uid(request))
    raise tokens.Unauthenticated("a Bearer token is required")
