"""dtalk's endpoints, as its clients meet them."""

import base64
import json
import zlib
from typing import Any

import jwt
import pytest

from chalicelib.dialects.dtalk import wire
from chalicelib.domain import errors
from chalicelib.protocol.vocabulary import (
    CallState,
    EndReason,
    ParticipantState,
    Role,
)
from chalicelib.services import ports
from tests.builders import NOW_MS, RING_MS
from tests.dialects.conftest import VARIABLES, Api, Reply, install
from tests.dialects.dtalk.signers import Signer

SECOND_MS = 1000
START: dict[str, Any] = {"groupId": "0", "invitees": ["bob"], "RTCType": 2}
GROUP: dict[str, Any] = {**START, "groupId": "9", "invitees": ["bob", "carol"]}
TGORTC = "/api/v1/rooms"
ANDROID = {"fzm-device": "Android"}
IOS = {"fzm-device": "iOS"}


def ask(api: Api, name: str, body: Any, uid: str | None = "alice", **how: Any) -> Reply:
    reply = api.post(f"/app/{name}", body, uid, **how)
    assert reply.status == 200
    assert list(reply.json) == ["result", "message", "data"]
    return reply


def data(reply: Reply) -> Any:
    assert (reply.json["result"], reply.json["message"]) == (0, "OK")
    return reply.json["data"]


def code(reply: Reply) -> int:
    assert reply.json["message"] == wire.TEXTS[reply.json["result"]]
    return int(reply.json["result"])


def child(reply: Reply) -> str:
    """What is wrong with the parameters."""
    assert code(reply) == -1012
    text, _, detail = reply.json["data"].partition(" with child err: ")
    assert text == "请求参数错误"
    return str(detail)


def start(api: Api, uid: str = "alice", **changes: Any) -> int:
    reply = ask(api, "start-call", {**START, **changes}, uid)
    return int(data(reply)["traceId"])


def check(api: Api, trace_id: int, uid: str, **how: Any) -> Reply:
    return ask(api, "check-call", {"traceId": trace_id}, uid, **how)


def handle(api: Api, trace_id: int, uid: str, *, answer: bool, **how: Any) -> Reply:
    body = {"traceId": trace_id, "answer": answer}
    return ask(api, "handle-call", body, uid, **how)


def answer(api: Api, trace_id: int, uid: str, **how: Any) -> Reply:
    return handle(api, trace_id, uid, answer=True, **how)


def leave(api: Api, trace_id: int, uid: str, **how: Any) -> Reply:
    return handle(api, trace_id, uid, answer=False, **how)


def say_busy(api: Api, trace_id: int, uid: str) -> Reply:
    return ask(api, "reply-busy", {"traceId": trace_id}, uid)


def stored(api: Api, trace_id: int) -> Any:
    return api.store.calls["default", str(trace_id)]


def unpacked(ticket: str) -> Any:
    packed = base64.b64decode(ticket.translate(str.maketrans("*-_", "+/=")))
    return json.loads(zlib.decompress(packed))


