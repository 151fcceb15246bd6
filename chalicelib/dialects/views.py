"""What makes a view a route: its answer and every failure have the dialect's shape."""

import functools
import json
import logging
from collections.abc import Callable
from typing import Any, Protocol

from chalice.app import Blueprint, Response

from chalicelib.dialects import arrivals
from chalicelib.dialects.requests import Request

log = logging.getLogger(__name__)

View = Callable[..., Any]
Decorator = Callable[[View], View]
Refusal = Callable[[Exception, Request], tuple[int, Any]]
"""The status and the body of a failure; 500 for one that is ours."""

JSON_TYPES = ["application/json", "application/webhook+json"]
INTERNAL = 500


class Endpoints(Protocol):
    """Makes a view a route; ``status`` is that of its success."""

    def __call__(self, method: str, path: str, status: int = 200) -> Decorator: ...


def endpoints_of(blueprint: Blueprint, refusal: Refusal) -> Endpoints:
    """Gives the routes (method, path) of the blueprint."""
    return functools.partial(_endpoint, blueprint, refusal)


def _endpoint(
    blueprint: Blueprint, refusal: Refusal, method: str, path: str, status: int = 200
) -> Decorator:
    def decorate(view: View) -> View:
        @functools.wraps(view)
        def translated(**parameters: str) -> Response:
            request = arrivals.read(blueprint.current_request)
            try:
                return render(status, view(request, **parameters))
            except Exception as error:
                failure, body = refusal(error, request)
                if failure == INTERNAL:
                    log.exception("unexpected failure", extra={"path": path})
                return render(failure, body)

        # Chalice knows a view by its name, and one may have two routes.
        name = f"{view.__name__}_{method.lower()}"
        blueprint.route(path, name=name, methods=[method], content_types=JSON_TYPES)(
            translated
        )
        return view

    return decorate


def render(status: int, body: Any) -> Response:
    """A JSON answer, 204 for None; one that says to come back says when."""
    if body is None:
        return Response("", {}, 204)
    headers: dict[str, str | list[str]] = {"Content-Type": "application/json"}
    if status == 503:
        headers["Retry-After"] = "1"
    return Response(json.dumps(body, ensure_ascii=False), headers, status)
