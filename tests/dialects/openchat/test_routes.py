"""The contract's six endpoints, as its clients and OpenChat's SDK meet them."""

import json
import re
from typing import Any

import jwt
import pytest

from chalicelib.protocol.vocabulary import Role
from chalicelib.services import ports
from tests.builders import RING_MS
from tests.dialects.conftest import LIVEKIT_SECRET, VARIABLES, install, token
from tests.dialects.openchat.clients import (
    CREATE,
    ROOMS,
    RTC,
    Rooms,
    assert_refused,
    data_of,
)

CONTRACT_KEYS = {
    "id",
    "type",
    "callerId",
    "calleeId",
    "mediaType",
    "status",
    "createdAt",
}


class TestCreate:
    def test_create_answers_the_contracts_room(self, rooms: Rooms) -> None:
        reply = rooms.create()
        room = {name: reply.json[name] for name in CONTRACT_KEYS - {"id"}}
        assert reply.status == 201
        assert room == {
            **CREATE,
            "status": "waiting",
            "createdAt": "2023-11-14T22:13:20Z",
        }

    def test_create_answers_the_sdk_too(self, rooms: Rooms) -> None:
        body = rooms.create().json
        room = {
            name: value
            for name, value in body.items()
            if name not in ("code", "message", "data")
        }
        assert data_of(rooms.create("carol", calleeId="dave"))
        assert body["data"] == room

    def test_create_answers_openchats_own_room(self, rooms: Rooms) -> None:
        body = {
            "creatorId": "alice",
            "type": "group",
            "participants": ["bob", "carol"],
            "name": "standup",
            "channelId": "c1",
            "provider": "tencent",
            "aiMetadata": {"agent": ["α"]},
        }
        room = data_of(rooms.api.post(ROOMS, body))
        media = room.pop("media")
        assert room.pop("token") == media["token"] != ""
        assert room == {
            "id": "drawn-call-1",
            "uuid": "drawn-call-1",
            "type": "group",
            "callerId": "alice",
            "creatorId": "alice",
            "calleeId": None,
            "participants": ["alice", "bob", "carol"],
            "mediaType": "video",
            "status": "waiting",
            "endReason": None,
            "name": "standup",
            "channelId": "c1",
            "provider": "tencent",
            "aiMetadata": {"agent": ["α"]},
            "createdAt": "2023-11-14T22:13:20Z",
            "startedAt": "2023-11-14T22:13:20Z",
            "endedAt": None,
            "duration": 0,
            "url": "",
        }
        assert media["provider"] == "trtc"
        assert media["sdkAppId"] and media["userSig"] and media["privateMapKey"]

    @pytest.mark.parametrize(
        "body",
        [
            {"creatorId": "alice", "type": "p2p", "participants": ["bob"]},
            {"type": "p2p", "userId": "bob"},
            {"userId": "bob"},
        ],
    )
    def test_create_in_the_sdks_and_the_usages_spelling(
        self, rooms: Rooms, body: dict[str, Any]
    ) -> None:
        reply = rooms.api.post(ROOMS, body)
        assert reply.status == 201
        assert (reply.json["callerId"], reply.json["calleeId"]) == ("alice", "bob")

    def test_caller_is_in_from_the_beginning(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        assert rooms.statuses(room_id) == {"alice": "joined", "bob": "invited"}
        assert rooms.api.events(room_id) == [
            "participant.invited",
            "room.started",
            "participant.joined",
        ]

    def test_default_provider_is_the_parties_themselves(self, rooms: Rooms) -> None:
        room = data_of(rooms.create())
        media = room["media"]
        assert room["provider"] == media["provider"] == "p2p"
        assert media["roomId"] == room["id"] and media["iceServers"]
        assert room["token"]

    def test_livekit_carries_whom_it_is_asked_to(self, rooms: Rooms) -> None:
        room = data_of(rooms.create(provider="livekit"))
        claims = jwt.decode(
            room["token"],
            LIVEKIT_SECRET,
            algorithms=["HS256"],
            options={"verify_exp": False},
        )
        assert (room["provider"], room["url"]) == ("livekit", "wss://media.example")
        assert claims["sub"] == "alice"
        assert claims["video"]["room"] == room["id"]

    def test_provider_of_the_environment_is_the_default(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        variables = {**VARIABLES, "PARLEY_PROVIDER_OPENCHAT": "livekit"}
        rooms = Rooms(install(monkeypatch, variables))
        assert rooms.create().json["media"]["provider"] == "livekit"

    def test_provider_that_nobody_set_up_fails_nothing(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        without = {k: v for k, v in VARIABLES.items() if not k.startswith("LIVEKIT")}
        rooms = Rooms(install(monkeypatch, without))
        reply = rooms.create(provider="livekit")
        assert reply.status == 201
        assert reply.json["media"]["error"] == "livekit is not set up"

    def test_provider_that_nobody_carries_is_refused(self, rooms: Rooms) -> None:
        reply = rooms.create(provider="volcengine")
        assert_refused(reply, 400, "VAL_001", "provider must be one of")
        assert rooms.api.store.calls == {}

    def test_unknown_and_wrong_fields_are_told_together(self, rooms: Rooms) -> None:
        reply = rooms.create(type="conference", extra=1)
        assert_refused(reply, 400, "VAL_001")
        assert reply.json["message"] == (
            "property extra should not exist; "
            "type must be one of the following values: p2p, group"
        )

    def test_caller_other_than_the_tokens_user_is_refused(self, rooms: Rooms) -> None:
        for name in ("callerId", "creatorId"):
            body = {name: "bob", "participants": ["carol"]}
            assert_refused(rooms.api.post(ROOMS, body), 403, "AUTH_005")

    @pytest.mark.parametrize("role", [Role.SERVER, Role.ADMIN])
    def test_server_creates_for_its_users(self, rooms: Rooms, role: Role) -> None:
        reply = rooms.api.post(ROOMS, CREATE, "backend", role=role)
        assert (reply.status, reply.json["callerId"]) == (201, "alice")

    def test_busy_callee_is_a_conflict(self, rooms: Rooms) -> None:
        rooms.create()
        reply = rooms.create("carol", calleeId="bob")
        assert_refused(reply, 409, "SYS_001", "User bob is in another call")

    def test_busy_caller_is_refused(self, rooms: Rooms) -> None:
        rooms.create()
        reply = rooms.create("alice", calleeId="carol")
        assert_refused(reply, 400, "VAL_001", "The caller is in another call")

    def test_busy_member_of_a_group_does_not_stop_it(self, rooms: Rooms) -> None:
        rooms.create("carol", calleeId="dave")
        room_id = rooms.group("bob", "dave")
        assert rooms.statuses(room_id) == {
            "alice": "joined",
            "bob": "invited",
            "dave": "left",
        }

    @pytest.mark.parametrize(
        "body", ["{", "[]", "null", "7", '"text"', '{"a":NaN}', "[" * 100_000]
    )
    def test_body_that_is_no_object_is_refused(self, rooms: Rooms, body: str) -> None:
        assert_refused(rooms.api.post(ROOMS, body), 400, "VAL_001", "the body must be")

    @pytest.mark.parametrize("body", [None, "", " ", "{}"])
    def test_empty_body_lacks_a_callee(self, rooms: Rooms, body: Any) -> None:
        assert_refused(rooms.api.post(ROOMS, body), 400, "VAL_001", "exactly 2")


class TestShow:
    def test_room_is_shown_to_its_members(self, rooms: Rooms) -> None:
        created = data_of(rooms.create())
        for uid in ("alice", "bob"):
            reply = rooms.show(created["id"], uid)
            assert reply.status == 200
            assert {**created, **data_of(reply)} == created
            assert "token" not in reply.json

    def test_room_is_shown_to_servers(self, rooms: Rooms) -> None:
        assert rooms.show(rooms.begin(), "backend", role=Role.SERVER).status == 200

    def test_room_is_nothing_to_strangers(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        assert_refused(rooms.show(room_id, "mallory"), 403, "AUTH_005")
        rooms.act(room_id, "end")
        assert_refused(rooms.show(room_id, "mallory"), 403, "AUTH_005")

    @pytest.mark.parametrize("room_id", ["nowhere", "r" * 65, "r" * 5000, "%23"])
    def test_unknown_room_is_404(self, rooms: Rooms, room_id: str) -> None:
        assert_refused(rooms.show(room_id), 404, "SYS_001", "Room not found")

    def test_room_of_another_tenant_is_unknown(self, rooms: Rooms) -> None:
        assert_refused(rooms.show(rooms.begin(), tenant="acme"), 404, "SYS_001")

    def test_room_that_nobody_answered_is_missed(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.api.clock.pass_ms(RING_MS)
        room = rooms.show(room_id).json
        assert (room["status"], room["endReason"]) == ("ended", "missed")
        assert room["endedAt"] == "2023-11-14T22:13:50Z"
        assert rooms.statuses(room_id) == {"alice": "left", "bob": "timeout"}


class TestJoin:
    def test_join_answers_the_active_room_and_a_way_in(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        reply = rooms.act(room_id, "join", "bob")
        room = data_of(reply)
        assert (reply.status, room["status"]) == (201, "active")
        assert room["token"] and room["media"]["roomId"] == room_id
        assert rooms.statuses(room_id) == {"alice": "joined", "bob": "joined"}

    @pytest.mark.parametrize("body", [None, {}, {"userId": "bob"}, {"userId": None}])
    def test_join_needs_no_body(self, rooms: Rooms, body: Any) -> None:
        path = f"{ROOMS}/{rooms.begin()}/join"
        assert rooms.api.post(path, body, "bob").status == 201

    def test_join_again_is_the_same(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "join", "bob")
        told = rooms.api.events(room_id)
        assert rooms.act(room_id, "join", "bob").status == 201
        assert rooms.act(room_id, "join", "alice").status == 201
        assert rooms.api.events(room_id) == told

    def test_join_of_a_stranger_is_refused(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        assert_refused(rooms.act(room_id, "join", "mallory"), 403, "AUTH_005")
        rooms.act(room_id, "join", "bob")
        assert_refused(rooms.act(room_id, "join", "mallory"), 403, "AUTH_005")
        rooms.act(room_id, "end")
        assert_refused(rooms.act(room_id, "join", "mallory"), 403, "AUTH_005")

    def test_join_of_an_ended_room_is_a_conflict(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "leave")
        reply = rooms.act(room_id, "join", "bob")
        assert_refused(reply, 409, "SYS_001", "The room has ended")

    def test_join_past_the_deadline_is_a_conflict(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.api.clock.pass_ms(RING_MS)
        assert_refused(rooms.act(room_id, "join", "bob"), 409, "SYS_001")

    @pytest.mark.parametrize("room_id", ["nowhere", "r" * 5000])
    def test_join_of_an_unknown_room_is_404(self, rooms: Rooms, room_id: str) -> None:
        assert_refused(rooms.act(room_id, "join"), 404, "SYS_001")

    def test_join_for_another_is_for_servers(self, rooms: Rooms) -> None:
        path = f"{ROOMS}/{rooms.begin()}/join"
        assert_refused(rooms.api.post(path, {"userId": "bob"}), 403, "AUTH_005")
        reply = rooms.api.post(path, {"userId": "bob"}, "backend", role=Role.SERVER)
        assert (reply.status, reply.json["status"]) == (201, "active")

    def test_join_of_a_full_open_room_is_a_conflict_to_servers_only(
        self, rooms: Rooms
    ) -> None:
        body = {"creator": "alice", "device_type": "app", "room_id": "r1"}
        rooms.api.post("/api/v1/rooms", {**body, "uids": ["bob"]})
        path = f"{ROOMS}/r1/join"
        asked = {"userId": "carol"}
        reply = rooms.api.post(path, asked, "backend", role=Role.SERVER)
        assert_refused(reply, 409, "SYS_001", "The room is full")
        assert_refused(rooms.api.post(path, None, "carol"), 403, "AUTH_005")

    def test_unknown_field_is_refused(self, rooms: Rooms) -> None:
        path = f"{ROOMS}/{rooms.begin()}/join"
        reply = rooms.api.post(path, {"uid": "bob"}, "bob")
        assert_refused(reply, 400, "VAL_001", "property uid should not exist")


class TestLeave:
    def test_leave_of_an_answered_room_completes_it(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "join", "bob")
        rooms.api.clock.pass_ms(61_000)
        reply = rooms.act(room_id, "leave", "bob")
        room = data_of(reply)
        assert (reply.status, room["status"]) == (200, "ended")
        assert (room["endReason"], room["duration"]) == ("completed", 61)
        assert rooms.statuses(room_id) == {"alice": "left", "bob": "left"}

    @pytest.mark.parametrize(
        ("uid", "reason", "statuses"),
        [
            ("alice", "cancelled", {"alice": "left", "bob": "left"}),
            ("bob", "rejected", {"alice": "left", "bob": "rejected"}),
        ],
    )
    def test_leave_before_the_answer_says_whose_doing_it_was(
        self, rooms: Rooms, uid: str, reason: str, statuses: dict[str, str]
    ) -> None:
        room_id = rooms.begin()
        assert rooms.act(room_id, "leave", uid).json["endReason"] == reason
        assert rooms.statuses(room_id) == statuses

    def test_leave_again_changes_nothing(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "leave")
        told = rooms.api.events(room_id)
        assert rooms.act(room_id, "leave").json["endReason"] == "cancelled"
        assert rooms.act(room_id, "leave", "bob").status == 200
        assert rooms.api.events(room_id) == told

    def test_leave_of_a_group_leaves_the_others(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob", "carol")
        rooms.act(room_id, "join", "bob")
        rooms.act(room_id, "leave", "carol")
        assert rooms.act(room_id, "leave", "bob").json["status"] == "active"
        assert rooms.statuses(room_id) == {
            "alice": "joined",
            "bob": "left",
            "carol": "rejected",
        }

    def test_leave_of_a_stranger_is_refused(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        assert_refused(rooms.act(room_id, "leave", "mallory"), 403, "AUTH_005")
        rooms.act(room_id, "end")
        assert_refused(rooms.act(room_id, "leave", "mallory"), 403, "AUTH_005")

    def test_leave_of_an_unknown_room_is_404(self, rooms: Rooms) -> None:
        assert_refused(rooms.act("nowhere", "leave"), 404, "SYS_001")

    def test_leave_for_another_is_for_servers(self, rooms: Rooms) -> None:
        path = f"{ROOMS}/{rooms.begin()}/leave"
        assert_refused(rooms.api.post(path, {"userId": "bob"}), 403, "AUTH_005")


class TestEnd:
    def test_end_by_the_caller_is_for_all_and_once(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "join", "bob")
        first = rooms.act(room_id, "end")
        assert (first.status, first.json["endReason"]) == (200, "completed")
        told = rooms.api.events(room_id)
        assert rooms.act(room_id, "end").json == first.json
        assert rooms.api.events(room_id) == told

    def test_end_before_the_answer_cancels(self, rooms: Rooms) -> None:
        assert rooms.act(rooms.begin(), "end").json["endReason"] == "cancelled"

    @pytest.mark.parametrize("uid", ["bob", "mallory"])
    def test_end_by_anybody_else_is_refused(self, rooms: Rooms, uid: str) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "join", "bob")
        assert_refused(rooms.act(room_id, "end", uid), 403, "AUTH_005")
        assert rooms.show(room_id).json["status"] == "active"

    @pytest.mark.parametrize(
        ("body", "initiator"), [(None, "system"), ({"userId": "alice"}, "caller")]
    )
    def test_end_by_a_server_is_its_own_or_the_callers(
        self, rooms: Rooms, body: Any, initiator: str
    ) -> None:
        room_id = rooms.begin()
        path = f"{ROOMS}/{room_id}/end"
        assert rooms.api.post(path, body, "backend", role=Role.SERVER).status == 200
        assert rooms.api.store.calls["default", room_id].initiator == initiator

    def test_end_of_an_unknown_room_is_404(self, rooms: Rooms) -> None:
        assert_refused(rooms.act("nowhere", "end"), 404, "SYS_001")


class TestParticipants:
    def test_participants_are_listed_for_both_readers(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.api.clock.pass_ms(1_500)
        rooms.act(room_id, "join", "bob")
        reply = rooms.api.get(f"{ROOMS}/{room_id}/participants", "bob")
        assert reply.status == 200
        assert reply.json["participants"] == data_of(reply)
        assert data_of(reply) == [
            {
                "userId": "alice",
                "role": "caller",
                "status": "joined",
                "endReason": None,
                "joinedAt": "2023-11-14T22:13:20Z",
                "leftAt": None,
            },
            {
                "userId": "bob",
                "role": "callee",
                "status": "joined",
                "endReason": None,
                "joinedAt": "2023-11-14T22:13:21.500Z",
                "leftAt": None,
            },
        ]

    def test_roles_of_a_group(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob", "carol")
        members = rooms.api.get(f"{ROOMS}/{room_id}/participants").json["data"]
        roles = ["caller", "participant", "participant"]
        assert [member["role"] for member in members] == roles

    def test_participants_are_for_participants(self, rooms: Rooms) -> None:
        path = f"{ROOMS}/{rooms.begin()}/participants"
        assert_refused(rooms.api.get(path, "mallory"), 403, "AUTH_005")
        reply = rooms.api.get(f"{ROOMS}/nowhere/participants")
        assert_refused(reply, 404, "SYS_001")


class TestIdentity:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("POST", ROOMS),
            ("GET", f"{ROOMS}/r1"),
            ("POST", f"{ROOMS}/r1/join"),
            ("POST", f"{ROOMS}/r1/leave"),
            ("POST", f"{ROOMS}/r1/end"),
            ("PUT", f"{ROOMS}/r1/end"),
            ("GET", f"{ROOMS}/r1/participants"),
            ("POST", f"{ROOMS}/r1/participants"),
            ("DELETE", f"{ROOMS}/r1/participants/bob"),
            ("GET", f"{ROOMS}/user/alice"),
            ("POST", f"{ROOMS}/r1/connection"),
            ("POST", f"{RTC}/tokens"),
            ("POST", f"{RTC}/tokens/validate"),
            ("GET", f"{RTC}/tokens/validate"),
            ("GET", f"{RTC}/providers/capabilities"),
        ],
    )
    def test_request_without_a_good_token_is_refused(
        self, rooms: Rooms, method: str, path: str
    ) -> None:
        reply = rooms.api.request(method, path, "{", uid=None)
        assert_refused(
            reply, 401, "AUTH_004", "a Bearer token or an API key is required"
        )
        bad = {"authorization": "Bearer nonsense"}
        reply = rooms.api.request(method, path, "{", uid=None, headers=bad)
        assert_refused(reply, 401, "AUTH_004", "the token is not valid")

    def test_token_in_the_query_is_a_token(self, rooms: Rooms) -> None:
        query = f"token={token('alice')}"
        assert rooms.api.post(ROOMS, CREATE, None, query=query).status == 201

    def test_open_dialect_acts_as_whom_the_request_names(
        self, open_rooms: Rooms
    ) -> None:
        api = open_rooms.api
        room_id = api.post(ROOMS, CREATE, None).json["id"]
        path = f"{ROOMS}/{room_id}"
        assert api.post(f"{path}/join", {"userId": "bob"}, None).status == 201
        assert api.get(path, None).json["status"] == "active"
        assert api.post(f"{path}/end", None, None, query="uid=alice").status == 200
        assert_refused(api.post(ROOMS, "{", None), 400, "VAL_001")
        reply = api.post(ROOMS, {"userId": "bob"}, None)
        assert_refused(reply, 400, "VAL_001", "callerId should not be empty")


class TestIdempotency:
    KEY = {"idempotency-key": "k1"}

    def test_repeated_create_answers_the_same_room(self, rooms: Rooms) -> None:
        ids = {rooms.api.post(ROOMS, CREATE, headers=self.KEY).json["id"] for _ in "12"}
        assert len(ids) == len(rooms.api.store.calls) == 1

    def test_repeated_key_for_another_room_is_a_conflict(self, rooms: Rooms) -> None:
        first, second = rooms.begin(), rooms.create("carol", calleeId="dave").json["id"]
        how: Any = {"role": Role.SERVER, "headers": self.KEY}
        assert rooms.act(first, "end", "backend", **how).status == 200
        reply = rooms.act(second, "end", "backend", **how)
        assert_refused(reply, 409, "SYS_001", "Idempotency-Key")
        assert rooms.show(second, "carol").json["status"] == "waiting"

    def test_repeated_key_with_another_body_is_a_conflict(self, rooms: Rooms) -> None:
        rooms.api.post(ROOMS, CREATE, headers=self.KEY)
        body = {**CREATE, "mediaType": "audio"}
        reply = rooms.api.post(ROOMS, body, headers=self.KEY)
        assert_refused(reply, 409, "SYS_001", "Idempotency-Key")


class TestOutsideTheRoutes:
    def test_error_tells_where_and_which(self, rooms: Rooms) -> None:
        body = rooms.show("nowhere").json
        assert body["path"] == f"{ROOMS}/nowhere"
        assert body["requestId"] == "r"
        assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z", body["timestamp"])

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", f"{RTC}/nowhere", 404),
            ("GET", RTC, 404),
            ("GET", "/im/api/v1/messages", 404),
            ("DELETE", ROOMS, 405),
            ("PATCH", f"{ROOMS}/r1/end", 405),
        ],
    )
    def test_wrong_path_or_method_has_the_shape(
        self, rooms: Rooms, method: str, path: str, status: int
    ) -> None:
        reply = rooms.api.request(method, path)
        assert_refused(reply, status, "SYS_001")
        assert reply.json["path"] == path

    def test_wrong_type_has_the_shape(self, rooms: Rooms) -> None:
        kind = {"content-type": "text/plain"}
        reply = rooms.api.post(ROOMS, CREATE, headers=kind)
        assert_refused(reply, 415, "SYS_001")

    def test_405_names_the_methods(self, rooms: Rooms) -> None:
        reply = rooms.api.request("PATCH", f"{ROOMS}/r1/end")
        assert reply.headers["Allow"] == "POST, PUT"

    def test_failing_storage_is_503_and_says_when_to_come_back(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def throttled(*args: Any) -> None:
            raise ports.Throttled

        monkeypatch.setattr("chalicelib.adapters.memory.MemoryCalls.commit", throttled)
        reply = rooms.create()
        assert_refused(reply, 503, "SYS_001")
        assert reply.headers["Retry-After"] == "1"

    def test_mistake_of_ours_is_500_and_tells_nothing(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*args: Any) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr("chalicelib.adapters.memory.MemoryCalls.commit", broken)
        reply = rooms.create()
        assert_refused(reply, 500, "SYS_001", "Internal server error")
        assert "secret" not in reply.text

    def test_control_plane_that_cannot_be_made_is_500_in_shape(
        self, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken() -> None:
            raise RuntimeError("no settings")

        monkeypatch.setattr("chalicelib.bootstrap.control_plane", broken)
        assert_refused(rooms.create(), 500, "SYS_001")


class TestOtherDialectsCalls:
    """A call that TgoRTC began is a room here."""

    @pytest.fixture
    def room_id(self, rooms: Rooms) -> str:
        body = {
            "creator": "alice",
            "device_type": "app",
            "room_id": "комната",
            "rtc_type": 0,
            "invite_on": 1,
            "uids": ["bob"],
        }
        assert rooms.api.post("/api/v1/rooms", body).status == 200
        return "%D0%BA%D0%BE%D0%BC%D0%BD%D0%B0%D1%82%D0%B0"

    def test_room_is_shown(self, rooms: Rooms, room_id: str) -> None:
        room = data_of(rooms.show(room_id, "bob"))
        assert (room["id"], room["mediaType"]) == ("комната", "audio")
        assert (room["provider"], room["startedAt"]) == ("livekit", None)
        assert rooms.statuses(room_id) == {"alice": "invited", "bob": "invited"}

    def test_room_is_answered_with_its_own_provider(
        self, rooms: Rooms, room_id: str
    ) -> None:
        room = data_of(rooms.act(room_id, "join", "bob"))
        assert room["media"]["provider"] == "livekit"
        assert room["url"] == "wss://media.example"

    def test_room_is_rejected(self, rooms: Rooms, room_id: str) -> None:
        assert rooms.act(room_id, "leave", "bob").json["endReason"] == "rejected"
        assert rooms.statuses(room_id) == {"alice": "left", "bob": "rejected"}

    def test_room_without_a_callee_has_none(self, rooms: Rooms) -> None:
        body = {"creator": "alice", "device_type": "app", "room_id": "alone"}
        rooms.api.post("/api/v1/rooms", body)
        assert rooms.show("alone").json["calleeId"] is None


def test_body_has_no_whitespace_that_json_forbids(rooms: Rooms) -> None:
    assert json.loads(rooms.create(name="имя").text)["name"] == "имя"
