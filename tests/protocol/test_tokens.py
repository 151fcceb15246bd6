"""Tokens prove who acts, or they prove nothing."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import (
    LEEWAY_SECONDS,
    NOBODY,
    TOKEN_MAX_LENGTH,
    WORKER_TOKEN_SECONDS,
    Unauthenticated,
    admit,
    bearer_token,
    verify,
    verify_worker,
    worker_token,
)
from chalicelib.protocol.vocabulary import Role

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"


def now() -> int:
    return SystemClock().now_ms() // 1000


def signed(claims: Mapping[str, Any], secret: str = SECRET, **how: Any) -> str:
    return jwt.encode(dict(claims), secret, **{"algorithm": "HS256", **how})


def unsigned(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(p).encode()) for p in (header, claims))
    return ".".join(part.decode().rstrip("=") for part in parts) + "."


def test_token_names_its_principal() -> None:
    claims = {"sub": "alice", "tenant": "acme", "role": "server", "exp": now() + 60}
    assert verify(signed(claims), SECRET) == Principal("acme", "alice", Role.SERVER)


def test_token_with_an_audience_is_still_ours() -> None:
    claims = {"sub": "alice", "aud": "parley", "exp": now() + 60}
    assert verify(signed(claims), SECRET).uid == "alice"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        "nonsense",
        "\ud800.b.c",
        signed({"sub": "alice"}),
        signed({"sub": "alice", "exp": now() - 60}),
        signed({"sub": "alice", "exp": now() + 60, "nbf": now() + 50}),
        signed({"sub": "alice", "exp": "soon"}),
        signed({"exp": now() + 60}),
        signed({"sub": "alice", "uid": "bob", "exp": now() + 60}),
        signed({"sub": "alice", "exp": now() + 60}, "x" * 32),
        signed({"sub": "alice", "exp": now() + 60}, "x" * 64, algorithm="HS512"),
        signed({"sub": "alice", "exp": now() + 60}, "", algorithm="none"),
        unsigned({"alg": "none", "typ": "JWT"}, {"sub": "alice", "exp": now() + 60}),
        unsigned({"alg": "RS256"}, {"sub": "alice", "exp": now() + 60}) + "AAAA",
        signed({"sub": "a" * TOKEN_MAX_LENGTH, "exp": now() + 60}),
    ],
)
def test_token_that_proves_nothing_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(token, SECRET)


@pytest.mark.parametrize(
    ("headers", "query", "token"),
    [
        ({}, {}, None),
        ({"authorization": "Bearer abc"}, {}, "abc"),
        ({"authorization": "bearer  abc "}, {}, "abc"),
        ({"authorization": "Bearer abc"}, {"token": "xyz"}, "abc"),
        ({}, {"token": "xyz"}, "xyz"),
        ({}, {"token": ""}, None),
    ],
)
def test_token_is_found(
    headers: dict[str, str], query: dict[str, str], token: str | None
) -> None:
    assert bearer_token(headers, query) == token


@pytest.mark.parametrize("header", ["", "abc", "Basic YTpi", "Bearer", "Bearer "])
def test_other_credentials_are_not_overlooked(header: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token({"authorization": header}, {"token": "xyz"})


def test_worker_s_token_names_the_worker_and_opens_nothing_else() -> None:
    token = worker_token(SECRET, "w1", now())
    assert verify_worker(token, SECRET) == "w1"
    with pytest.raises(Unauthenticated):
        verify(token, SECRET)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.WORKER])
def test_nobody_but_a_worker_is_one(role: Role) -> None:
    claims = {"sub": "w1", "role": role.value, "exp": now() + 60}
    with pytest.raises(Unauthenticated):
        verify_worker(signed(claims), SECRET)


def test_worker_s_token_ends_soon() -> None:
    ago = WORKER_TOKEN_SECONDS + LEEWAY_SECONDS + 2
    with pytest.raises(Unauthenticated):
        verify_worker(worker_token(SECRET, "w1", now() - ago), SECRET)


def test_worker_is_not_privileged() -> None:
    assert not Principal("default", "w1", Role.WORKER).is_privileged


def test_admit_the_token_s_user_wherever_it_stands() -> None:
    token = signed({"sub": "alice", "exp": now() + 60})
    alice = Principal("default", "alice")
    assert admit({"authorization": f"Bearer {token}"}, {}, SECRET) == alice
    assert admit({}, {"token": token}, SECRET, is_open=True) == alice
    with pytest.raises(Unauthenticated):
        admit({}, {"token": "none"}, SECRET, is_open=True)


def test_admit_whom_the_query_names_only_where_it_is_open() -> None:
    with pytest.raises(Unauthenticated, match="required"):
        admit({}, {"uid": "bob"}, SECRET)
    found = admit({}, {"uid": "b" * 100}, SECRET, is_open=True)
    assert found == Principal("default", "b" * 64, Role.ADMIN)
    assert admit({}, {}, SECRET, is_open=True).uid == NOBODY
