"""OpenChat's requests in, and what is said of those that are wrong."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dialects.openchat import wire
from chalicelib.dialects.openchat.fields import MOST_COMPLAINTS, Fields
from chalicelib.dialects.openchat.wire import CreateRoom
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.protocol.vocabulary import MediaType, Provider

CONTRACT = {
    "type": "p2p",
    "callerId": "alice",
    "calleeId": "bob",
    "mediaType": "video",
}
SDK = {"creatorId": "alice", "type": "p2p", "participants": ["bob"]}
USAGE = {"type": "p2p", "userId": "bob"}


def parse(body: dict[str, Any], sender: str = "alice", most: int = 32) -> CreateRoom:
    return CreateRoom.parse(body, sender, most)


def complaints_of(body: dict[str, Any], sender: str = "alice") -> list[str]:
    with pytest.raises(MalformedRequest) as refused:
        parse(body, sender)
    return str(refused.value).split("; ")


class TestCreateRoom:
    @pytest.mark.parametrize("body", [CONTRACT, SDK, USAGE])
    def test_all_three_spellings_are_the_same_room(self, body: dict[str, Any]) -> None:
        room = CreateRoom("alice", ("bob",), MediaType.VIDEO, 2, None, {})
        assert parse(body) == room

    def test_group_has_room_for_more(self) -> None:
        room = parse({"type": "group", "participants": ["bob", "carol", "bob"]})
        assert room.invitees == ("bob", "carol")
        assert room.max_participants == 32

    def test_everybody_who_is_named_is_invited_once(self) -> None:
        body = {
            "type": "group",
            "calleeId": "bob",
            "userId": "carol",
            "participants": ["alice", " bob ", "", "dave"],
        }
        assert parse(body).invitees == ("bob", "carol", "dave")

    def test_creator_may_stand_among_the_participants(self) -> None:
        assert parse({"participants": ["alice", "bob"]}).invitees == ("bob",)

    def test_audio_is_a_choice(self) -> None:
        assert parse({**CONTRACT, "mediaType": "audio"}).media_type is MediaType.AUDIO

    def test_null_is_nothing(self) -> None:
        nothing = dict.fromkeys(wire.CREATE_FIELDS)
        assert parse({**nothing, "calleeId": "bob"}) == parse(USAGE)

    @pytest.mark.parametrize(
        ("name", "provider"),
        [
            ("livekit", Provider.LIVEKIT),
            ("tencent", Provider.TRTC),
            ("trtc", Provider.TRTC),
            ("p2p", Provider.P2P),
        ],
    )
    def test_provider_has_openchats_name_or_ours(
        self, name: str, provider: Provider
    ) -> None:
        assert parse({**CONTRACT, "provider": name}).provider is provider

    @pytest.mark.parametrize("name", ["volcengine", "alibaba", "worker"])
    def test_provider_that_nobody_carries_is_refused(self, name: str) -> None:
        assert complaints_of({**CONTRACT, "provider": name}) == [
            "provider must be one of the following values: livekit, tencent, trtc, p2p"
        ]

    def test_details_are_kept_as_texts(self) -> None:
        metadata = {"agent": "я", "depth": [1, None, 0.5]}
        body = {**CONTRACT, "name": "standup", "channelId": "c1"}
        details = parse({**body, "aiMetadata": metadata}).details
        assert json.loads(details["aiMetadata"]) == metadata
        assert (details["name"], details["channelId"]) == ("standup", "c1")
        assert parse({**CONTRACT, "name": " ", "aiMetadata": None}).details == {}

    @pytest.mark.parametrize(
        ("changes", "complaint"),
        [
            ({"foo": 1}, "property foo should not exist"),
            ({"\ud800": 1}, "property \\ud800 should not exist"),
            ({"x" * 99: 1}, f"property {'x' * 64}… should not exist"),
            ({"type": "conference"}, "type must be one of the following values: p2p"),
            ({"type": 7}, "type must be one of the following values: p2p, group"),
            ({"mediaType": "smell"}, "mediaType must be one of the following values"),
            ({"provider": "other"}, "provider must be one of the following values"),
            ({"callerId": 7}, "callerId must be a string"),
            ({"callerId": "a\0"}, "callerId must be printable"),
            (
                {"callerId": "a" * 65},
                "callerId must be shorter than or equal to 64 characters",
            ),
            ({"creatorId": "carol"}, "callerId and creatorId must be the same"),
            ({"calleeId": ["bob"]}, "calleeId must be a string"),
            ({"participants": "bob"}, "participants must be an array"),
            (
                {"participants": ["b"] * 201},
                "participants must contain no more than 200 elements",
            ),
            (
                {"participants": [7]},
                "each value in participants must be a string of 1 to 64",
            ),
            ({"name": "n" * 101}, "name must be shorter than or equal to 100"),
            ({"aiMetadata": "text"}, "aiMetadata must be an object"),
            ({"aiMetadata": {"a": "x" * 2048}}, "aiMetadata must be plain JSON"),
            ({"aiMetadata": {"a": "\ud800"}}, "aiMetadata must be plain JSON"),
            ({"aiMetadata": {"a": 1e999}}, "aiMetadata must be plain JSON"),
        ],
    )
    def test_wrong_field_is_told(self, changes: dict[str, Any], complaint: str) -> None:
        (told,) = complaints_of({**CONTRACT, **changes})
        assert told.startswith(complaint)

    def test_metadata_nested_beyond_reason_is_refused(self) -> None:
        nested: dict[str, Any] = {}
        for _ in range(5_000):
            nested = {"a": nested}
        (told,) = complaints_of({**CONTRACT, "aiMetadata": nested})
        assert told.startswith("aiMetadata must be plain JSON")

    def test_all_that_is_wrong_is_told_together(self) -> None:
        told = complaints_of({"type": 1, "callerId": 2, "participants": 3, "x": 4})
        assert len(told) == 4

    def test_flood_of_unknown_fields_is_told_in_short(self) -> None:
        told = complaints_of({f"f{number}": 1 for number in range(500)})
        assert len(told) == MOST_COMPLAINTS + 1
        assert told[-1] == "and 480 more"

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            ({}, "p2p rooms must have exactly 2 participants"),
            ({"calleeId": "alice"}, "p2p rooms must have exactly 2 participants"),
            (
                {"participants": ["bob", "carol"]},
                "p2p rooms must have exactly 2 participants",
            ),
            ({"type": "group"}, "group rooms must have at least 2 participants"),
            (
                {"type": "group", "participants": [f"u{n}" for n in range(32)]},
                "rooms must have no more than 32 participants",
            ),
        ],
    )
    def test_size_of_the_room_is_checked(
        self, body: dict[str, Any], complaint: str
    ) -> None:
        assert complaints_of(body) == [complaint]

    def test_room_of_nobody_is_refused(self) -> None:
        assert complaints_of({"calleeId": "bob"}, "") == [
            "callerId should not be empty"
        ]

    @given(
        st.dictionaries(
            st.sampled_from(sorted(wire.CREATE_FIELDS)) | st.text(max_size=4),
            st.recursive(
                st.none()
                | st.booleans()
                | st.integers()
                | st.floats()
                | st.text(max_size=8)
                | st.sampled_from(["alice", "bob", "p2p", "group", "livekit"]),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(st.text(max_size=3), inner, max_size=3)
                ),
                max_leaves=6,
            ),
        )
    )
    def test_any_body_is_a_room_or_is_refused(self, body: dict[str, Any]) -> None:
        try:
            room = parse(body)
        except MalformedRequest as refused:
            assert str(refused).isprintable()
        else:
            assert room.creator and room.creator not in room.invitees
            assert 2 <= 1 + len(room.invitees) <= room.max_participants
            json.dumps(dict(room.details), ensure_ascii=False).encode()


class TestSmallBodies:
    def test_member_is_the_sender_unless_named(self) -> None:
        assert wire.parse_member({}, "alice") == "alice"
        assert wire.parse_member({"userId": "bob"}, "alice") == "bob"

    @pytest.mark.parametrize("body", [{"uid": "bob"}, {"userId": 7}])
    def test_member_that_is_wrong_is_refused(self, body: dict[str, Any]) -> None:
        with pytest.raises(MalformedRequest):
            wire.parse_member(body, "alice")

    @pytest.mark.parametrize(
        ("body", "complaint"),
        [
            ({}, "userId should not be empty"),
            ({"userId": " "}, "userId should not be empty"),
            ({"userId": 7}, "userId must be a string"),
        ],
    )
    def test_added_must_be_named(self, body: dict[str, Any], complaint: str) -> None:
        with pytest.raises(MalformedRequest) as refused:
            wire.parse_added(body)
        assert str(refused.value) == complaint

    def test_nothing_is_all_that_may_be_said(self) -> None:
        wire.parse_nothing({})
        with pytest.raises(MalformedRequest):
            wire.parse_nothing({"reason": "bored"})


class TestIntegers:
    @pytest.mark.parametrize(
        ("value", "read"), [(60, 60), ("61", 61), (None, 7200), ("0099", 99)]
    )
    def test_number_or_its_digits_are_read(self, value: Any, read: int) -> None:
        fields = Fields({"n": value}, frozenset({"n"}))
        assert fields.integer("n", 60, 86_400, 7200) == read
        fields.check()

    @pytest.mark.parametrize(
        ("value", "complaint"),
        [
            (59, "n must not be less than 60"),
            (86_401, "n must not be greater than 86400"),
            ("9" * 10_000, "n must not be greater than 86400"),
            ("abc", "n must be an integer number"),
            ("٣٦٠٠", "n must be an integer number"),
            (True, "n must be an integer number"),
            (60.5, "n must be an integer number"),
            ([], "n must be an integer number"),
        ],
    )
    def test_anything_else_is_told(self, value: Any, complaint: str) -> None:
        fields = Fields({"n": value}, frozenset({"n"}))
        assert fields.integer("n", 60, 86_400, 7200) == 7200
        with pytest.raises(MalformedRequest) as refused:
            fields.check()
        assert str(refused.value) == complaint


class TestNamedUid:
    """Whom a request speaks for where the dialect is open."""

    @staticmethod
    def named(path: str, body: Any = None, **query: str) -> str:
        sent = b"" if body is None else json.dumps(body).encode()
        return wire.named_uid(Request("POST", path, query, {}, sent))

    def test_creator_is_named_by_either_name(self) -> None:
        assert self.named(wire.ROOMS, CONTRACT) == "alice"
        assert self.named(wire.ROOMS, SDK) == "alice"

    def test_callee_is_not_who_asks(self) -> None:
        assert self.named(wire.ROOMS, USAGE) == ""
        assert self.named(wire.ROOMS, USAGE, userId="carol") == "carol"

    def test_member_is_named_in_the_body_or_the_query(self) -> None:
        assert self.named(f"{wire.ROOMS}/r/join", {"userId": "bob"}) == "bob"
        assert self.named(f"{wire.ROOMS}/r/join", uid="bob") == "bob"
        assert self.named(f"{wire.ROOMS}/r/join", {"userId": 7}) == ""

    def test_body_that_is_no_object_is_refused(self) -> None:
        with pytest.raises(MalformedRequest):
            self.named(wire.ROOMS, [])