class TestStart:
    def test_start_answers_the_contracts_call(self, api: Api) -> None:
        call = data(ask(api, "start-call", START))
        media = call.pop("media")
        trace_id = call.pop("traceId")
        assert call == {
            "traceIdStr": str(trace_id),
            "RTCType": 2,
            "invitees": ["bob"],
            "caller": "alice",
            "createTime": NOW_MS,
            "timeout": RING_MS,
            "deadline": NOW_MS + RING_MS,
            "groupId": "0",
        }
        assert isinstance(trace_id, int)
        assert (media["provider"], media["sdkAppId"]) == ("trtc", 1400000000)
        assert stored(api, trace_id).trace_id == trace_id
        assert api.events(str(trace_id)) == ["participant.invited"]

    def test_both_prefixes_are_the_same_server(self, api: Api) -> None:
        reply = api.post("/call/app/start-call", START)
        trace_id = data(reply)["traceId"]
        body = {"traceId": trace_id}
        assert data(api.post("/call/app/check-call", body, "bob"))["caller"] == "alice"

    def test_audio_is_one(self, api: Api) -> None:
        assert data(check(api, start(api, RTCType=1), "bob"))["RTCType"] == 1

    @pytest.mark.parametrize("group_id", [None, "", "0", 0])
    def test_private_calls_say_so_in_many_ways(self, api: Api, group_id: Any) -> None:
        call = data(ask(api, "start-call", {**START, "groupId": group_id}))
        assert call["groupId"] == "0"

    def test_private_call_may_go_without_the_group(self, api: Api) -> None:
        body = {name: START[name] for name in ("invitees", "RTCType")}
        trace_id = data(ask(api, "start-call", body))["traceId"]
        assert stored(api, trace_id).max_participants == 2

    @pytest.mark.parametrize("group_id", ["9007199254740993", 9007199254740993])
    def test_group_is_a_string_or_a_number(self, api: Api, group_id: Any) -> None:
        call = data(ask(api, "start-call", {**GROUP, "groupId": group_id}))
        assert call["groupId"] == "9007199254740993"
        assert call["invitees"] == ["bob", "carol"]
        seen = data(check(api, call["traceId"], "carol"))
        del call["media"]
        assert seen == call

    def test_invitees_are_each_rung_once(self, api: Api) -> None:
        uids = ["bob", "", "bob", "alice", "carol"]
        call = data(ask(api, "start-call", {**GROUP, "invitees": uids}))
        assert call["invitees"] == ["bob", "carol"]
        assert stored(api, call["traceId"]).max_participants == 32

    def test_group_call_with_one_is_ended_by_either(self, api: Api) -> None:
        trace_id = start(api, groupId="9")
        answer(api, trace_id, "bob")
        leave(api, trace_id, "alice")
        assert stored(api, trace_id).state is CallState.ENDED

    def test_busy_callee_is_busy(self, api: Api) -> None:
        start(api)
        reply = ask(api, "start-call", START, "carol")
        assert code(reply) == -10101 and reply.json["data"] is None

    def test_busy_caller_is_told(self, api: Api) -> None:
        start(api)
        reply = ask(api, "start-call", {**START, "invitees": ["carol"]})
        assert code(reply) == -10101
        assert reply.json["data"] == "the caller is in another call"

    def test_busy_member_of_a_group_is_passed_over(self, api: Api) -> None:
        start(api, "dave", invitees=["carol"])
        trace_id = start(api, **GROUP)
        assert code(check(api, trace_id, "carol")) == -10102
        assert data(check(api, trace_id, "bob"))["invitees"] == ["bob", "carol"]

    def test_too_many_are_refused(self, api: Api) -> None:
        uids = [f"u{number}" for number in range(32)]
        reply = ask(api, "start-call", {**GROUP, "invitees": uids})
        assert child(reply) == "the call has room for fewer"

    @pytest.mark.parametrize(
        ("changes", "detail"),
        [
            ({"invitees": None}, "field invitees is not set"),
            ({"invitees": "bob"}, "error: type mismatch for field invitees"),
            ({"invitees": [7]}, "error: type mismatch for field invitees"),
            ({"invitees": []}, "field invitees must name another user"),
            ({"invitees": ["alice", ""]}, "field invitees must name another user"),
            ({"invitees": ["bob", "carol"]}, "a private call has one invitee"),
            (
                {"invitees": ["b" * 65]},
                "an invitee has at most 64 printable characters",
            ),
            (
                {"invitees": ["b\ud800"]},
                "an invitee has at most 64 printable characters",
            ),
            ({"RTCType": None}, "field RTCType is not set"),
            ({"RTCType": "2"}, "error: type mismatch for field RTCType"),
            ({"RTCType": True}, "error: type mismatch for field RTCType"),
            (
                {"RTCType": 3},
                'error: value "3" for field "RTCType" is not defined in options '
                '"[1 2]"',
            ),
            ({"groupId": 1.5}, "error: type mismatch for field groupId"),
            ({"groupId": -1}, "error: type mismatch for field groupId"),
            ({"groupId": "-1"}, "error: type mismatch for field groupId"),
            ({"groupId": "x"}, "error: type mismatch for field groupId"),
            ({"groupId": "²"}, "error: type mismatch for field groupId"),
            ({"groupId": 2**63}, "error: type mismatch for field groupId"),
            ({"groupId": "9" * 19}, "error: type mismatch for field groupId"),
            ({"groupId": "9" * 5000}, "error: type mismatch for field groupId"),
            ({"groupId": False}, "error: type mismatch for field groupId"),
        ],
    )
    def test_wrong_field_is_named(
        self, api: Api, changes: dict[str, Any], detail: str
    ) -> None:
        assert child(ask(api, "start-call", {**START, **changes})) == detail
        assert api.store.calls == {}

    @pytest.mark.parametrize("body", ["", "{", "[]", "null", '"x"'])
    def test_body_that_is_no_object_is_refused(self, api: Api, body: str) -> None:
        assert child(ask(api, "start-call", body)).startswith("the body must be")

    @pytest.mark.parametrize("device", ["d" * 21, "d\u0007"])
    def test_device_of_no_kind_is_refused(self, api: Api, device: str) -> None:
        reply = ask(api, "start-call", START, headers={"fzm-device": device})
        assert child(reply).startswith("FZM-DEVICE has")


