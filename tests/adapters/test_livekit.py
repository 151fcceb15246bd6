"""Join tokens, as livekit-api's own verifier reads them."""

import json

import jwt
import pytest
from livekit.api import TokenVerifier

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.providers.livekit import LiveKit
from tests.builders import RING_SECONDS, create, play

SECRET = "a-secret-of-at-least-thirty-two-bytes"


def now_ms() -> int:
    return SystemClock().now_ms()


@pytest.mark.parametrize(
    ("tenant", "room"), [("default", "call-1"), ("acme", "acme.call-1")]
)
def test_token_admits_one_user_to_one_room(tenant: str, room: str) -> None:
    call = play(create(tenant=tenant))
    at_ms = now_ms()
    credentials = LiveKit("wss://media.example", "devkey", SECRET).credentials(
        call, "bob", "web", at_ms
    )
    claims = TokenVerifier("devkey", SECRET).verify(credentials.token)
    assert credentials.url == "wss://media.example"
    assert credentials.room == room
    assert claims.identity == "bob"
    assert claims.video is not None
    assert claims.video.room == room and claims.video.room_join
    assert not claims.video.room_create and not claims.video.room_admin
    assert json.loads(claims.metadata) == {"device_type": "web"}


def test_token_outlives_the_ring_by_five_minutes() -> None:
    at_ms = now_ms()
    credentials = LiveKit("wss://media.example", "devkey", SECRET).credentials(
        play(create()), "bob", "", at_ms
    )
    claims = jwt.decode(credentials.token, options={"verify_signature": False})
    assert claims["exp"] - at_ms // 1000 == RING_SECONDS + 300


def test_token_is_not_printed() -> None:
    credentials = LiveKit("wss://media.example", "devkey", SECRET).credentials(
        play(create()), "bob", "", now_ms()
    )
    assert credentials.token not in repr(credentials)
