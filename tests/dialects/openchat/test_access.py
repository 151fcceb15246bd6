"""OpenChat's tokens, connections and providers."""

from typing import Any

import jwt
import pytest

from chalicelib.dialects.openchat.tickets import Ticket
from chalicelib.protocol.vocabulary import Role
from tests.builders import NOW_MS
from tests.dialects.conftest import (
    JWT_SECRET,
    LIVEKIT_SECRET,
    VARIABLES,
    Reply,
    install,
    token,
)
from tests.dialects.openchat.clients import ROOMS, RTC, Rooms, assert_refused, data_of

TOKENS = f"{RTC}/tokens"
PROVIDERS = ("p2p", "livekit", "tencent")
each = pytest.mark.parametrize("provider", PROVIDERS)


def make(rooms: Rooms, room_id: str, uid: str = "bob", **body: Any) -> Reply:
    return rooms.api.post(TOKENS, {"roomId": room_id, **body}, uid)


def validate(rooms: Rooms, token: str, uid: str = "bob", **how: Any) -> Any:
    reply = rooms.api.post(f"{TOKENS}/validate", {"token": token}, uid, **how)
    assert reply.status == 201
    return data_of(reply)


class TestMake:
    @each
    def test_token_is_the_providers_and_says_until_when(
        self, rooms: Rooms, provider: str
    ) -> None:
        room_id = rooms.begin(provider=provider, channelId="c1")
        reply = make(rooms, room_id, expireSeconds=3600)
        row = data_of(reply)
        media = row.pop("media")
        assert reply.status == 201
        assert row.pop("token") == (media["token"] or reply.json["token"]) != ""
        assert row.pop("id") == row.pop("uuid") != ""
        assert row == {
            "roomId": room_id,
            "userId": "bob",
            "channelId": "c1",
            "provider": provider,
            "role": "participant",
            "metadata": {},
            "expiresAt": "2023-11-14T23:13:20Z",
            "createdAt": "2023-11-14T22:13:20Z",
        }

    @each
    def test_token_lasts_two_hours_unless_it_is_asked_otherwise(
        self, rooms: Rooms, provider: str
    ) -> None:
        row = data_of(make(rooms, rooms.begin(provider=provider)))
        assert row["expiresAt"] == "2023-11-15T00:13:20Z"

    def test_livekit_s_own_time_is_what_is_told(self, rooms: Rooms) -> None:
        room_id = rooms.begin(provider="livekit")
        row = data_of(make(rooms, room_id, expireSeconds=60))
        claims = jwt.decode(
            row["token"],
            LIVEKIT_SECRET,
            algorithms=["HS256"],
            options={"verify_exp": False},
        )
        assert claims["exp"] == NOW_MS // 1000 + 60

    def test_token_of_a_room_that_is_no_more(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "end")
        for gone in (room_id, "nowhere"):
            reply = make(rooms, gone)
            assert_refused(reply, 404, "SYS_001", "Room not found or inactive")

    def test_token_of_who_is_not_in(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob", "carol")
        assert_refused(make(rooms, room_id, "mallory"), 403, "AUTH_005")
        rooms.act(room_id, "leave", "bob")
        assert_refused(make(rooms, room_id, "bob"), 403, "AUTH_005")

    def test_token_for_another_is_for_servers(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        reply = make(rooms, room_id, "alice", userId="bob")
        assert_refused(reply, 403, "AUTH_005")
        body = {"roomId": room_id, "userId": "bob"}
        reply = rooms.api.post(TOKENS, body, "backend", role=Role.SERVER)
        assert data_of(reply)["userId"] == "bob"

    def test_provider_must_be_the_rooms(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        assert make(rooms, room_id, provider="p2p").status == 201
        reply = make(rooms, room_id, provider="livekit")
        assert_refused(reply, 400, "VAL_001", "provider must be p2p")

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            ({}, "roomId should not be empty"),
            ({"roomId": 7}, "roomId must be a string"),
            ({"roomId": "r", "uid": "bob"}, "property uid should not exist"),
            ({"roomId": "r", "role": "r" * 33}, "role must be shorter than"),
            ({"roomId": "r", "expireSeconds": 59}, "must not be less than 60"),
            ({"roomId": "r", "expireSeconds": 86_401}, "must not be greater than"),
            ({"roomId": "r", "provider": "alibaba"}, "provider must be one of"),
            ({"roomId": "r", "channelId": 7}, "channelId must be a string"),
        ],
    )
    def test_wrong_field_is_told(
        self, rooms: Rooms, body: dict[str, Any], complaint: str
    ) -> None:
        assert_refused(rooms.api.post(TOKENS, body), 400, "VAL_001", complaint)


class TestValidate:
    @each
    def test_made_token_is_valid(self, rooms: Rooms, provider: str) -> None:
        room_id = rooms.begin(provider=provider)
        row = data_of(make(rooms, room_id))
        assert validate(rooms, row["token"]) == {
            "valid": True,
            "roomId": room_id,
            "userId": "bob",
            "provider": provider,
            "channelId": None,
            "role": "participant",
            "expiresAt": row["expiresAt"],
        }

    @each
    def test_token_of_the_join_is_valid(self, rooms: Rooms, provider: str) -> None:
        room_id = rooms.begin(provider=provider)
        joined = rooms.act(room_id, "join", "bob").json
        assert validate(rooms, joined["token"])["roomId"] == room_id

    def test_role_is_told_again(self, rooms: Rooms) -> None:
        made = data_of(make(rooms, rooms.begin(), role="observer"))
        assert made["role"] == "observer"
        assert validate(rooms, made["token"])["role"] == "observer"

    @each
    def test_old_token_is_not(self, rooms: Rooms, provider: str) -> None:
        room_id = rooms.begin(provider=provider)
        rooms.act(room_id, "join", "bob")
        made = data_of(make(rooms, room_id, expireSeconds=60))
        rooms.api.clock.pass_ms(59_999)
        assert validate(rooms, made["token"])["valid"] is True
        rooms.api.clock.pass_ms(1)
        assert validate(rooms, made["token"]) == {"valid": False}

    @each
    def test_token_of_a_room_that_is_over_is_not(
        self, rooms: Rooms, provider: str
    ) -> None:
        room_id = rooms.begin(provider=provider)
        made = data_of(make(rooms, room_id))
        rooms.act(room_id, "end")
        assert validate(rooms, made["token"]) == {"valid": False}

    def test_trtc_s_token_is_for_the_room_that_the_user_is_in(
        self, rooms: Rooms
    ) -> None:
        first = rooms.begin(provider="tencent")
        made = data_of(make(rooms, first))
        rooms.act(first, "end")
        rooms.begin(provider="p2p")
        assert validate(rooms, made["token"]) == {"valid": False}

    @pytest.mark.parametrize("text", ["", "nonsense", "ü", "t" * 8192, "a.b.c"])
    def test_nonsense_is_not(self, rooms: Rooms, text: str) -> None:
        assert validate(rooms, text) == {"valid": False}

    def test_token_that_logs_in_is_no_token_of_a_room(self, rooms: Rooms) -> None:
        rooms.begin()
        assert validate(rooms, token("bob")) == {"valid": False}

    def test_token_of_a_room_logs_nobody_in(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        made = data_of(make(rooms, room_id))
        headers = {"authorization": f"Bearer {made['token']}"}
        reply = rooms.api.get(f"{ROOMS}/{room_id}", None, headers=headers)
        assert_refused(reply, 401, "AUTH_004")

    def test_token_of_a_room_that_never_was_is_not(self, rooms: Rooms) -> None:
        ticket = Ticket("default", "nowhere", "bob", "participant", NOW_MS + 60_000)
        assert validate(rooms, ticket.render(JWT_SECRET)) == {"valid": False}

    @each
    def test_token_of_another_tenant_is_not(self, rooms: Rooms, provider: str) -> None:
        made = data_of(make(rooms, rooms.begin(provider=provider)))
        assert validate(rooms, made["token"], tenant="acme") == {"valid": False}

    def test_token_is_for_members_and_servers_to_ask_about(self, rooms: Rooms) -> None:
        made = data_of(make(rooms, rooms.begin()))["token"]
        assert validate(rooms, made, "alice")["valid"] is True
        assert validate(rooms, made, "backend", role=Role.SERVER)["valid"] is True
        reply = rooms.api.post(f"{TOKENS}/validate", {"token": made}, "mallory")
        assert_refused(reply, 403, "AUTH_005")

    def test_query_asks_the_same(self, rooms: Rooms) -> None:
        made = data_of(make(rooms, rooms.begin()))["token"]
        path = f"{TOKENS}/validate"
        reply = rooms.api.get(path, "bob", query=f"token={made}")
        assert (reply.status, data_of(reply)["valid"]) == (200, True)
        assert data_of(rooms.api.get(path, "bob")) == {"valid": False}

    def test_token_that_is_asked_about_does_not_ask(self, rooms: Rooms) -> None:
        query = f"token={token('bob')}"
        reply = rooms.api.get(f"{TOKENS}/validate", None, query=query)
        assert_refused(reply, 401, "AUTH_004")

    @pytest.mark.parametrize("body", [{"token": 7}, {"token": "a", "x": 1}])
    def test_wrong_body_is_refused(self, rooms: Rooms, body: dict[str, Any]) -> None:
        reply = rooms.api.post(f"{TOKENS}/validate", body)
        assert_refused(reply, 400, "VAL_001")

    def test_body_without_a_token_is_a_question_about_none(self, rooms: Rooms) -> None:
        reply = rooms.api.post(f"{TOKENS}/validate", None)
        assert data_of(reply) == {"valid": False}

    def test_livekit_may_be_absent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        without = {k: v for k, v in VARIABLES.items() if not k.startswith("LIVEKIT")}
        production = {**without, "PARLEY_ENV": "production"}
        rooms = Rooms(install(monkeypatch, production))
        for provider in PROVIDERS:
            room_id = rooms.begin(provider=provider)
            made = data_of(make(rooms, room_id))
            assert made["media"].get("error") or provider == "p2p"
            assert validate(rooms, made["token"])["valid"] is True
            rooms.act(room_id, "end")


class TestConnection:
    @each
    def test_connection_is_all_that_a_client_begins_with(
        self, rooms: Rooms, provider: str
    ) -> None:
        room_id = rooms.begin(provider=provider)
        path = f"{ROOMS}/{room_id}/connection"
        reply = rooms.api.post(path, {"role": "host", "expireSeconds": "60"}, "bob")
        found = data_of(reply)
        config, made = found["providerConfig"], found["rtcToken"]
        assert reply.status == 201
        assert found["room"]["id"] == room_id
        assert config["token"] == made["token"] != ""
        assert (config["provider"], config["businessRoomId"]) == (provider, room_id)
        assert (config["role"], config["expiresAt"]) == ("host", made["expiresAt"])
        assert made["expiresAt"] == "2023-11-14T22:14:20Z"
        media = made["media"]
        assert config["providerRoomId"] == media["roomId"]
        assert config["endpoint"] == media["url"]
        assert config["appId"] == media.get("sdkAppId")
        assert {**media, **config["extras"]} == media
        assert validate(rooms, config["token"])["userId"] == "bob"

    def test_connection_needs_no_body(self, rooms: Rooms) -> None:
        path = f"{ROOMS}/{rooms.begin()}/connection"
        assert rooms.api.post(path, None, "bob").status == 201
        assert_refused(rooms.api.post(path, {"roomId": "r"}), 400, "VAL_001")

    def test_connection_is_for_members_of_a_room_that_is_on(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        path = f"{ROOMS}/{room_id}/connection"
        assert_refused(rooms.api.post(path, None, "mallory"), 403, "AUTH_005")
        rooms.act(room_id, "end")
        assert_refused(rooms.api.post(path, None, "bob"), 404, "SYS_001")
        reply = rooms.api.post(f"{ROOMS}/{'r' * 5000}/connection", None)
        assert_refused(reply, 404, "SYS_001")


class TestProviders:
    def test_providers_are_listed_with_the_default(self, rooms: Rooms) -> None:
        found = data_of(rooms.api.get(f"{RTC}/providers/capabilities"))
        assert found == {
            "defaultProvider": "p2p",
            "providers": [
                {"provider": "livekit", "configured": True, "default": False},
                {"provider": "tencent", "configured": True, "default": False},
                {"provider": "p2p", "configured": True, "default": True},
            ],
        }

    def test_provider_that_is_not_set_up_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without = {k: v for k, v in VARIABLES.items() if not k.startswith("LIVEKIT")}
        rooms = Rooms(install(monkeypatch, without))
        found = data_of(rooms.api.get(f"{RTC}/providers/capabilities"))
        assert found["providers"][0]["configured"] is False


class TestTickets:
    TICKET = Ticket("default", "r1", "bob", "participant", NOW_MS)

    def test_ticket_goes_both_ways(self) -> None:
        text = self.TICKET.render(JWT_SECRET)
        assert Ticket.parse(text, JWT_SECRET) == self.TICKET

    def test_ticket_of_another_secret_is_none(self) -> None:
        assert Ticket.parse(self.TICKET.render("another"), JWT_SECRET) is None

    def test_endless_ticket_is_none(self) -> None:
        assert Ticket.parse("t" * 8193, JWT_SECRET) is None