class TestIdempotency:
    KEY = {"idempotency-key": "k"}

    def test_repeated_start_is_one_call(self, api: Api) -> None:
        first = ask(api, "start-call", START, headers=self.KEY)
        again = ask(api, "start-call", START, headers=self.KEY)
        assert data(first)["traceId"] == data(again)["traceId"]
        assert len(api.store.calls) == 1

    def test_key_of_another_request_is_refused(self, api: Api) -> None:
        ask(api, "start-call", START, headers=self.KEY)
        reply = ask(api, "start-call", {**START, "RTCType": 1}, headers=self.KEY)
        assert child(reply).startswith("the Idempotency-Key was used before")

    def test_repeated_answer_is_the_same(self, api: Api) -> None:
        trace_id = start(api)
        first = answer(api, trace_id, "bob", headers=self.KEY)
        again = answer(api, trace_id, "bob", headers=self.KEY)
        assert data(first) == data(again)


class TestCheck:
    def test_callee_learns_who_rings(self, api: Api) -> None:
        trace_id = start(api)
        assert data(check(api, trace_id, "bob")) == {
            "traceId": trace_id,
            "traceIdStr": str(trace_id),
            "RTCType": 2,
            "invitees": ["bob"],
            "caller": "alice",
            "createTime": NOW_MS,
            "timeout": RING_MS,
            "deadline": NOW_MS + RING_MS,
            "groupId": "0",
        }

    def test_caller_sees_it_as_long_as_it_rings(self, api: Api) -> None:
        trace_id = start(api)
        assert data(check(api, trace_id, "alice"))["caller"] == "alice"

    def test_call_past_its_deadline_has_expired(self, api: Api) -> None:
        trace_id = start(api)
        api.clock.pass_ms(RING_MS - 1)
        assert data(check(api, trace_id, "bob"))
        api.clock.pass_ms(1)
        assert code(check(api, trace_id, "bob")) == -10102

    @pytest.mark.parametrize("uid", ["alice", "bob"])
    def test_answered_call_has_expired(self, api: Api, uid: str) -> None:
        trace_id = start(api)
        answer(api, trace_id, "bob")
        assert code(check(api, trace_id, uid)) == -10102

    def test_group_rings_on_for_who_has_not_answered(self, api: Api) -> None:
        trace_id = start(api, **GROUP)
        answer(api, trace_id, "bob")
        assert data(check(api, trace_id, "carol"))["caller"] == "alice"
        assert code(check(api, trace_id, "bob")) == -10102

    def test_group_that_was_declined_has_expired_for_oneself(self, api: Api) -> None:
        trace_id = start(api, **GROUP)
        leave(api, trace_id, "bob")
        assert code(check(api, trace_id, "bob")) == -10102
        assert data(check(api, trace_id, "carol"))

    def test_unknown_call_is_none(self, api: Api) -> None:
        for trace_id in (0, 7, -7, 2**63 - 1):
            assert code(check(api, trace_id, "bob")) == -1007

    def test_call_of_another_tenant_is_none(self, api: Api) -> None:
        trace_id = start(api)
        assert code(check(api, trace_id, "bob", tenant="acme")) == -1007

    def test_stranger_sees_nothing(self, api: Api) -> None:
        assert code(check(api, start(api), "eve")) == -1019

    def test_administrator_sees_all(self, api: Api) -> None:
        trace_id = start(api)
        seen = check(api, trace_id, "root", role=Role.ADMIN)
        assert data(seen)["deadline"] == NOW_MS + RING_MS
        answer(api, trace_id, "bob")
        assert code(check(api, trace_id, "root", role=Role.ADMIN)) == -10102

    @pytest.mark.parametrize(
        "body",
        [
            {"traceId": "T"},
            {"traceIdStr": "T"},
            {"traceId": 1, "traceIdStr": "T"},
            {"traceId": "not looked at", "traceIdStr": "T"},
            {"traceId": None, "traceIdStr": "T"},
            {"traceId": "T", "traceIdStr": ""},
            {"traceId": "T", "traceIdStr": None},
        ],
    )
    def test_either_id_will_do_and_the_string_wins(
        self, api: Api, body: dict[str, Any]
    ) -> None:
        trace_id = start(api)
        if body.get("traceId") == "T":
            body = {**body, "traceId": trace_id}
        if body.get("traceIdStr") == "T":
            body = {**body, "traceIdStr": str(trace_id)}
        assert data(ask(api, "check-call", body, "bob"))["traceId"] == trace_id

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            ({}, "field traceId is not set"),
            ({"traceId": None}, "field traceId is not set"),
            ({"traceIdStr": ""}, "field traceId is not set"),
            ({"traceId": "7"}, "error: type mismatch for field traceId"),
            ({"traceId": 7.0}, "error: type mismatch for field traceId"),
            ({"traceId": True}, "error: type mismatch for field traceId"),
            ({"traceId": 2**63}, "error: type mismatch for field traceId"),
            ({"traceIdStr": 7}, "error: type mismatch for field traceIdStr"),
            ({"traceIdStr": "x"}, "error: type mismatch for field traceIdStr"),
            ({"traceIdStr": "٧"}, "error: type mismatch for field traceIdStr"),
            ({"traceIdStr": "9" * 19}, "error: type mismatch for field traceIdStr"),
        ],
    )
    def test_wrong_id_is_named(
        self, api: Api, body: dict[str, Any], detail: str
    ) -> None:
        for name in ("check-call", "reply-busy"):
            assert child(ask(api, name, body)) == detail
        assert child(ask(api, "handle-call", {"answer": True, **body})) == detail

    def test_call_of_another_dialect_is_found_by_its_number(self, api: Api) -> None:
        room = {"creator": "alice", "device_type": "app", "uids": ["bob"]}
        room_id = api.post(TGORTC, {**room, "rtc_type": 1}).json["room_id"]
        trace_id = api.store.calls["default", room_id].trace_id
        seen = data(check(api, trace_id, "bob"))
        assert (seen["caller"], seen["RTCType"], seen["groupId"]) == ("alice", 2, "0")

    def test_room_with_a_number_for_a_name_is_not_meant(self, api: Api) -> None:
        room = {"creator": "alice", "device_type": "app", "uids": ["bob"]}
        assert api.post(TGORTC, {**room, "room_id": "77"}).status == 200
        assert code(check(api, 77, "bob")) == -1007
        assert code(leave(api, 77, "bob")) == -1007


