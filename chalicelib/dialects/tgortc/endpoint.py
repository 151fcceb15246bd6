"""What every endpoint of TgoRTC has: its shape, its failures, who acts."""

import functools
import json
import logging
from collections.abc import Callable
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import arrivals, identity
from chalicelib.dialects.requests import Request
from chalicelib.dialects.tgortc import messages, wire
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Dialect
from chalicelib.services.calls import Attempt

log = logging.getLogger(__name__)

View = Callable[..., Any]
JSON_TYPES = ["application/json", "application/webhook+json"]


Decorator = Callable[[View], View]


def endpoints_of(blueprint: Blueprint) -> Callable[[str, str], Decorator]:
    """What makes a view a route (method, path) of the blueprint."""
    return functools.partial(_endpoint, blueprint)


def _endpoint(blueprint: Blueprint, method: str, path: str) -> Decorator:
    """Its answer and every failure have TgoRTC's shape."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def translated(**parameters: str) -> Response:
            request = arrivals.read(blueprint.current_request)
            try:
                status, body = 200, view(request, **parameters)
            except Exception as error:
                language = messages.language_of(request.headers, request.query)
                status, body = wire.error_of(error, language)
                if status == wire.INTERNAL[0]:
                    log.exception("unexpected failure", extra={"path": path})
            return render(status, body)

        blueprint.route(path, methods=[method], content_types=JSON_TYPES)(translated)
        return translated

    return decorate


def render(status: int, body: Any) -> Response:
    """A JSON answer; one that says to come back says when."""
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json"}
    if status == 503:
        headers["Retry-After"] = "1"
    return Response(json.dumps(body, ensure_ascii=False), headers, status)


def identify(plane: ControlPlane, request: Request) -> Principal:
    """Who acts: the token's user; where the dialect is open, whom it names."""
    token = identity.bearer_token(request.headers, request.query)
    if token is not None:
        return identity.verify(token, plane.settings.jwt_secret)
    if Dialect.TGORTC in plane.settings.open_dialects:
        return identity.open_principal(wire.named_uid(request))
    raise identity.Unauthenticated("a Bearer token is required")


def attempt(plane: ControlPlane, request: Request, principal: Principal) -> Attempt:
    """The sender's own key in its own scope, or one drawn for this request."""
    key = request.idempotency_key()
    command_id = plane.draws.token() if key is None else f"{principal.uid}#{key}"
    return Attempt(command_id, request.fingerprint())
