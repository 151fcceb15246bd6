"""TgoRTC's endpoints, as its clients meet them."""

import json
from typing import Any

import jwt
import pytest

from chalicelib.protocol.vocabulary import Role
from chalicelib.services import ports
from tests.builders import RING_MS
from tests.dialects.conftest import (
    LIVEKIT_SECRET,
    VARIABLES,
    Api,
    install,
    token,
)

ROOMS = "/api/v1/rooms"
ENGLISH = {"x-language": "en-US"}
CREATE: dict[str, Any] = {
    "creator": "alice",
    "device_type": "app",
    "room_id": "room-1",
    "rtc_type": 1,
    "invite_on": 1,
    "max_participants": 2,
    "uids": ["bob"],
}


def create(api: Api, **changes: Any) -> Any:
    return api.post(ROOMS, {**CREATE, **changes})


def join(api: Api, uid: str, room_id: str = "room-1", **how: Any) -> Any:
    body = {"uid": uid, "device_type": "web"}
    return api.post(f"{ROOMS}/{room_id}/join", body, uid, **how)


def leave(api: Api, uid: str, room_id: str = "room-1", **how: Any) -> Any:
    return api.post(f"{ROOMS}/{room_id}/leave", {"uid": uid}, uid, **how)


def test_health_needs_no_token(api: Api) -> None:
    reply = api.get("/health", uid=None)
    assert (reply.status, reply.json) == (200, {"status": "ok"})


class TestCreate:
    def test_create_answers_the_contracts_room(self, api: Api) -> None:
        reply = create(api)
        room = reply.json
        assert reply.status == 200
        media = room.pop("media")
        claims = jwt.decode(
            room.pop("token"),
            LIVEKIT_SECRET,
            algorithms=["HS256"],
            options={"verify_exp": False},
        )
        assert claims["sub"] == "alice" and claims["video"]["room"] == "room-1"
        assert json.loads(claims["metadata"]) == {"device_type": "app"}
        assert room == {
            "room_id": "room-1",
            "creator": "alice",
            "url": "wss://media.example",
            "status": 0,
            "created_at": "1700000000",
            "max_participants": 2,
            "timeout": 30,
            "rtc_type": 1,
            "uids": ["alice", "bob"],
            "source_channel_id": "",
            "source_channel_type": 0,
        }
        assert media["provider"] == "livekit" and media["roomId"] == "room-1"

    def test_create_with_the_least_has_the_contracts_defaults(self, api: Api) -> None:
        room = api.post(ROOMS, {"creator": "alice", "device_type": "pc"}).json
        assert room["room_id"] and room["max_participants"] == 2
        assert room["rtc_type"] == 0 and room["uids"] == ["alice"]

    def test_create_ignores_fields_that_it_does_not_know(self, api: Api) -> None:
        assert create(api, source_channel_id="x", extra={"a": [1]}).status == 200

    def test_create_drops_empty_and_repeated_uids(self, api: Api) -> None:
        room = create(api, uids=["bob", "", "bob", "alice"]).json
        assert room["uids"] == ["alice", "bob"]

    def test_create_with_a_ring_time_of_its_own(self, api: Api) -> None:
        assert create(api, timeout=5).json["timeout"] == 5

    def test_create_of_a_used_room_is_refused(self, api: Api) -> None:
        create(api)
        reply = create(api, creator="alice", uids=["carol"])
        assert reply.status == 400
        assert reply.json == {"code": 400, "message": "房间已存在: room-1"}

    def test_create_with_a_busy_callee_is_refused(self, api: Api) -> None:
        create(api)
        busy = {**CREATE, "creator": "carol", "room_id": "room-2"}
        reply = api.post(ROOMS, busy, "carol", headers=ENGLISH)
        assert reply.status == 409
        assert reply.json == {
            "code": 409,
            "message": "Participant bob is in a call, cannot invite",
        }

    def test_create_by_a_busy_creator_is_refused(self, api: Api) -> None:
        create(api)
        glare = {**CREATE, "creator": "bob", "room_id": "room-2", "uids": ["alice"]}
        reply = api.post(ROOMS, glare, "bob", query="lang=en-US")
        assert reply.status == 400
        assert "another call" in reply.json["message"]

    def test_create_for_too_many_is_refused(self, api: Api) -> None:
        reply = create(api, uids=["bob", "carol"])
        assert reply.status == 400

    @pytest.mark.parametrize(
        ("changes", "detail"),
        [
            ({"creator": None}, "creator is required"),
            ({"creator": ""}, "creator is required"),
            ({"creator": 7}, "creator must be a string"),
            ({"creator": "a" * 41}, "creator has at most 40 characters"),
            ({"creator": "a\u0000b"}, "creator must be printable"),
            ({"device_type": ""}, "device_type is required"),
            ({"device_type": "d" * 21}, "device_type has at most 20 characters"),
            ({"room_id": "r" * 41}, "room_id has at most 40 characters"),
            ({"room_id": "a/b"}, "room_id must not contain / or %"),
            ({"rtc_type": 2}, "rtc_type must be 0 or 1"),
            ({"rtc_type": "1"}, "rtc_type must be an integer"),
            ({"rtc_type": True}, "rtc_type must be an integer"),
            ({"invite_on": -1}, "invite_on must be 0 or 1"),
            ({"max_participants": 33}, "max_participants is at most 32"),
            ({"max_participants": 2.5}, "max_participants must be an integer"),
            ({"uids": "bob"}, "uids must be a list of strings"),
            ({"uids": [7]}, "uids must be a string"),
            ({"timeout": 4}, "timeout must be from 5 to 180 seconds"),
            ({"timeout": 181}, "timeout must be from 5 to 180 seconds"),
        ],
    )
    def test_create_with_a_wrong_field_names_it(
        self, api: Api, changes: dict[str, Any], detail: str
    ) -> None:
        reply = api.post(
            ROOMS, {**CREATE, **changes}, headers={"accept-language": "en"}
        )
        assert reply.status == 400
        assert reply.json == {"code": 400, "message": f"Invalid parameters: {detail}"}
        assert api.store.calls == {}

    @pytest.mark.parametrize(
        "body",
        ["", "{", "[]", "null", "7", '"text"', '{"a":NaN}', "[" * 100_000],
    )
    def test_create_with_a_body_that_is_no_object_is_refused(
        self, api: Api, body: str
    ) -> None:
        reply = api.post(ROOMS, body)
        assert reply.status == 400 and reply.json["code"] == 400


