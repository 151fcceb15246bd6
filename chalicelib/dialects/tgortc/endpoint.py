"""What every endpoint of TgoRTC has: its shape, its failures, who acts."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import identity, views
from chalicelib.dialects.requests import Request
from chalicelib.dialects.tgortc import messages, wire
from chalicelib.dialects.views import Endpoints
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect


def endpoints_of(blueprint: Blueprint) -> Endpoints:
    """What makes a view a route (method, path) of the blueprint."""
    return views.endpoints_of(blueprint, _refusal, identify)


def _refusal(error: Exception, request: Request) -> tuple[int, dict[str, Any]]:
    language = messages.language_of(request.headers, request.query)
    return wire.error_of(error, language)


def identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts; see `identity.identify`."""
    return identity.identify(plane, request, Dialect.TGORTC, wire.named_uid)
