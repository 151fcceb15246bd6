"""What makes a view a route: its answer and every failure have the dialect's shape.

A POST that comes again with its ``Idempotency-Key`` is answered as it was before, in
every dialect; a view whose own record does that says so.
"""

import functools
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from chalice.app import Blueprint, Response

from chalicelib import bootstrap
from chalicelib.bootstrap import ControlPlane
from chalicelib.dialects import arrivals, attempts
from chalicelib.dialects.requests import IDEMPOTENCY_KEY, Request
from chalicelib.protocol.claims import Principal
from chalicelib.services.repetition import Reply

log = logging.getLogger(__name__)

View = Callable[..., Any]
Decorator = Callable[[View], View]
Refusal = Callable[[Exception, Request], tuple[int, Any]]
"""The status and the body of a failure; 500 for one that is ours."""
Identify = Callable[[ControlPlane, Request], Principal]
"""Who acts; raises what the refusal knows."""

JSON_TYPES = ["application/json", "application/webhook+json"]
TOO_MANY = 429
INTERNAL = 500
UNAVAILABLE = 503
REPLAYED = "Idempotent-Replayed"


class Endpoints(Protocol):
    """Makes a view a route; ``status`` is that of its success.

    ``is_recorded`` if what the view does is recorded with it, by the sender's key or
    by an id that the request has of its own, so that nothing comes of a repetition.
    """

    def __call__(
        self, method: str, path: str, status: int = 200, *, is_recorded: bool = False
    ) -> Decorator: ...


@dataclass(frozen=True, slots=True)
class _Manner:
    """What the routes of one dialect have in common."""

    refusal: Refusal
    identify: Identify | None
    shown: Callable[[int], int]


def endpoints_of(
    blueprint: Blueprint,
    refusal: Refusal,
    identify: Identify | None = None,
    shown: Callable[[int], int] = int,
) -> Endpoints:
    """Gives the routes (method, path) of the blueprint.

    Keys are their senders' own: without ``identify`` there are none. ``shown`` is the
    status that HTTP has for a failure's, where a dialect hides it.
    """
    manner = _Manner(refusal, identify, shown)
    return functools.partial(_endpoint, blueprint, manner)


def _endpoint(
    blueprint: Blueprint,
    manner: _Manner,
    method: str,
    path: str,
    status: int = 200,
    *,
    is_recorded: bool = False,
) -> Decorator:
    is_repeatable = method == "POST" and not is_recorded

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def translated(**parameters: str) -> Response:
            request = arrivals.read(blueprint.current_request)
            ask = functools.partial(view, request, **parameters)
            act = functools.partial(_act, manner, request, status, ask)
            return _response(manner, _once(manner, request, act, is_repeatable))

        # Chalice knows a view by its name, and one may have two routes.
        name = f"{view.__name__}_{method.lower()}"
        blueprint.route(path, name=name, methods=[method], content_types=JSON_TYPES)(
            translated
        )
        return view

    return decorate


def _once(
    manner: _Manner, request: Request, act: Callable[[], Reply], is_repeatable: bool
) -> Reply:
    has_key = is_repeatable and IDEMPOTENCY_KEY in request.headers
    if manner.identify is None or not has_key:
        return act()
    try:
        plane = bootstrap.control_plane()
        key = attempts.scoped(manner.identify(plane, request), request)
        return plane.repetitions.once(key, request.fingerprint(), act)
    except Exception as error:
        return _refused(manner, request, error)


def _act(
    manner: _Manner, request: Request, status: int, ask: Callable[[], Any]
) -> Reply:
    try:
        body = ask()
        return Reply(204, "") if body is None else Reply(status, _text(body))
    except Exception as error:
        return _refused(manner, request, error)


def _refused(manner: _Manner, request: Request, error: Exception) -> Reply:
    status, body = manner.refusal(error, request)
    if status == INTERNAL:
        log.error("unexpected failure", exc_info=error, extra={"path": request.path})
    return Reply(
        status,
        _text(body),
        status < INTERNAL and status != TOO_MANY,
        retry_after_seconds=getattr(error, "retry_after_seconds", None),
    )


def _text(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False)


def _response(manner: _Manner, reply: Reply) -> Response:
    """One that says to come back says when."""
    headers: dict[str, str | list[str]] = {}
    if reply.body:
        headers["Content-Type"] = "application/json"
    status = manner.shown(reply.status)
    after = reply.retry_after_seconds
    if after is not None or status == UNAVAILABLE:
        headers["Retry-After"] = str(after or 1)
    if reply.is_repeated:
        headers[REPLAYED] = "true"
    return Response(reply.body, headers, status)