class TestJoin:
    def test_join_answers_an_active_room_with_a_token_of_its_own(
        self, api: Api
    ) -> None:
        create(api)
        room = join(api, "bob").json
        assert room["status"] == 1 and room["uids"] == ["alice", "bob"]
        claims = jwt.decode(room["token"], options={"verify_signature": False})
        assert claims["sub"] == "bob"
        assert api.events("room-1") == [
            "participant.invited",
            "room.started",
            "participant.joined",
        ]

    def test_join_of_the_creator_first_starts_the_room(self, api: Api) -> None:
        create(api)
        assert join(api, "alice").json["status"] == 1

    def test_join_without_a_device_type_is_welcome(self, api: Api) -> None:
        create(api)
        assert api.post(f"{ROOMS}/room-1/join", {"uid": "bob"}, "bob").status == 200

    def test_join_of_an_unknown_room_is_refused(self, api: Api) -> None:
        reply = join(api, "bob", headers=ENGLISH)
        assert reply.status == 400
        assert reply.json["message"] == "Room not found: room-1"

    def test_join_of_another_tenants_room_is_refused_as_unknown(self, api: Api) -> None:
        create(api)
        reply = join(api, "bob", tenant="acme", headers=ENGLISH)
        assert reply.json["message"] == "Room not found: room-1"

    def test_join_of_the_uninvited_is_refused(self, api: Api) -> None:
        create(api, max_participants=3)
        reply = join(api, "mallory", headers=ENGLISH)
        assert reply.status == 400
        assert "not invited" in reply.json["message"]

    def test_join_of_a_full_room_is_refused(self, api: Api) -> None:
        create(api, invite_on=0)
        reply = join(api, "carol", headers=ENGLISH)
        assert reply.json["message"] == "Room is full, cannot join"

    def test_join_past_the_deadline_is_refused(self, api: Api) -> None:
        create(api)
        api.clock.pass_ms(RING_MS)
        assert join(api, "bob").status == 400
        assert api.events("room-1")[-2:] == ["participant.missed", "room.finished"]


class TestLeave:
    def test_leave_hangs_up(self, api: Api) -> None:
        create(api)
        join(api, "bob")
        join(api, "alice")
        reply = leave(api, "bob")
        assert (reply.status, reply.json) == (200, {})
        assert api.events("room-1")[-3:] == [
            "participant.left",
            "participant.left",
            "room.finished",
        ]

    def test_leave_of_a_finished_room_does_nothing(self, api: Api) -> None:
        create(api)
        leave(api, "bob")
        told = api.events("room-1")
        assert leave(api, "alice").json == {}
        assert leave(api, "stranger").json == {}
        assert api.events("room-1") == told

    def test_leave_of_a_stranger_is_refused(self, api: Api) -> None:
        create(api)
        reply = leave(api, "mallory", headers={"x-language": "fr-FR"})
        assert reply.status == 400
        assert reply.json["message"] == "Participant introuvable : mallory"


