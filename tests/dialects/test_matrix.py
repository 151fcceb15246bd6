"""One call through all dialects: begun in each, answered in each, ended in each."""

from itertools import product
from typing import Any

import pytest

from tests.builders import RING_MS
from tests.dialects.business import Business
from tests.dialects.conftest import VARIABLES, Api, install
from tests.dialects.dtalk.signers import Signer
from tests.dialects.phones import PHONES, DTalk, OpenChat, Phone, TgoRTC

PROVIDERS = {"tgortc": "livekit", "dtalk": "trtc", "openchat": "p2p"}
NAMES = [phone.name for phone in PHONES]
ANSWERED = sorted(
    [
        *("invited bob", "room.started", "joined alice", "joined bob"),
        *("left alice", "left bob", "room.finished"),
    ]
)
BY_CALLER_WHO_IS_IN = {"openchat"}
"""Where the caller is in from the beginning."""

each = pytest.mark.parametrize("phone", PHONES, ids=NAMES)


def matrix(*roles: str) -> pytest.MarkDecorator:
    """Every combination of dialects, one for each of the roles."""
    cells = list(product(PHONES, repeat=len(roles)))
    ids = ["-".join(phone.name for phone in cell) for cell in cells]
    return pytest.mark.parametrize(",".join(roles), cells, ids=ids)


def begin(api: Api, phone: type[Phone]) -> tuple[str, tuple[str, str]]:
    """The call, and where its caller was sent."""
    rung = phone(api).ring("alice", "bob")
    assert rung.is_ok, rung
    return phone(api).call_id(rung), rung.place


def come_in(api: Api, call_id: str) -> tuple[str, str]:
    """The caller, where it has to say so, and else for the place alone."""
    came = TgoRTC(api).answer("alice", call_id)
    assert came.is_ok
    return came.place


def assert_seen(api: Api, call_id: str, state: str, reason: str | None = None) -> None:
    """By both parties, through every dialect."""
    for uid in ("alice", "bob"):
        room = OpenChat(api).room(uid, call_id).data
        assert (room["status"], room["endReason"]) == (state, reason)
        assert TgoRTC(api).shown(uid) == ([] if state == "ended" else [call_id])
        checked = DTalk(api).check(uid, call_id)
        assert checked.code == (0 if state == "waiting" else DTalk.ended)
    calling = TgoRTC(api).memberships("alice", "bob")
    assert set(calling) == (set() if state == "ended" else {"alice", "bob"})


class TestAnswered:
    @matrix("begun", "answered", "ended")
    @pytest.mark.parametrize("leaver", ["alice", "bob"])
    def test_call_is_the_same_to_both_and_to_every_dialect(
        self,
        api: Api,
        begun: type[Phone],
        answered: type[Phone],
        ended: type[Phone],
        leaver: str,
    ) -> None:
        call_id, place = begin(api, begun)
        assert place[0] == PROVIDERS[begun.name]
        assert_seen(api, call_id, "waiting")
        api.clock.pass_ms(3_000)
        answer = answered(api).answer("bob", call_id)
        assert answer.is_ok and answer.place == place
        assert come_in(api, call_id) == place
        assert_seen(api, call_id, "active")
        api.clock.pass_ms(61_000)
        assert ended(api).leave(leaver, call_id).is_ok
        assert_seen(api, call_id, "ended", "completed")
        told = Business(api).hear(call_id)
        assert sorted(map(str, told)) == ANSWERED
        assert [str(one) for one in told[-3:-1]] == [
            f"left {leaver}",
            f"left {'bob' if leaver == 'alice' else 'alice'}",
        ]
        assert (told[-1].body["status"], told[-1].body["duration"]) == (2, 61)

    @each
    def test_business_cannot_tell_where_it_was_answered_or_ended(
        self, api: Api, phone: type[Phone]
    ) -> None:
        stories: set[str] = set()
        for answered, ended in product(PHONES, repeat=2):
            call_id, _ = begin(api, phone)
            answered(api).answer("bob", call_id)
            come_in(api, call_id)
            ended(api).leave("bob", call_id)
            stories.add(story_of(api, call_id))
        assert len(stories) == 1

    @matrix("begun", "answered")
    def test_second_device_of_any_dialect_is_sent_to_the_same_room(
        self, api: Api, begun: type[Phone], answered: type[Phone]
    ) -> None:
        call_id, place = begin(api, begun)
        answered(api).answer("bob", call_id)
        for phone in PHONES:
            again = phone(api).answer("bob", call_id)
            assert again.is_ok and again.place == place


