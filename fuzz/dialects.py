"""Every route of every dialect, with a token and any body: answered, and in its shape.

An input's first line is a method and a path, the rest is the body.
"""

import functools
import json
import uuid
from contextlib import AbstractContextManager
from typing import Any

import entry
from bench.clients import SECRET, token
from bench.memory_plane import plane_in_memory
from infra.laptop.clock import now_seconds
from infra.laptop.payload import HttpRequest, event_of

ENVELOPES = {
    "/api/v1/": {"code", "message"},
    "/app/": {"result", "message", "data"},
    "/call/app/": {"result", "message", "data"},
    "/im/api/v1/": {"success", "error"},
    "/call/": {"code", "message"},
    "/v1/": {"code", "message"},
}
"""How the paths of each dialect begin, and what its refusals always have."""
METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})


def one_input(data: bytes) -> None:
    line, _, body = data.partition(b"\n")
    method, _, path = line.decode(errors="replace").partition(" ")
    path, _, query = path.partition("?")
    request = HttpRequest(
        method=method if method in METHODS else "POST",
        path=path if path.startswith("/") else f"/{path}",
        raw_query=query,
        headers=(
            ("authorization", f"Bearer {_token()}"),
            ("content-type", "application/json"),
            ("host", "api.example"),
        ),
        body=body,
        source_ip="203.0.113.7",
        port=443,
    )
    event = event_of(request, str(uuid.uuid4()), int(now_seconds() * 1_000))
    _check(request.path, entry.http(event, None))


def _check(path: str, answer: Any) -> None:
    status = answer["statusCode"]
    assert status < 500, f"{status} to {path}"
    content = json.loads(answer["body"]) if answer.get("body") else None
    owned = (keys for prefix, keys in ENVELOPES.items() if path.startswith(prefix))
    if status >= 400 and (keys := next(owned, None)):
        assert isinstance(content, dict), f"{path} refuses with {content}"
        assert keys <= set(content), f"{path} refuses with {content}"
    if path.startswith("/app/") and isinstance(content, dict):
        assert content["result"] != -1_000, "the server is no busier than that"


def world() -> AbstractContextManager[None]:
    """In which the inputs are tried."""
    return plane_in_memory(SECRET)


@functools.cache
def _token() -> str:
    return token("alice", "admin")