class TestInvite:
    INVITE = f"{ROOMS}/room-1/invite"

    def test_invite_rings_more_members(self, api: Api) -> None:
        create(api, max_participants=4)
        reply = api.post(self.INVITE, {"uids": ["carol", "dave", "carol"]}, "bob")
        assert (reply.status, reply.json) == (200, {})
        assert api.events("room-1") == ["participant.invited"] * 2
        assert join(api, "carol").json["uids"] == ["alice", "bob", "carol", "dave"]

    def test_invite_of_nobody_does_nothing(self, api: Api) -> None:
        create(api)
        assert api.post(self.INVITE, {"uids": []}).json == {}
        assert api.events("room-1") == ["participant.invited"]

    @pytest.mark.parametrize("body", [{}, {"uids": None}, {"uids": "bob"}])
    def test_invite_needs_uids(self, api: Api, body: dict[str, Any]) -> None:
        create(api)
        assert api.post(self.INVITE, body).status == 400

    def test_invite_of_hundreds_is_refused(self, api: Api) -> None:
        create(api)
        uids = [f"u{number}" for number in range(101)]
        assert api.post(self.INVITE, {"uids": uids}).status == 400

    def test_invite_into_a_two_person_room_is_refused_as_full(self, api: Api) -> None:
        create(api)
        reply = api.post(self.INVITE, {"uids": ["carol"]}, headers=ENGLISH)
        assert reply.status == 400
        assert reply.json["message"] == "Room is full, cannot join"

    def test_invite_of_the_busy_is_refused(self, api: Api) -> None:
        create(api, max_participants=4)
        other = {**CREATE, "creator": "carol", "room_id": "room-2", "uids": ["dave"]}
        api.post(ROOMS, other, "carol")
        reply = api.post(self.INVITE, {"uids": ["carol"]}, headers=ENGLISH)
        assert reply.status == 409
        assert reply.json["message"] == "Participant carol is in a call, cannot invite"

    def test_invite_by_a_stranger_is_refused(self, api: Api) -> None:
        create(api, max_participants=4)
        assert api.post(self.INVITE, {"uids": ["carol"]}, "mallory").status == 403

    def test_invite_to_an_ended_room_is_refused(self, api: Api) -> None:
        create(api, max_participants=4)
        leave(api, "alice")
        reply = api.post(self.INVITE, {"uids": ["carol"]}, headers=ENGLISH)
        assert reply.status == 400 and "ended" in reply.json["message"]


class TestKick:
    KICK = f"{ROOMS}/room-1/kick"

    def test_kick_removes_a_member(self, api: Api) -> None:
        create(api, max_participants=4, uids=["bob", "carol"])
        join(api, "alice")
        join(api, "bob")
        assert api.post(self.KICK, {"uid": "bob"}).json == {}
        assert api.events("room-1")[-1] == "participant.left"
        (effect,) = api.store.effects.values()
        assert effect.type == "effect.remove_participant"

    def test_kick_by_a_member_is_refused(self, api: Api) -> None:
        create(api)
        assert api.post(self.KICK, {"uid": "alice"}, "bob").status == 403


class TestCalling:
    CALLING = "/api/v1/participants/calling"

    def test_calling_tells_a_server_who_is_busy_where(self, api: Api) -> None:
        create(api)
        join(api, "bob")
        body = {"uids": ["alice", "bob", "carol"]}
        reply = api.post(self.CALLING, body, "backend", role=Role.SERVER)
        assert reply.json == [
            {"room_id": "room-1", "uid": "alice", "status": 0},
            {"room_id": "room-1", "uid": "bob", "status": 1},
        ]

    def test_calling_tells_a_user_of_itself_only(self, api: Api) -> None:
        create(api)
        assert len(api.post(self.CALLING, {"uids": ["alice"]}).json) == 1
        assert api.post(self.CALLING, {"uids": ["bob"]}).status == 403


