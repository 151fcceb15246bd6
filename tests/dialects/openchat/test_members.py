"""The booleans of OpenChat's own server, and who is in what."""

from typing import Any

import pytest

from chalicelib.protocol.vocabulary import Role
from tests.dialects.conftest import Reply
from tests.dialects.openchat.clients import ROOMS, Rooms, assert_refused, data_of


def put_end(rooms: Rooms, room_id: str, uid: str = "alice", **how: Any) -> Reply:
    return rooms.api.request("PUT", f"{ROOMS}/{room_id}/end", uid=uid, **how)


def add(rooms: Rooms, room_id: str, user_id: str, uid: str = "alice") -> Reply:
    path = f"{ROOMS}/{room_id}/participants"
    return rooms.api.post(path, {"userId": user_id}, uid)


def remove(
    rooms: Rooms, room_id: str, user_id: str, uid: str = "alice", **how: Any
) -> Reply:
    path = f"{ROOMS}/{room_id}/participants/{user_id}"
    return rooms.api.request("DELETE", path, uid=uid, **how)


class TestEnd:
    def test_end_tells_whether_there_was_anything_to_end(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        reply = put_end(rooms, room_id)
        assert (reply.status, data_of(reply)) == (200, True)
        assert data_of(put_end(rooms, room_id)) is False
        assert data_of(put_end(rooms, "nowhere")) is False
        assert rooms.show(room_id).json["endReason"] == "cancelled"

    def test_end_is_for_the_caller_and_for_servers(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        for uid in ("bob", "mallory"):
            assert_refused(put_end(rooms, room_id, uid), 403, "AUTH_005")
        assert data_of(put_end(rooms, room_id, "backend", role=Role.SERVER)) is True

    def test_end_has_nothing_to_say(self, rooms: Rooms) -> None:
        path = f"{ROOMS}/{rooms.begin()}/end"
        reply = rooms.api.request("PUT", path, {"reason": "bored"})
        assert_refused(reply, 400, "VAL_001", "property reason should not exist")


class TestAdd:
    def test_add_rings_a_member_more(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob")
        reply = add(rooms, room_id, "carol")
        assert (reply.status, data_of(reply)) == (201, True)
        assert rooms.statuses(room_id)["carol"] == "invited"
        assert rooms.act(room_id, "join", "carol").status == 201

    def test_add_of_a_member_changes_nothing(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob")
        told = rooms.api.events(room_id)
        assert data_of(add(rooms, room_id, "bob")) is True
        assert rooms.api.events(room_id) == told

    def test_add_to_what_is_no_more_is_false(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob")
        rooms.act(room_id, "end")
        assert data_of(add(rooms, room_id, "carol")) is False
        assert data_of(add(rooms, "nowhere", "carol")) is False

    @pytest.mark.parametrize("uid", ["bob", "mallory"])
    def test_add_is_the_callers(self, rooms: Rooms, uid: str) -> None:
        room_id = rooms.group("bob")
        assert_refused(add(rooms, room_id, "carol", uid), 403, "AUTH_005")

    def test_add_by_a_server(self, rooms: Rooms) -> None:
        path = f"{ROOMS}/{rooms.group('bob')}/participants"
        body = {"userId": "carol"}
        reply = rooms.api.post(path, body, "backend", role=Role.SERVER)
        assert data_of(reply) is True

    def test_add_to_a_room_of_two_is_a_conflict(self, rooms: Rooms) -> None:
        reply = add(rooms, rooms.begin(), "carol")
        assert_refused(reply, 409, "SYS_001", "The room is full")

    def test_add_of_the_busy_is_a_conflict(self, rooms: Rooms) -> None:
        rooms.create("carol", calleeId="dave")
        reply = add(rooms, rooms.group("bob"), "carol")
        assert_refused(reply, 409, "SYS_001", "User carol is in another call")

    @pytest.mark.parametrize("body", [None, {}, {"userId": ""}, {"userIds": ["bob"]}])
    def test_add_needs_a_user(self, rooms: Rooms, body: Any) -> None:
        path = f"{ROOMS}/{rooms.group('bob')}/participants"
        reply = rooms.api.post(path, body)
        assert_refused(reply, 400, "VAL_001", "userId should not be empty")


class TestRemove:
    def test_remove_by_the_caller(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob", "carol")
        rooms.act(room_id, "join", "bob")
        reply = remove(rooms, room_id, "bob")
        assert (reply.status, data_of(reply)) == (200, True)
        assert rooms.statuses(room_id)["bob"] == "left"
        assert data_of(remove(rooms, room_id, "bob")) is False

    def test_remove_of_oneself_is_a_leave(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob", "carol")
        assert data_of(remove(rooms, room_id, "bob", "bob")) is True
        assert rooms.statuses(room_id)["bob"] == "rejected"
        assert data_of(remove(rooms, room_id, "bob", "bob")) is False

    def test_remove_from_a_room_of_two_ends_it(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "join", "bob")
        assert data_of(remove(rooms, room_id, "bob")) is True
        assert rooms.show(room_id).json["endReason"] == "completed"

    def test_remove_from_what_is_no_more_is_false(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        rooms.act(room_id, "end")
        assert data_of(remove(rooms, room_id, "bob")) is False
        assert data_of(remove(rooms, "nowhere", "bob")) is False
        assert data_of(remove(rooms, "r" * 5000, "bob")) is False

    def test_remove_of_who_was_never_in_is_false(self, rooms: Rooms) -> None:
        assert data_of(remove(rooms, rooms.begin(), "carol")) is False

    def test_remove_of_another_is_the_callers(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob", "carol")
        assert_refused(remove(rooms, room_id, "carol", "bob"), 403, "AUTH_005")
        assert_refused(remove(rooms, room_id, "bob", "mallory"), 403, "AUTH_005")
        assert_refused(remove(rooms, room_id, "mallory", "mallory"), 403, "AUTH_005")

    def test_remove_by_a_server(self, rooms: Rooms) -> None:
        room_id = rooms.group("bob", "carol")
        reply = remove(rooms, room_id, "bob", "backend", role=Role.SERVER)
        assert data_of(reply) is True


class TestRoomsOfAUser:
    def rooms_of(self, rooms: Rooms, user_id: str, uid: str, **how: Any) -> Reply:
        return rooms.api.get(f"{ROOMS}/user/{user_id}", uid, **how)

    def test_room_that_rings_or_is_on_is_listed(self, rooms: Rooms) -> None:
        room_id = rooms.begin()
        reply = self.rooms_of(rooms, "bob", "bob")
        assert reply.json["rooms"] == data_of(reply)
        assert [room["id"] for room in data_of(reply)] == [room_id]
        rooms.act(room_id, "join", "bob")
        assert data_of(self.rooms_of(rooms, "bob", "bob"))[0]["status"] == "active"

    def test_room_that_is_over_is_not(self, rooms: Rooms) -> None:
        rooms.act(rooms.begin(), "end")
        assert data_of(self.rooms_of(rooms, "alice", "alice")) == []

    def test_rooms_of_another_are_for_servers(self, rooms: Rooms) -> None:
        rooms.begin()
        assert_refused(self.rooms_of(rooms, "alice", "bob"), 403, "AUTH_005")
        reply = self.rooms_of(rooms, "alice", "backend", role=Role.SERVER)
        assert len(data_of(reply)) == 1

    def test_endless_name_is_refused(self, rooms: Rooms) -> None:
        reply = self.rooms_of(rooms, "u" * 65, "backend", role=Role.SERVER)
        assert_refused(reply, 400, "VAL_001")
