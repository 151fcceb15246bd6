"""Join tokens, as livekit-api's own verifier reads them."""

import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.api import TokenVerifier

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.providers.livekit import LiveKit, call_of, room_name
from chalicelib.protocol.claims import TENANT
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


@pytest.mark.parametrize(
    ("tenant", "call_id", "room"),
    [
        ("default", "call-1", "call-1"),
        ("acme", "call-1", "acme.call-1"),
        ("acme", "a.b", "acme.a.b"),
        ("default", "acme.call-1", "default.acme.call-1"),
        ("default", "default.call-1", "default.default.call-1"),
        ("default", ".", "default.."),
    ],
)
def test_room_names_its_call_alone(tenant: str, call_id: str, room: str) -> None:
    assert room_name(tenant, call_id) == room
    assert call_of(room) == (tenant, call_id)


@pytest.mark.parametrize("room", ["", ".", ".call-1", "acme.", "a b.c", "default.c"])
def test_room_of_something_else_names_no_call(room: str) -> None:
    assert call_of(room) is None


TENANTS = st.just("default") | st.from_regex(TENANT, fullmatch=True)
CALL_IDS = st.text(st.sampled_from(".ac-1é d"), min_size=1, max_size=40)


@given(tenant=TENANTS, call_id=CALL_IDS | st.builds("{}.{}".format, TENANTS, CALL_IDS))
def test_no_two_calls_share_a_room(tenant: str, call_id: str) -> None:
    """A room's name leads back to the call that it was made of, and to no other."""
    room = room_name(tenant, call_id)
    assert call_of(room) == (tenant, call_id)
    assert tenant == "default" or room == f"{tenant}.{call_id}"