class TestEnd:
    END = f"{ROOMS}/room-1/end"

    def test_end_by_the_creator_hangs_up_for_all(self, api: Api) -> None:
        create(api)
        join(api, "bob")
        assert api.post(self.END, None).json == {}
        assert api.events("room-1")[-1] == "room.finished"
        assert api.post(self.END, None).json == {}

    def test_end_by_another_member_is_refused(self, api: Api) -> None:
        create(api)
        assert api.post(self.END, None, "bob").status == 403

    def test_end_by_an_administrator_is_the_systems(self, api: Api) -> None:
        create(api)
        assert api.post(self.END, None, "root", role=Role.ADMIN).status == 200
        ended = api.store.calls["default", "room-1"]
        assert ended.initiator == "system"


class TestSync:
    def sync(self, api: Api, uid: str, device_type: str = "app") -> Any:
        return api.get(
            f"{ROOMS}/sync", uid, query=f"uid={uid}&device_type={device_type}"
        )

    def test_sync_shows_a_ringing_call_on_every_device(self, api: Api) -> None:
        create(api)
        (room,) = self.sync(api, "bob", "anything").json
        assert room["room_id"] == "room-1" and room["status"] == 0

    def test_sync_shows_a_joined_call_on_its_kind_of_device(self, api: Api) -> None:
        create(api)
        join(api, "bob")
        assert len(self.sync(api, "bob", "web").json) == 1
        assert self.sync(api, "bob", "app").json == []

    def test_sync_shows_a_call_joined_without_a_device_on_all(self, api: Api) -> None:
        create(api)
        api.post(f"{ROOMS}/room-1/join", {"uid": "bob"}, "bob")
        assert len(self.sync(api, "bob", "app").json) == 1

    def test_sync_shows_nothing_once_the_call_is_over(self, api: Api) -> None:
        create(api)
        leave(api, "bob")
        assert self.sync(api, "bob").json == []
        assert self.sync(api, "nobody").json == []

    def test_sync_shows_nothing_past_the_deadline(self, api: Api) -> None:
        create(api)
        api.clock.pass_ms(RING_MS)
        assert self.sync(api, "bob").json == []

    @pytest.mark.parametrize("query", ["", "uid=bob", "device_type=app", "uid="])
    def test_sync_needs_both_parameters(self, api: Api, query: str) -> None:
        assert api.get(f"{ROOMS}/sync", "bob", query=query).status == 400


class TestIdentity:
    def test_request_without_a_token_is_refused(self, api: Api) -> None:
        reply = api.post(ROOMS, CREATE, None, headers=ENGLISH)
        assert reply.status == 401
        assert reply.json == {
            "code": 401,
            "message": "Not authenticated: a Bearer token or an API key is required",
        }

    def test_token_is_looked_at_before_the_body(self, api: Api) -> None:
        assert api.post(ROOMS, "{", None).status == 401

    @pytest.mark.parametrize("path", ["", "/room-1/join", "/room-1/leave"])
    def test_user_cannot_act_for_another(self, api: Api, path: str) -> None:
        create(api)
        body = {**CREATE, "uid": "alice", "room_id": "room-2"}
        assert api.post(ROOMS + path, body, "mallory").status == 403

    def test_sync_of_another_is_refused(self, api: Api) -> None:
        reply = api.get(f"{ROOMS}/sync", query="uid=bob&device_type=app")
        assert reply.status == 403

    @pytest.mark.parametrize("role", [Role.ADMIN, Role.SERVER])
    def test_server_acts_for_its_users(self, api: Api, role: Role) -> None:
        assert api.post(ROOMS, CREATE, "backend", role=role).status == 200

    def test_token_in_the_query_is_a_token(self, api: Api) -> None:
        query = f"token={token('alice')}"
        assert api.post(ROOMS, CREATE, None, query=query).status == 200

    def test_open_dialect_acts_as_whom_the_request_names(self, open_api: Api) -> None:
        assert open_api.post(ROOMS, CREATE, None).status == 200
        body = {"uid": "bob"}
        assert open_api.post(f"{ROOMS}/room-1/join", body, None).status == 200
        query = "uid=bob&device_type=app"
        assert len(open_api.get(f"{ROOMS}/sync", None, query=query).json) == 1
        assert open_api.post(ROOMS, {"creator": 7}, None).status == 400
        assert open_api.post(ROOMS, "{", None).status == 400

    def test_open_dialect_still_refuses_a_bad_token(self, open_api: Api) -> None:
        bad = {"authorization": "Bearer nonsense"}
        assert open_api.post(ROOMS, CREATE, None, headers=bad).status == 401


