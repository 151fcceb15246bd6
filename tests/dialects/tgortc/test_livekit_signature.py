"""Whose webhooks are believed: those that LiveKit's own library signs, whole."""

import base64
import hashlib
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.api import AccessToken, TokenVerifier, VideoGrants, WebhookReceiver
from livekit.protocol.models import Room
from livekit.protocol.webhook import WebhookEvent

from chalicelib.adapters.clock import SystemClock
from chalicelib.dialects.tgortc.livekit import verify
from chalicelib.protocol.tokens import Unauthenticated
from tests.peers.fake_livekit import API_KEY, API_SECRET, FakeLiveKit

BODY = b'{"event":"room_started","room":{"name":"call-1"}}'
OTHER_SECRET = "another-secret-of-at-least-thirty-two-bytes"


def claims(**changes: Any) -> dict[str, Any]:
    """What LiveKit signs of `BODY`; a change to None leaves the claim out."""
    now = SystemClock().now_ms() // 1000
    made = {
        "iss": API_KEY,
        "nbf": now,
        "exp": now + 300,
        "sha256": base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
        **changes,
    }
    return {name: value for name, value in made.items() if value is not None}


def signed(secret: str = API_SECRET, **changes: Any) -> str:
    return jwt.encode(claims(**changes), secret, algorithm="HS256")


def check(authorization: str | None, body: bytes = BODY) -> None:
    verify(authorization, body, API_KEY, API_SECRET)


def test_verify_believes_livekits_own_signature() -> None:
    event = WebhookEvent(event="room_started", id="EV_1", room=Room(name="bób's"))
    headers, body = FakeLiveKit.signed(event)
    receiver = WebhookReceiver(TokenVerifier(API_KEY, API_SECRET))
    assert receiver.receive(body.decode(), headers["Authorization"]) == event
    check(headers["Authorization"], body)


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer  ", " "])
def test_verify_takes_the_token_with_or_without_its_scheme(prefix: str) -> None:
    check(prefix + signed())


@pytest.mark.parametrize("authorization", [None, "", " ", "Bearer", "Bearer  "])
def test_verify_needs_a_token(authorization: str | None) -> None:
    with pytest.raises(Unauthenticated, match="must be"):
        check(authorization)


def test_verify_takes_the_hash_in_hexadecimal() -> None:
    check(signed(sha256=hashlib.sha256(BODY).hexdigest()))


@pytest.mark.parametrize("body", [b"", BODY + b" ", BODY.replace(b"1", b"2")])
def test_verify_refuses_another_body(body: bytes) -> None:
    with pytest.raises(Unauthenticated, match="not for this body"):
        check(signed(), body)


@pytest.mark.parametrize("sha256", [None, "", 7, [], "é", "\ud800", "e30="])
def test_verify_refuses_a_token_that_names_no_body(sha256: object) -> None:
    with pytest.raises(Unauthenticated, match="not for this body"):
        check(signed(sha256=sha256))


def test_verify_refuses_a_clients_join_token() -> None:
    grants = VideoGrants(room_join=True, room="call-1", room_admin=True)
    token = AccessToken(API_KEY, API_SECRET).with_identity("bob").with_grants(grants)
    with pytest.raises(Unauthenticated, match="not for this body"):
        check(token.to_jwt())


def test_verify_allows_a_minute_between_clocks() -> None:
    now = SystemClock().now_ms() // 1000
    check(signed(exp=now - 30))
    check(signed(nbf=now + 30))
    with pytest.raises(Unauthenticated, match="expired"):
        check(signed(exp=now - 90))
    with pytest.raises(Unauthenticated, match="not valid"):
        check(signed(nbf=now + 90))


@pytest.mark.parametrize("changes", [{"iss": "otherkey"}, {"iss": None}, {"exp": None}])
def test_verify_refuses_other_claims(changes: dict[str, Any]) -> None:
    with pytest.raises(Unauthenticated, match="not valid"):
        check(signed(**changes))


def test_verify_refuses_other_keys_and_algorithms() -> None:
    unsigned = jwt.encode(claims(), "", algorithm="none")
    longer = jwt.encode(claims(), API_SECRET * 2, algorithm="HS512")
    for token in (signed(OTHER_SECRET), unsigned, longer):
        with pytest.raises(Unauthenticated, match="not valid"):
            check(token)


@pytest.mark.parametrize(
    "token", ["a.b.c", "\ud800", "é.é.é", "x" * 8193, "Basic a.b.c"]
)
def test_verify_refuses_what_is_no_token(token: str) -> None:
    with pytest.raises(Unauthenticated, match="not valid"):
        check(token)


@given(authorization=st.none() | st.text(), body=st.binary())
def test_verify_never_fails_otherwise(authorization: str | None, body: bytes) -> None:
    with pytest.raises(Unauthenticated):
        check(authorization, body)
