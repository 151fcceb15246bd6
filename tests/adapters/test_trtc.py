"""TRTC's tickets are those of Tencent's own package."""

import base64
import json
import time
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from TLSSigAPIv2 import TLSSigAPIv2

from chalicelib.adapters.providers.trtc import TICKET_SECONDS, Trtc
from tests.builders import create, play

SDK_APP_ID = 1400000000
KEY = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
NOW = 1_700_000_000
TRTC = Trtc(SDK_APP_ID, KEY)

USER_SIG = "SNF4FmVCPucoXsBOpbVF3fFCf57JPm0ezZ1jeVILlVc="
USERBUF = "0000077869616f6a756e53724e000000271065554280000000ff00000000"
PRIVATE_MAP_KEY = "m5WPLBP4ZpMhjE/+GSzmHQEKbLMxsvWih1uhJTQ0sPw="

uids = st.text("abcdefghijklmnopqrstuvwxyzABC_-0123456789йщ会", min_size=1, max_size=64)


def unpacked(ticket: str) -> dict[str, Any]:
    assert not set("+/=") & set(ticket)
    standard = ticket.translate(str.maketrans("*-_", "+/="))
    fields: dict[str, Any] = json.loads(
        zlib.decompress(base64.b64decode(standard, validate=True))
    )
    return fields


def test_user_sig_is_the_known_one() -> None:
    ticket = TRTC.ticket(10000, "xiaojun", NOW * 1000)
    assert unpacked(ticket.user_sig) == {
        "TLS.ver": "2.0",
        "TLS.identifier": "xiaojun",
        "TLS.sdkappid": SDK_APP_ID,
        "TLS.expire": 86400,
        "TLS.time": NOW,
        "TLS.sig": USER_SIG,
    }


def test_private_map_key_is_the_known_one() -> None:
    fields = unpacked(TRTC.ticket(10000, "xiaojun", NOW * 1000).private_map_key)
    assert base64.b64decode(fields["TLS.userbuf"]).hex() == USERBUF
    assert fields["TLS.sig"] == PRIVATE_MAP_KEY


@given(
    uid=uids,
    room=st.integers(1, 2**31 - 1),
    now=st.integers(NOW, NOW + 10**9),
    seconds=st.integers(60, TICKET_SECONDS),
)
def test_tickets_are_those_of_tencents_package(
    uid: str, room: int, now: int, seconds: int
) -> None:
    ticket = TRTC.ticket(room, uid, now * 1000 + 999, seconds)
    oracle = TLSSigAPIv2(SDK_APP_ID, KEY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: float(now))
        assert unpacked(ticket.user_sig) == unpacked(oracle.gen_sig(uid, seconds))
        mine = unpacked(ticket.private_map_key)
        userbuf = base64.b64decode(mine["TLS.userbuf"])
        theirs = oracle.gen_sig_with_userbuf(uid, seconds, userbuf)
    assert mine == unpacked(theirs)
    name = uid.encode()
    assert userbuf[3 : 3 + len(name)] == name
    numbers = [userbuf[place:][:4] for place in range(3 + len(name), len(userbuf), 4)]
    assert [int.from_bytes(number) for number in numbers] == [
        SDK_APP_ID,
        room,
        now + seconds,
        255,
        0,
    ]


def test_credentials_are_a_ticket_for_the_calls_number() -> None:
    call = play(create())
    credentials = TRTC.credentials(call, "bob", "web", NOW * 1000)
    ticket = TRTC.ticket(call.room_number, "bob", NOW * 1000)
    assert credentials.room == call.room_number
    assert credentials.token == ticket.user_sig
    assert credentials.more == {
        "sdkAppId": SDK_APP_ID,
        "userSig": ticket.user_sig,
        "privateMapKey": ticket.private_map_key,
    }
    short = TRTC.credentials(call, "bob", "web", NOW * 1000, 60)
    assert unpacked(short.token)["TLS.expire"] == 60


def test_nothing_secret_is_shown() -> None:
    credentials = TRTC.credentials(play(create()), "bob", "web", NOW * 1000)
    ticket = TRTC.ticket(1, "bob", NOW * 1000)
    for shown in (repr(TRTC), repr(credentials), repr(ticket)):
        assert KEY not in shown and credentials.token not in shown
        assert ticket.private_map_key not in shown
