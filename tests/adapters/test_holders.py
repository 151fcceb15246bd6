"""Tokens that we minted are known again, and no others."""

import base64
import json
import zlib
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.providers import holders
from chalicelib.adapters.providers.livekit import LiveKit
from chalicelib.adapters.providers.trtc import ALPHABET, TICKET_SECONDS, Trtc
from tests.builders import NOW_MS, create, play

KEY, SECRET = "devkey", "a-livekit-secret-of-at-least-thirty-two-bytes"
CALL = play(create())
MINTER = Trtc(1400000000, "a-trtc-secret-key")


def livekit_token(**changes: Any) -> str:
    claims = {
        "iss": KEY,
        "sub": "bob",
        "exp": 1,
        "video": {"room": "call-1"},
        **changes,
    }
    return jwt.encode(claims, SECRET, algorithm="HS256")


def user_sig(document: Any) -> str:
    packed = zlib.compress(json.dumps(document).encode())
    return base64.b64encode(packed).decode().translate(ALPHABET)


class TestLiveKit:
    def test_own_token_names_its_user_and_call(self) -> None:
        minter = LiveKit("wss://media.example", KEY, SECRET)
        token = minter.credentials(CALL, "bob", "web", NOW_MS, 60).token
        holder = holders.of_livekit(token, KEY, SECRET)
        place = ("default", "call-1")
        assert holder == holders.Holder("bob", place, NOW_MS + 60_000)

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "nonsense",
            livekit_token() + "x",
            livekit_token(iss="somebody"),
            livekit_token(sub=7),
            livekit_token(exp="soon"),
            livekit_token(exp=None),
            livekit_token(video=None),
            livekit_token(video={}),
            livekit_token(video={"room": 7}),
            livekit_token(video={"room": "no/tenant.call"}),
        ],
    )
    def test_other_tokens_are_nobodys(self, token: str) -> None:
        assert holders.of_livekit(token, KEY, SECRET) is None

    def test_token_of_another_secret_is_nobodys(self) -> None:
        assert holders.of_livekit(livekit_token(), KEY, SECRET[::-1]) is None


class TestTrtc:
    @pytest.mark.parametrize(("asked", "seconds"), [(None, TICKET_SECONDS), (60, 60)])
    def test_own_user_sig_names_its_user(self, asked: int | None, seconds: int) -> None:
        token = MINTER.credentials(CALL, "bob", "", NOW_MS, asked).token
        holder = holders.of_trtc(token, MINTER)
        assert holder == holders.Holder("bob", None, NOW_MS + seconds * 1000)

    def test_user_sig_of_another_key_is_nobodys(self) -> None:
        token = MINTER.user_sig("bob", 1, 60)
        assert holders.of_trtc(token, Trtc(1400000000, "another")) is None
        assert holders.of_trtc(token, Trtc(1400000001, "a-trtc-secret-key")) is None

    @pytest.mark.parametrize(
        "document",
        [
            [],
            {},
            {"TLS.identifier": "bob", "TLS.time": 1, "TLS.expire": 60},
            {"TLS.identifier": 7, "TLS.time": 1, "TLS.expire": 60},
            {"TLS.identifier": "bob", "TLS.time": True, "TLS.expire": 60},
            {"TLS.identifier": "bob", "TLS.time": 1, "TLS.expire": "60"},
            {"TLS.identifier": "\ud800", "TLS.time": 1, "TLS.expire": 60},
            {"TLS.identifier": "bob", "TLS.time": -(2**70), "TLS.expire": 2**70},
        ],
    )
    def test_document_without_a_signature_of_ours_is_nobodys(
        self, document: Any
    ) -> None:
        assert holders.of_trtc(user_sig(document), MINTER) is None

    def test_bomb_is_not_unpacked(self) -> None:
        packed = zlib.compress(b" " * 10_000_000)[: holders.TOKEN_MAX_LENGTH]
        text = base64.b64encode(packed).decode().translate(ALPHABET)
        assert holders.of_trtc(text, MINTER) is None


@given(st.text(max_size=60))
def test_any_text_is_nobodys_token(text: str) -> None:
    assert holders.of_livekit(text, KEY, SECRET) is None
    assert holders.of_trtc(text, MINTER) is None
