"""STUN and TURN servers, and credentials as coturn checks them."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from chalicelib.protocol.ice import (
    CREDENTIAL_SECONDS,
    DEFAULT_STUN_URL,
    InvalidIceSettings,
    ice_servers,
)

NOW = 1_700_000_000
STUN = {"urls": ["stun:stun.example:3478"], "username": None, "credential": None}


def test_one_public_stun_server_when_nothing_is_said() -> None:
    expected = {"urls": [DEFAULT_STUN_URL], "username": None, "credential": None}
    assert ice_servers({}).render("alice", NOW) == [expected]


def test_list_is_taken_as_it_stands() -> None:
    turn = {
        "urls": ["turn:turn.example:3478?transport=tcp", "turns:turn.example:5349"],
        "username": "u",
        "credential": "c",
    }
    text = json.dumps([{"urls": "stun:stun.example:3478"}, turn])
    found = ice_servers({"ICE_SERVERS": text, "STUN_URLS": "stun:other:1"})
    assert found.render("alice", NOW) == [STUN, turn]
    assert ice_servers({"ICE_SERVERS": "[]"}).render("alice", NOW) == []


def test_stun_urls_are_one_entry() -> None:
    found = ice_servers({"STUN_URLS": " stun:stun.example:3478 , "})
    assert found.render("alice", NOW) == [STUN]


@pytest.mark.covers(
    "GET /iceservers.username",
    "GET /iceservers.credential",
    "note ICE from the environment",
)
def test_turn_credential_is_coturn_s() -> None:
    found = ice_servers(
        {
            "STUN_URLS": "stun:stun.example:3478",
            "TURN_URLS": "turn:turn.example:3478,turns:turn.example:5349",
            "TURN_SECRET": "north",
        }
    )
    stun, turn = found.render("alice", NOW)
    assert stun == STUN
    assert turn["urls"] == ["turn:turn.example:3478", "turns:turn.example:5349"]
    assert turn["username"] == f"{NOW + CREDENTIAL_SECONDS}:alice"
    key = hmac.new(b"north", turn["username"].encode(), hashlib.sha1).digest()
    assert turn["credential"] == base64.b64encode(key).decode()
    assert "north" not in repr(found)


def test_own_turn_servers_need_no_public_stun_server() -> None:
    variables = {"TURN_URLS": "turn:turn.example:3478", "TURN_SECRET": "north"}
    (turn,) = ice_servers(variables).render("bob", NOW)
    assert turn["username"].endswith(":bob")


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"TURN_URLS": "turn:turn.example"}, "TURN_SECRET"),
        ({"STUN_URLS": "http://stun.example"}, "STUN_URLS"),
        ({"STUN_URLS": "turn:turn.example"}, "STUN_URLS"),
        ({"TURN_URLS": "stun:a b", "TURN_SECRET": "s"}, "TURN_URLS"),
        ({"ICE_SERVERS": "stun:stun.example"}, "ICE_SERVERS"),
        ({"ICE_SERVERS": "{}"}, "ICE_SERVERS"),
        ({"ICE_SERVERS": "[" * 100_000}, "ICE_SERVERS"),
    ],
)
def test_what_cannot_be_is_named(variables: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidIceSettings, match=name):
        ice_servers(variables)


@pytest.mark.parametrize(
    "server",
    [
        "stun:stun.example",
        {},
        {"urls": []},
        {"urls": [1]},
        {"urls": 1},
        {"urls": ["http://stun.example"]},
        {"urls": "stun:stun.example", "username": 1},
        {"urls": "stun:stun.example", "credential": {}},
    ],
)
def test_server_that_is_none_is_refused(server: Any) -> None:
    with pytest.raises(InvalidIceSettings, match="ICE_SERVERS"):
        ice_servers({"ICE_SERVERS": json.dumps([server])})