class TestIdempotency:
    KEY = {"idempotency-key": "k1"}

    def test_repeated_create_answers_the_same_room(self, api: Api) -> None:
        body = {**CREATE, "room_id": None}
        first = api.post(ROOMS, body, headers=self.KEY).json
        again = api.post(ROOMS, body, headers=self.KEY).json
        assert first["room_id"] == again["room_id"]
        assert len(api.store.calls) == 1

    def test_repeated_key_with_another_body_is_refused(self, api: Api) -> None:
        create(api)
        api.post(f"{ROOMS}/room-1/leave", {"uid": "alice"}, headers=self.KEY)
        reply = api.post(ROOMS, {**CREATE, "room_id": "r2"}, headers=self.KEY)
        assert (reply.status, reply.json["code"]) == (409, 409)

    def test_keys_of_different_users_are_different(self, api: Api) -> None:
        create(api, max_participants=3, uids=["bob", "carol"])
        for uid in ("bob", "carol"):
            assert join(api, uid, headers=self.KEY).status == 200
        assert api.events("room-1").count("participant.joined") == 2

    @pytest.mark.parametrize("key", ["", "k" * 256, "a\tb"])
    def test_key_that_nobody_should_use_is_refused(self, api: Api, key: str) -> None:
        reply = api.post(ROOMS, CREATE, headers={"idempotency-key": key})
        assert reply.status == 400


class TestOutsideTheRoutes:
    def test_unknown_path_is_404_in_the_dialects_shape(self, api: Api) -> None:
        reply = api.get("/api/v1/nowhere", query="lang=en-US")
        assert reply.status == 404
        assert reply.json == {"code": 404, "message": "No such path"}
        assert reply.headers["Content-Type"] == "application/json"

    def test_wrong_method_is_405_and_names_the_right_ones(self, api: Api) -> None:
        reply = api.request("DELETE", ROOMS)
        assert reply.status == 405 and reply.json["code"] == 405
        assert reply.headers["Allow"] == "POST"

    @pytest.mark.parametrize("kind", ["text/plain", "application/xml", "nonsense"])
    def test_wrong_type_is_415(self, api: Api, kind: str) -> None:
        reply = api.post(ROOMS, CREATE, headers={"content-type": kind})
        assert reply.status == 415 and reply.json["code"] == 415

    @pytest.mark.parametrize(
        "kind", ["", "application/json; charset=utf-8", "Application/JSON"]
    )
    def test_json_by_any_of_its_names_is_read(self, api: Api, kind: str) -> None:
        reply = api.post(ROOMS, CREATE, headers={"content-type": kind})
        assert reply.status == 200

    def test_failing_storage_is_503_and_says_when_to_come_back(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def throttled(*args: Any) -> None:
            raise ports.Throttled

        monkeypatch.setattr("chalicelib.adapters.memory.MemoryCalls.commit", throttled)
        reply = create(api)
        assert reply.status == 503 and reply.json["code"] == 503
        assert reply.headers["Retry-After"] == "1"

    def test_provider_that_nobody_set_up_fails_no_call(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without = {k: v for k, v in VARIABLES.items() if not k.startswith("LIVEKIT")}
        api = install(monkeypatch, without)
        reply = create(api)
        assert reply.status == 200
        assert (reply.json["token"], reply.json["url"]) == ("", "")
        assert reply.json["media"] == {
            "provider": "livekit",
            "url": "",
            "token": "",
            "roomId": "room-1",
            "error": "livekit is not set up",
        }

    @pytest.mark.parametrize("provider", ["trtc", "p2p"])
    def test_provider_of_the_dialect_is_the_environments(
        self, monkeypatch: pytest.MonkeyPatch, provider: str
    ) -> None:
        changed = {**VARIABLES, "PARLEY_PROVIDER_TGORTC": provider}
        api = install(monkeypatch, changed)
        room = create(api).json
        call = api.store.calls["default", "room-1"]
        assert room["media"]["provider"] == provider == call.provider
        if provider == "trtc":
            assert room["media"]["roomId"] == call.room_number
            assert room["token"] == room["media"]["userSig"] != ""
        else:
            assert room["media"]["iceServers"] and room["token"] == ""

    def test_mistake_of_ours_is_500_and_tells_nothing(
        self,
        api: Api,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def broken(*args: Any) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr("chalicelib.adapters.memory.MemoryCalls.commit", broken)
        reply = create(api)
        assert reply.status == 500 and reply.json["code"] == 500
        assert "secret" not in reply.text


def test_room_id_of_any_letters_is_found_again(api: Api) -> None:
    assert create(api, room_id="комната 1#").status == 200
    path = "%D0%BA%D0%BE%D0%BC%D0%BD%D0%B0%D1%82%D0%B0%201%23"
    assert join(api, "bob", path).status == 200