class TestUnanswered:
    @matrix("begun", "ended")
    def test_callee_rejects(
        self, api: Api, begun: type[Phone], ended: type[Phone]
    ) -> None:
        call_id, _ = begin(api, begun)
        assert ended(api).leave("bob", call_id).is_ok
        assert_seen(api, call_id, "ended", "rejected")
        assert_told(api, begun, call_id, "rejected bob", status=4)

    @matrix("begun", "ended")
    def test_caller_cancels(
        self, api: Api, begun: type[Phone], ended: type[Phone]
    ) -> None:
        call_id, _ = begin(api, begun)
        assert ended(api).leave("alice", call_id).is_ok
        assert_seen(api, call_id, "ended", "cancelled")
        assert_told(api, begun, call_id, "cancelled alice", status=3)

    @each
    def test_callee_is_busy(self, api: Api, phone: type[Phone]) -> None:
        call_id, _ = begin(api, phone)
        assert DTalk(api).say_busy("bob", call_id).is_ok
        assert_seen(api, call_id, "ended", "busy")
        assert_told(api, phone, call_id, "rejected bob", status=5)

    @each
    @pytest.mark.parametrize("ender", [TgoRTC, OpenChat])
    def test_creator_ends_it(
        self, api: Api, phone: type[Phone], ender: type[TgoRTC] | type[OpenChat]
    ) -> None:
        call_id, _ = begin(api, phone)
        assert not ender(api).end("bob", call_id).is_ok
        assert ender(api).end("alice", call_id).is_ok
        assert_seen(api, call_id, "ended", "cancelled")
        assert_told(api, phone, call_id, "cancelled alice", status=3)

    @each
    def test_nobody_comes_and_every_dialect_knows_it_without_a_timer(
        self, api: Api, phone: type[Phone]
    ) -> None:
        call_id, _ = begin(api, phone)
        api.clock.pass_ms(RING_MS - 1)
        assert_seen(api, call_id, "waiting")
        api.clock.pass_ms(1)
        assert_seen(api, call_id, "ended", "missed")

    @matrix("begun", "answered")
    def test_answer_at_the_deadline_comes_too_late(
        self, api: Api, begun: type[Phone], answered: type[Phone]
    ) -> None:
        call_id, _ = begin(api, begun)
        api.clock.pass_ms(RING_MS)
        assert answered(api).answer("bob", call_id).code == answered.ended
        assert_told(api, begun, call_id, "missed bob", status=6)


class TestGroup:
    @matrix("begun", "answered", "left")
    def test_members_come_and_go_through_any_dialect(
        self,
        api: Api,
        begun: type[Phone],
        answered: type[Phone],
        left: type[Phone],
    ) -> None:
        rung = begun(api).ring_group("alice", "bob", "carol", "dave")
        call_id = begun(api).call_id(rung)
        assert answered(api).answer("bob", call_id).place == rung.place
        assert come_in(api, call_id) == rung.place
        assert left(api).leave("carol", call_id).is_ok
        assert DTalk(api).check("dave", call_id).is_ok
        assert DTalk(api).check("carol", call_id).code == DTalk.ended
        assert OpenChat(api).members("bob", call_id) == {
            "alice": "joined",
            "bob": "joined",
            "carol": "rejected",
            "dave": "invited",
        }
        assert TgoRTC(api).shown("carol") == []
        assert answered(api).answer("dave", call_id).place == rung.place
        for uid in ("dave", "alice"):
            assert left(api).leave(uid, call_id).is_ok
            assert TgoRTC(api).shown("bob") == [call_id]
        assert left(api).leave("bob", call_id).is_ok
        told = Business(api).hear(call_id)
        assert sorted(map(str, told)) == sorted(
            [
                *("invited bob", "invited carol", "invited dave", "room.started"),
                *("joined alice", "joined bob", "joined dave", "rejected carol"),
                *("left alice", "left bob", "left dave", "room.finished"),
            ]
        )
        assert told[-1].body["status"] == 2

    @each
    def test_busy_member_does_not_keep_the_others_from_ringing(
        self, api: Api, phone: type[Phone]
    ) -> None:
        phone(api).ring("erin", "bob")
        rung = phone(api).ring_group("alice", "bob", "carol")
        assert rung.is_ok
        call_id = phone(api).call_id(rung)
        assert TgoRTC(api).shown("carol") == [call_id]
        assert call_id not in TgoRTC(api).shown("bob")


class TestProvider:
    @matrix("begun", "answered")
    @pytest.mark.parametrize("name", ["livekit", "trtc", "p2p"])
    def test_choice_of_the_dialect_that_begins_holds_for_all(
        self,
        monkeypatch: pytest.MonkeyPatch,
        begun: type[Phone],
        answered: type[Phone],
        name: str,
    ) -> None:
        chosen = {f"PARLEY_PROVIDER_{begun.name.upper()}": name}
        api = install(monkeypatch, {**VARIABLES, **chosen})
        call_id, place = begin(api, begun)
        answer = answered(api).answer("bob", call_id)
        assert answer.place == place and place[0] == name

    @matrix("begun", "answered")
    def test_one_that_nobody_set_up_is_in_no_command_s_way(
        self,
        monkeypatch: pytest.MonkeyPatch,
        begun: type[Phone],
        answered: type[Phone],
    ) -> None:
        production = {**VARIABLES, "PARLEY_ENV": "production"}
        for name in [name for name in production if name.startswith("LIVEKIT_")]:
            del production[name]
        api = install(monkeypatch, production)
        call_id, place = begin(api, begun)
        answer = answered(api).answer("bob", call_id)
        assert answer.place == place
        is_set_up = place[0] == "p2p"
        assert ("error" in answer.data["media"]) != is_set_up
        assert answered(api).leave("bob", call_id).is_ok