class TestAnswer:
    def test_answer_is_a_ticket(self, api: Api) -> None:
        trace_id = start(api)
        reply = data(answer(api, trace_id, "bob"))
        media = reply.pop("media")
        number = stored(api, trace_id).room_number
        assert set(reply) == {"roomId", "userSig", "privateMapKey", "sdkAppId"}
        assert (reply["roomId"], reply["sdkAppId"]) == (number, 1400000000)
        assert unpacked(reply["userSig"])["TLS.identifier"] == "bob"
        rights = base64.b64decode(unpacked(reply["privateMapKey"])["TLS.userbuf"])
        assert number.to_bytes(4) in rights
        assert media == {
            "provider": "trtc",
            "url": "",
            "token": reply["userSig"],
            "roomId": number,
            "sdkAppId": 1400000000,
            "userSig": reply["userSig"],
            "privateMapKey": reply["privateMapKey"],
        }

    def test_answer_has_both_in_the_call(self, api: Api) -> None:
        trace_id = start(api)
        api.clock.pass_ms(SECOND_MS)
        answer(api, trace_id, "bob")
        call = stored(api, trace_id)
        assert call.state is CallState.ACTIVE
        assert {m.state for m in call.participants} == {ParticipantState.JOINED}
        assert call.talk_started_at_ms == NOW_MS + SECOND_MS
        assert api.events(str(trace_id)) == [
            "participant.invited",
            "room.started",
            "participant.joined",
            "participant.joined",
        ]

    def test_answer_stores_the_device(self, api: Api) -> None:
        trace_id = start(api)
        answer(api, trace_id, "bob", headers=IOS)
        assert stored(api, trace_id).participant("bob").device_type == "iOS"

    def test_answer_again_is_the_same_ticket(self, api: Api) -> None:
        trace_id = start(api)
        first = data(answer(api, trace_id, "bob", headers=IOS))
        assert data(answer(api, trace_id, "bob", headers=IOS)) == first
        assert data(answer(api, trace_id, "bob")) == first
        assert len(api.events(str(trace_id))) == 4

    def test_answer_on_another_device_has_expired(self, api: Api) -> None:
        trace_id = start(api)
        answer(api, trace_id, "bob", headers=IOS)
        assert code(answer(api, trace_id, "bob", headers=ANDROID)) == -10102
        assert stored(api, trace_id).participant("bob").device_type == "iOS"

    def test_caller_gets_its_own_ticket_once_it_was_answered(self, api: Api) -> None:
        trace_id = start(api)
        assert code(answer(api, trace_id, "alice")) == -1019
        theirs = data(answer(api, trace_id, "bob"))
        mine = data(answer(api, trace_id, "alice", headers=IOS))
        assert mine["roomId"] == theirs["roomId"]
        assert unpacked(mine["userSig"])["TLS.identifier"] == "alice"

    @pytest.mark.parametrize("uid", ["alice", "bob"])
    def test_answer_to_an_ended_call_has_expired(self, api: Api, uid: str) -> None:
        trace_id = start(api)
        leave(api, trace_id, "bob")
        assert code(answer(api, trace_id, uid)) == -10102

    def test_answer_past_the_deadline_has_expired(self, api: Api) -> None:
        trace_id = start(api)
        api.clock.pass_ms(RING_MS)
        assert code(answer(api, trace_id, "bob")) == -10102
        assert stored(api, trace_id).end_reason is EndReason.MISSED

    def test_answer_after_declining_in_a_group_has_expired(self, api: Api) -> None:
        trace_id = start(api, **GROUP)
        leave(api, trace_id, "bob")
        assert code(answer(api, trace_id, "bob")) == -10102

    def test_who_hung_up_in_a_group_may_come_again(self, api: Api) -> None:
        trace_id = start(api, **GROUP)
        answer(api, trace_id, "bob")
        leave(api, trace_id, "bob")
        assert data(answer(api, trace_id, "bob"))["roomId"]

    def test_stranger_cannot_answer(self, api: Api) -> None:
        trace_id = start(api)
        assert code(answer(api, trace_id, "eve")) == -1019
        leave(api, trace_id, "bob")
        assert code(answer(api, trace_id, "eve")) == -1019

    def test_stranger_cannot_answer_a_room_open_to_all(self, api: Api) -> None:
        room = {"creator": "alice", "device_type": "app", "uids": ["bob"]}
        body = {**room, "invite_on": 0, "max_participants": 5}
        room_id = api.post(TGORTC, body).json["room_id"]
        trace_id = api.store.calls["default", room_id].trace_id
        assert code(answer(api, trace_id, "eve")) == -1019

    def test_unknown_call_is_none(self, api: Api) -> None:
        assert code(answer(api, 7, "bob")) == -1007

    @pytest.mark.parametrize(
        ("body", "detail"),
        [
            ({"traceId": 7}, "field answer is not set"),
            ({"traceId": 7, "answer": None}, "field answer is not set"),
            ({"traceId": 7, "answer": 1}, "error: type mismatch for field answer"),
            ({"traceId": 7, "answer": "true"}, "error: type mismatch for field answer"),
        ],
    )
    def test_wrong_field_is_named(
        self, api: Api, body: dict[str, Any], detail: str
    ) -> None:
        assert child(ask(api, "handle-call", body)) == detail

    def test_call_of_another_provider_has_a_ticket_too(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = install(monkeypatch, {**VARIABLES, "PARLEY_PROVIDER_DTALK": "livekit"})
        trace_id = start(api)
        reply = data(answer(api, trace_id, "bob"))
        assert reply["sdkAppId"] == 1400000000 and reply["userSig"]
        media = reply["media"]
        assert (media["provider"], media["roomId"]) == ("livekit", str(trace_id))
        claims = jwt.decode(media["token"], options={"verify_signature": False})
        assert claims["sub"] == "bob"

    def test_without_trtc_the_media_says_so(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = install(monkeypatch, {**VARIABLES, "PARLEY_ENV": "production"})
        reply = data(answer(api, start(api), "bob"))
        assert reply["sdkAppId"] == 0 and reply["userSig"] == ""
        assert reply["roomId"] > 0
        assert reply["media"]["error"] == "trtc is not set up"


class TestLeave:
    def test_caller_cancels_what_rings(self, api: Api) -> None:
        trace_id = start(api)
        assert data(leave(api, trace_id, "alice")) == {}
        assert stored(api, trace_id).end_reason is EndReason.CANCELLED
        told = ["participant.invited", "participant.cancelled", "room.finished"]
        assert api.events(str(trace_id)) == told

    def test_callee_rejects_what_rings(self, api: Api) -> None:
        trace_id = start(api)
        assert data(leave(api, trace_id, "bob")) == {}
        assert stored(api, trace_id).end_reason is EndReason.REJECTED

    @pytest.mark.parametrize("uid", ["alice", "bob"])
    def test_either_hangs_up(self, api: Api, uid: str) -> None:
        trace_id = start(api)
        answer(api, trace_id, "bob")
        api.clock.pass_ms(5 * SECOND_MS)
        assert data(leave(api, trace_id, uid)) == {}
        call = stored(api, trace_id)
        assert (call.end_reason, call.duration_seconds) == (EndReason.HANGUP, 5)

    def test_leaving_again_does_nothing(self, api: Api) -> None:
        trace_id = start(api)
        leave(api, trace_id, "bob")
        told = api.events(str(trace_id))
        for uid in ("alice", "bob"):
            assert data(leave(api, trace_id, uid)) == {}
        assert api.events(str(trace_id)) == told

    def test_stranger_ends_nothing(self, api: Api) -> None:
        trace_id = start(api)
        assert code(leave(api, trace_id, "eve")) == -1019
        assert stored(api, trace_id).state is CallState.WAITING
        leave(api, trace_id, "bob")
        assert code(leave(api, trace_id, "eve")) == -1019

    def test_unknown_call_is_none(self, api: Api) -> None:
        assert code(leave(api, 7, "bob")) == -1007

    def test_missed_call_frees_both(self, api: Api) -> None:
        start(api)
        api.clock.pass_ms(RING_MS)
        assert start(api, "bob", invitees=["alice"])


class TestReplyBusy:
    def test_busy_ends_a_private_call(self, api: Api) -> None:
        trace_id = start(api)
        assert data(say_busy(api, trace_id, "bob")) == {}
        assert stored(api, trace_id).end_reason is EndReason.BUSY
        told = ["participant.invited", "participant.rejected", "room.finished"]
        assert api.events(str(trace_id)) == told
        assert code(answer(api, trace_id, "bob")) == -10102

    def test_busy_caller_withdraws_the_call(self, api: Api) -> None:
        trace_id = start(api)
        assert data(say_busy(api, trace_id, "alice")) == {}
        assert stored(api, trace_id).end_reason is EndReason.CANCELLED

    def test_busy_in_a_group_is_for_oneself(self, api: Api) -> None:
        trace_id = start(api, **GROUP)
        say_busy(api, trace_id, "bob")
        call = stored(api, trace_id)
        assert call.participant("bob").end_reason is EndReason.BUSY
        assert call.state is CallState.WAITING

    def test_busy_after_the_answer_changes_nothing(self, api: Api) -> None:
        trace_id = start(api)
        answer(api, trace_id, "bob")
        for uid in ("alice", "bob"):
            assert data(say_busy(api, trace_id, uid)) == {}
        assert stored(api, trace_id).state is CallState.ACTIVE

    def test_stranger_is_refused(self, api: Api) -> None:
        assert code(say_busy(api, start(api), "eve")) == -1019

    def test_unknown_call_is_none(self, api: Api) -> None:
        assert code(say_busy(api, 7, "bob")) == -1007


class TestIdentity:
    def test_signature_is_who_sent_it(self, api: Api) -> None:
        alice, bob = Signer(7), Signer(8)
        headers = {"fzm-signature": alice.sign(NOW_MS)}
        body = {**START, "invitees": [bob.uid]}
        call = data(ask(api, "start-call", body, None, headers=headers))
        assert call["caller"] == alice.uid
        theirs = {"fzm-signature": bob.sign(NOW_MS), **ANDROID}
        reply = answer(api, call["traceId"], "", headers=theirs)
        assert unpacked(data(reply)["userSig"])["TLS.identifier"] == bob.uid

    def test_signature_goes_before_a_token(self, api: Api) -> None:
        headers = {"fzm-signature": Signer(7).sign(NOW_MS)}
        call = data(ask(api, "start-call", START, "alice", headers=headers))
        assert call["caller"] == Signer(7).uid

    @pytest.mark.parametrize("late_ms", [-121 * SECOND_MS, 121 * SECOND_MS])
    def test_signature_of_another_time_has_expired(
        self, api: Api, late_ms: int
    ) -> None:
        headers = {"fzm-signature": Signer(7).sign(NOW_MS - late_ms)}
        assert code(ask(api, "start-call", START, None, headers=headers)) == -1011

    def test_signature_that_is_none_is_refused_beside_a_token(self, api: Api) -> None:
        headers = {"fzm-signature": "MOCK"}
        assert code(ask(api, "start-call", START, headers=headers)) == -1010

    @pytest.mark.parametrize(
        "name", ["start-call", "check-call", "handle-call", "reply-busy"]
    )
    def test_nobody_is_refused(self, api: Api, name: str) -> None:
        assert code(ask(api, name, START, None)) == -1010

    def test_bad_token_is_refused(self, api: Api) -> None:
        headers = {"authorization": "Bearer x"}
        assert code(ask(api, "start-call", START, None, headers=headers)) == -1010

    def test_open_dialect_believes_what_is_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        api = install(monkeypatch, {**VARIABLES, "PARLEY_OPEN_DIALECTS": "dtalk"})
        call = data(ask(api, "start-call", START, None, query="uid=alice"))
        assert call["caller"] == "alice"
        body = {"traceId": call["traceId"], "answer": True, "uid": "bob"}
        assert data(ask(api, "handle-call", body, None))["userSig"]
        assert child(ask(api, "start-call", START, None)) == "field uid is not set"
        for uid in (7, "", "u" * 65):
            reply = ask(api, "start-call", {**START, "uid": uid}, None)
            assert child(reply) == "field uid is not set"


class TestFailures:
    def test_failing_storage_is_a_busy_server(
        self, api: Api, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def throttled(*args: Any) -> None:
            raise ports.Throttled

        monkeypatch.setattr("chalicelib.adapters.memory.MemoryCalls.commit", throttled)
        assert code(ask(api, "start-call", START)) == -1000

    def test_mistake_of_ours_tells_nothing_and_is_logged(
        self,
        api: Api,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def broken(*args: Any) -> None:
            raise RuntimeError("secret detail")

        monkeypatch.setattr("chalicelib.adapters.memory.MemoryCalls.commit", broken)
        reply = ask(api, "start-call", START)
        assert code(reply) == -1000 and "secret" not in reply.text
        assert "unexpected failure" in caplog.messages

    @pytest.mark.parametrize("prefix", ["/app", "/call/app"])
    @pytest.mark.parametrize(
        ("method", "path", "headers", "status", "result"),
        [
            ("POST", "/no-call", {}, 404, -2000),
            ("POST", "", {}, 404, -2000),
            ("GET", "/start-call", {}, 405, -2000),
            ("POST", "/start-call", {"content-type": "text/plain"}, 415, -1012),
        ],
    )
    def test_what_reaches_no_route_has_the_envelope_too(
        self,
        api: Api,
        prefix: str,
        method: str,
        path: str,
        headers: dict[str, str],
        status: int,
        result: int,
    ) -> None:
        body = START if method == "POST" else None
        reply = api.request(method, prefix + path, body, headers=headers)
        text = wire.TEXTS[result]
        assert reply.status == status
        assert reply.json == {"result": result, "message": text, "data": None}

    def test_every_refusal_of_a_call_has_its_code(self) -> None:
        refusals = {
            kind
            for kind in vars(errors).values()
            if isinstance(kind, type)
            and issubclass(kind, errors.CallError)
            and kind not in (errors.CallError, errors.CallExists)
        }
        assert refusals <= set(wire.ERRORS)
        assert set(wire.ERRORS.values()) | set(wire.STATUS_CODES.values()) <= set(
            wire.TEXTS
        )
