"""Bad input of every kind, answered in each dialect's own shape."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import jwt
import pytest

import entry
from app import app
from chalicelib.adapters.clock import SystemClock
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import worker_token
from tests.dialects.conftest import JWT_SECRET, Api, Reply, token
from tests.dialects.surfaces import SURFACES, Code, Surface

MEGABYTE = 1 << 20
OF_USERS = sorted(
    route
    for route in app.routes
    if route
    not in (
        "/asyncapi.json",
        "/health",
        "/protocol.schema.json",
        "/api/v1/webhooks/livekit",
    )
    and not route.startswith("/internal/")
)
"""Neither for everybody, nor for LiveKit, nor for workers."""

surfaces = pytest.mark.parametrize("surface", SURFACES, ids=lambda one: one.name)
with_posts = pytest.mark.parametrize(
    "surface", [one for one in SURFACES if one.posts], ids=lambda one: one.name
)

NO_OBJECTS = {
    "no JSON": "{",
    "two objects": "{}{}",
    "a list": "[]",
    "null": "null",
    "a number": "1",
    "a string": '"x"',
    "no number of JSON": '{"traceId": NaN}',
    "a deep one": "[" * 20_000,
    "a deep object": '{"a":' * 20_000,
    "a trailing comma": '{"a": 1,}',
    "single quotes": "{'a': 1}",
    "a big one": '{"a": "' + "x" * MEGABYTE,
}
WRONG_VALUES: dict[str, Any] = {
    "nothing": None,
    "truth": True,
    "a fraction": 1.5,
    "a giant": 2**70,
    "a negative": -1,
    "empty text": "",
    "long text": "x" * 5_000,
    "a megabyte": "x" * MEGABYTE,
    "a NUL": "a\x00b",
    "half a character": "\ud800",
    "an empty list": [],
    "a list of lists": [[]],
    "a long list": ["x"] * 5_000,
    "an object": {"a": {}},
}


def assert_refused(surface: Surface, reply: Reply, code: Code) -> None:
    surface.check(reply)
    assert surface.code_of(reply) == code


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def expired_token() -> str:
    exp = SystemClock().now_ms() // 1000 - 60
    claims = {**Principal("default", "alice").render(), "exp": exp}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


def unsigned_token() -> str:
    claims = jwt.decode(token("alice"), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none")


def foreign_token() -> str:
    claims = jwt.decode(token("alice"), options={"verify_signature": False})
    return jwt.encode(claims, "another-secret-of-at-least-thirty-two-bytes", "HS256")


CREDENTIALS: dict[str, Callable[[], dict[str, str]]] = {
    "none": dict,
    "another scheme": lambda: {"authorization": "Basic YTpi"},
    "no token": lambda: {"authorization": "Bearer "},
    "nonsense": lambda: bearer("nonsense"),
    "an expired one": lambda: bearer(expired_token()),
    "an unsigned one": lambda: bearer(unsigned_token()),
    "a forged one": lambda: bearer(foreign_token()),
    "a worker's": lambda: bearer(worker_token(JWT_SECRET, "w1", 4e9)),
    "a long one": lambda: bearer("x" * 20_000),
    "letters beyond ASCII": lambda: bearer("ключ"),
}


@with_posts
@pytest.mark.parametrize("text", NO_OBJECTS.values(), ids=NO_OBJECTS)
def test_body_that_is_no_object(api: Api, surface: Surface, text: str) -> None:
    for path, _ in surface.posts:
        assert_refused(surface, api.post(path, text), surface.malformed)
    assert api.store.calls == {}


@with_posts
def test_body_that_is_no_text(api: Api, surface: Surface) -> None:
    for path, _ in surface.posts:
        api.post(path, {})
        body = base64.b64encode(b"\xff\xfe{}\x80").decode()
        event = {**api.last_event, "body": body, "isBase64Encoded": True}
        answer = entry.http(event, None)
        reply = Reply(answer["statusCode"], answer["headers"], answer["body"])
        assert_refused(surface, reply, surface.malformed)


@with_posts
@pytest.mark.parametrize("value", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_field_of_a_wrong_value_never_breaks_us(
    api: Api, surface: Surface, value: Any
) -> None:
    """Some values will do for some fields; whatever is refused, is so in shape."""
    for path, good in surface.posts:
        for name in good:
            reply = api.post(path, json.dumps({**good, name: value}))
            if reply.status >= 300:
                surface.check(reply)


@with_posts
def test_field_that_is_missing_never_breaks_us(api: Api, surface: Surface) -> None:
    for path, good in surface.posts:
        for name in good:
            body = {other: good[other] for other in good if other != name}
            reply = api.post(path, body)
            if reply.status >= 300:
                surface.check(reply)


@surfaces
@pytest.mark.parametrize("headers", CREDENTIALS.values(), ids=CREDENTIALS)
def test_credentials_that_prove_nothing(
    api: Api, surface: Surface, headers: Callable[[], dict[str, str]]
) -> None:
    for method, path, body in surface.all:
        reply = api.request(method, path, body, uid=None, headers=headers())
        assert_refused(surface, reply, surface.unauthenticated)
    assert api.store.calls == {}


@pytest.mark.parametrize("route", OF_USERS)
def test_every_route_asks_who_one_is(api: Api, route: str) -> None:
    surface = next(one for one in SURFACES if route.startswith(one.prefixes))
    for method in app.routes[route]:
        reply = api.request(method, re.sub(r"{\w+}", "x", route), "{}", uid=None)
        assert_refused(surface, reply, surface.unauthenticated)


@surfaces
def test_token_is_looked_at_before_the_body(api: Api, surface: Surface) -> None:
    for path, _ in surface.posts:
        reply = api.post(path, "{", None)
        assert_refused(surface, reply, surface.unauthenticated)


@surfaces
@pytest.mark.parametrize("uid", ["alice", None])
def test_path_that_there_is_not(api: Api, surface: Surface, uid: str | None) -> None:
    for path in (surface.nowhere, surface.nowhere + "/%00/" + "x" * 3_000):
        assert_refused(surface, api.get(path, uid), surface.no_path)


@surfaces
@pytest.mark.parametrize("method", ["PATCH", "DELETE", "HEAD", "TRACE", "BREW"])
def test_method_that_there_is_not(api: Api, surface: Surface, method: str) -> None:
    for _, path, body in surface.all:
        reply = api.request(method, path, body)
        assert_refused(surface, reply, surface.no_method)
        assert "Allow" in reply.headers


@surfaces
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_body_of_another_type(api: Api, surface: Surface, kind: str) -> None:
    for method, path, body in surface.all:
        text = json.dumps(body or {})
        reply = api.request(method, path, text, headers={"content-type": kind})
        assert_refused(surface, reply, surface.no_json)
    assert api.store.calls == {}


@with_posts
@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb"], ids=["empty", "long", "lines"])
def test_idempotency_key_that_nobody_should_use(
    api: Api, surface: Surface, key: str
) -> None:
    path, body = surface.posts[0]
    reply = api.post(path, body, headers={"idempotency-key": key})
    assert_refused(surface, reply, surface.malformed)


@with_posts
def test_call_s_id_of_any_letters(api: Api, surface: Surface) -> None:
    for path, body in surface.posts:
        for room in ("%00", "%F0%9F%98%80", "..", "x" * 3_000, "a%2Fb"):
            reply = api.post(path.replace("/r/", f"/{room}/"), body)
            if reply.status >= 300:
                surface.check(reply)
