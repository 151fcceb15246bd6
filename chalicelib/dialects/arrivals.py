"""Chalice's request as the dialects' own: the only place that reads one."""

from collections.abc import Mapping

from chalice.app import Request as ChaliceRequest

from chalicelib.dialects.requests import Request


def read(request: ChaliceRequest) -> Request:
    """The request with its header names in lower case and its body in bytes."""
    query: Mapping[str, str] = request.query_params or {}
    body = request.raw_body
    return Request(
        method=request.method,
        # Chalice's own is the route's, the same for every room.
        path=request.context["path"],
        query={name: query[name] for name in query},
        headers={name.lower(): request.headers[name] for name in request.headers},
        body=body.encode() if isinstance(body, str) else body,
        id=request.context.get("requestId", ""),
    )
