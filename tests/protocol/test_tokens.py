"""Tokens prove who acts, or they prove nothing."""

from collections.abc import Mapping
from typing import Any

import jwt
import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.tokens import (
    API_KEY_PREFIX,
    LEEWAY_SECONDS,
    NOBODY,
    TOKEN_MAX_LENGTH,
    WORKER_TOKEN_SECONDS,
    Trust,
    Unauthenticated,
    admit,
    bearer_token,
    user_token,
    verify,
    verify_worker,
    worker_token,
)
from chalicelib.protocol.vocabulary import Role
from tests.attacks import ATTACKS, AUDIENCE, ISSUER, Attack, issued, trust

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"


def now() -> int:
    return SystemClock().now_ms() // 1000


def signed(claims: Mapping[str, Any], secret: str = SECRET, **how: Any) -> str:
    return jwt.encode(dict(claims), secret, **{"algorithm": "HS256", **how})


def test_token_names_its_principal() -> None:
    claims = {"sub": "alice", "tenant": "acme", "role": "server", "exp": now() + 60}
    assert verify(signed(claims), Trust(SECRET)) == Principal(
        "acme", "alice", Role.SERVER
    )


def test_token_with_an_audience_is_still_ours() -> None:
    claims = {"sub": "alice", "aud": "parley", "exp": now() + 60}
    assert verify(signed(claims), Trust(SECRET)).uid == "alice"


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_token_that_proves_nothing_is_refused(attack: Attack) -> None:
    token = attack(SECRET)
    with pytest.raises(Unauthenticated) as caught:
        verify(token, trust(SECRET))
    assert token not in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("token", ["", ".", "..", "\ud800.b.c", "a" * 10_000])
def test_what_no_header_carries_is_refused(token: str) -> None:
    with pytest.raises(Unauthenticated):
        verify(token, trust(SECRET))


def test_issuer_s_token_names_its_principal() -> None:
    token = issued(tenant="acme", role="admin", uid="alice")
    assert verify(token, trust(SECRET)) == Principal("acme", "alice", Role.ADMIN)
    assert verify(issued(aud=["a", AUDIENCE]), trust(SECRET)).uid == "alice"


def test_issuer_is_nobody_without_its_keys() -> None:
    with pytest.raises(Unauthenticated):
        verify(issued(), Trust(SECRET))


def test_issuer_and_audience_matter_only_where_they_are_set() -> None:
    keys = trust(SECRET).keys
    other = issued(iss="https://other.example", aud="other")
    assert verify(other, Trust(SECRET, keys)).uid == "alice"
    with pytest.raises(Unauthenticated):
        verify(other, Trust(SECRET, keys, issuer=ISSUER))
    with pytest.raises(Unauthenticated):
        verify(other, Trust(SECRET, keys, audience=AUDIENCE))


def test_our_own_tokens_need_no_issuer() -> None:
    token = signed({"sub": "alice", "iss": "us", "aud": "us", "exp": now() + 60})
    assert verify(token, trust(SECRET)).uid == "alice"


def test_keys_that_a_token_brings_are_not_looked_at() -> None:
    """Of a good token they change nothing; nobody is asked for them."""
    claims = {"sub": "alice", "exp": now() + 60}
    headers = {"jku": "https://attacker.example", "x5u": 7, "jwk": {"kty": "oct"}}
    token = signed(claims, headers=headers)
    assert verify(token, trust(SECRET)).uid == "alice"


def test_worker_is_none_by_an_issuer_s_word() -> None:
    token = issued(role="worker")
    with pytest.raises(Unauthenticated):
        verify_worker(token, SECRET)


def test_token_says_what_it_lacks_where_that_helps() -> None:
    with pytest.raises(Unauthenticated, match="has expired"):
        verify(signed({"sub": "alice", "exp": now() - 60}), trust(SECRET))
    with pytest.raises(Unauthenticated, match="too long"):
        verify("a" * (TOKEN_MAX_LENGTH + 1), trust(SECRET))
    with pytest.raises(Unauthenticated, match=r"POST /v1/tokens"):
        verify(API_KEY_PREFIX + "default.key_1.x", trust(SECRET))


def test_secret_of_a_trust_is_not_printed() -> None:
    assert SECRET not in repr(trust(SECRET))


def test_user_s_token_is_the_user_s() -> None:
    alice = Principal("acme", "alice")
    token = user_token(SECRET, alice, now() + 60, "phone")
    assert verify(token, Trust(SECRET)) == alice
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["device_type"] == "phone"
    plain = jwt.decode(
        user_token(SECRET, alice, now() + 60), options={"verify_signature": False}
    )
    assert "device_type" not in plain


def test_api_key_is_told_where_to_go() -> None:
    key = {"x-api-key": "parley.default.key_0123456789abcdef.secret"}
    for is_open in (False, True):
        with pytest.raises(Unauthenticated, match=r"POST /v1/tokens"):
            admit(key, {}, Trust(SECRET), is_open=is_open)


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
        verify(token, Trust(SECRET))


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
    assert admit({"authorization": f"Bearer {token}"}, {}, Trust(SECRET)) == alice
    assert admit({}, {"token": token}, Trust(SECRET), is_open=True) == alice
    with pytest.raises(Unauthenticated):
        admit({}, {"token": "none"}, Trust(SECRET), is_open=True)


def test_admit_whom_the_query_names_only_where_it_is_open() -> None:
    with pytest.raises(Unauthenticated, match="required"):
        admit({}, {"uid": "bob"}, Trust(SECRET))
    found = admit({}, {"uid": "b" * 100}, Trust(SECRET), is_open=True)
    assert found == Principal("default", "b" * 64, Role.ADMIN)
    assert admit({}, {}, Trust(SECRET), is_open=True).uid == NOBODY