def test_user_of_a_signature_is_the_same_to_every_dialect(api: Api) -> None:
    bob = Signer(7)
    call_id = TgoRTC(api).call_id(TgoRTC(api).ring("alice", bob.uid))
    trace_id = str(api.store.calls["default", call_id].trace_id)
    headers = {"fzm-signature": bob.sign(api.clock.now_ms())}
    body = {"answer": True, "traceId": int(trace_id), "traceIdStr": trace_id}
    reply = api.post("/call/app/handle-call", body, None, headers=headers)
    assert reply.json["result"] == 0
    assert reply.json["data"]["media"]["provider"] == "livekit"
    assert OpenChat(api).members("alice", call_id)[bob.uid] == "joined"


class TestRefused:
    @matrix("first", "second")
    def test_glare_is_decided_across_dialects(
        self, api: Api, first: type[Phone], second: type[Phone]
    ) -> None:
        """Who is being rung cannot ring back, nor be rung by a third."""
        call_id, _ = begin(api, first)
        assert not second(api).ring("bob", "alice").is_ok
        assert second(api).ring("carol", "bob").code == second.busy
        assert_seen(api, call_id, "waiting")
        assert TgoRTC(api).shown("carol") == []

    @matrix("begun", "asked")
    def test_stranger_is_refused_everything(
        self, api: Api, begun: type[Phone], asked: type[Phone]
    ) -> None:
        call_id, _ = begin(api, begun)
        assert asked(api).answer("mallory", call_id).code == asked.stranger
        assert asked(api).leave("mallory", call_id).code == asked.stranger
        assert DTalk(api).check("mallory", call_id).code == DTalk.stranger
        assert DTalk(api).say_busy("mallory", call_id).code == DTalk.stranger
        assert OpenChat(api).room("mallory", call_id).code == OpenChat.stranger
        assert_seen(api, call_id, "waiting")

    @each
    def test_unknown_call_is_unknown(self, api: Api, phone: type[Phone]) -> None:
        assert phone(api).answer("bob", "nothing").code == phone.unknown
        assert phone(api).leave("bob", "nothing").code == phone.unknown

    @matrix("begun", "asked")
    def test_ended_call_takes_no_answer_and_ends_but_once(
        self, api: Api, begun: type[Phone], asked: type[Phone]
    ) -> None:
        call_id, _ = begin(api, begun)
        begun(api).leave("bob", call_id)
        told = story_of(api, call_id)
        assert asked(api).answer("bob", call_id).code == asked.ended
        asked(api).leave("bob", call_id)
        asked(api).leave("alice", call_id)
        assert story_of(api, call_id) == told

    @matrix("begun", "asked")
    def test_another_tenant_s_call_is_unknown(
        self, api: Api, begun: type[Phone], asked: type[Phone]
    ) -> None:
        call_id, _ = begin(api, begun)
        elsewhere = InTenant(api, "acme")
        assert asked(elsewhere).answer("bob", call_id).code == asked.unknown
        assert_seen(api, call_id, "waiting")


class InTenant(Api):
    """The same API, asked with another tenant's tokens."""

    def __init__(self, api: Api, tenant: str) -> None:
        super().__init__(api.store, api.clock, api.tallies, api.webhooks)
        self.tenant = tenant

    def request(self, *arguments: Any, **how: Any) -> Any:
        return super().request(*arguments, **{**how, "tenant": self.tenant})


def story_of(api: Api, call_id: str) -> str:
    """All that is told of a call, but for its name, its times and devices."""
    bodies = []
    for told in Business(api).hear(call_id):
        body = {**told.body, "room_id": "", "created_at": 0, "updated_at": 0}
        bodies.append((told.type, sorted({**body, "device_type": ""}.items())))
    api.store.lanes.clear()
    return repr(bodies)


def assert_told(
    api: Api, begun: type[Phone], call_id: str, what: str, status: int
) -> None:
    """Of a call that nobody answered."""
    expected = ["invited bob", what, "room.finished"]
    if begun.name in BY_CALLER_WHO_IS_IN:
        expected += ["room.started", "joined alice", "left alice"]
    told = Business(api).hear(call_id)
    assert sorted(map(str, told)) == sorted(expected)
    assert str(told[-1]) == "room.finished"
    assert (told[-1].body["status"], told[-1].body["duration"]) == (status, 0)
