"""Whatever people do through whichever dialects, the dialects agree on every call."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    multiple,
    precondition,
    rule,
)

from tests.builders import RING_MS
from tests.dialects.business import Business
from tests.dialects.conftest import VARIABLES, install
from tests.dialects.phones import PHONES, Answer, DTalk, OpenChat, Phone, TgoRTC

UIDS = ("alice", "bob", "carol")
ROOM_STATUS = {
    "completed": 2,
    "cancelled": 3,
    "rejected": 4,
    "busy": 5,
    "missed": 6,
}
"""OpenChat's reason, and TgoRTC's status, of the same end."""

uids = st.sampled_from(UIDS)
pairs = st.permutations(UIDS).map(lambda three: (three[0], three[1]))
"""TgoRTC lets people sit in rooms alone: that is no call between two."""
phones = st.sampled_from(PHONES)


class Conversations(RuleBasedStateMachine):
    """Three people, each with a phone of every dialect, and nobody else's rules."""

    calls = Bundle("calls")

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.api = install(self.patch, VARIABLES)
        self.parties: dict[str, tuple[str, str]] = {}
        """Call -> caller and callee."""
        self.places: dict[str, tuple[str, str]] = {}
        """Call -> where its parties are sent."""

    def teardown(self) -> None:
        for call_id in self.parties:
            self.check_story(call_id)
        self.patch.undo()

    @rule(target=calls, phone=phones, pair=pairs)
    def ring(self, phone: type[Phone], pair: tuple[str, str]) -> Any:
        held = TgoRTC(self.api).memberships(*UIDS)
        rung = phone(self.api).ring(*pair)
        assert rung.is_ok == held.keys().isdisjoint(pair)
        if not rung.is_ok:
            return multiple()
        call_id = phone(self.api).call_id(rung)
        self.parties[call_id] = pair
        self.places[call_id] = rung.place
        return call_id

    @rule(call_id=calls, phone=phones, uid=uids)
    def answer(self, call_id: str, phone: type[Phone], uid: str) -> None:
        is_over = self.status(call_id) == "ended"
        answer = phone(self.api).answer(uid, call_id)
        self.check_access(phone, answer, uid, call_id)
        if answer.is_ok:
            assert not is_over and answer.place == self.places[call_id]

    @rule(call_id=calls, phone=phones, uid=uids)
    def leave(self, call_id: str, phone: type[Phone], uid: str) -> None:
        answer = phone(self.api).leave(uid, call_id)
        self.check_access(phone, answer, uid, call_id)
        if answer.is_ok and uid in self.parties[call_id]:
            assert self.status(call_id) == "ended"

    @rule(call_id=calls, uid=uids)
    def say_busy(self, call_id: str, uid: str) -> None:
        answer = DTalk(self.api).say_busy(uid, call_id)
        self.check_access(DTalk, answer, uid, call_id)

    @rule(call_id=calls, phone=st.sampled_from([TgoRTC, OpenChat]), uid=uids)
    def end(self, call_id: str, phone: type[TgoRTC] | type[OpenChat], uid: str) -> None:
        was = self.status(call_id)
        ended = phone(self.api).end(uid, call_id)
        if uid == self.parties[call_id][0]:
            assert ended.is_ok and self.status(call_id) == "ended"
        else:
            assert self.status(call_id) == was

    @rule(seconds=st.sampled_from([1, 10, RING_MS // 1000]))
    @precondition(lambda self: self.parties)
    def let_time_pass(self, seconds: int) -> None:
        self.api.clock.pass_ms(seconds * 1000)

    def check_access(
        self, phone: type[Phone], answer: Answer, uid: str, call_id: str
    ) -> None:
        """Strangers get nothing, and parties are never taken for strangers."""
        if uid not in self.parties[call_id]:
            is_over = self.status(call_id) == "ended"
            assert is_over or answer.code == phone.stranger

    def status(self, call_id: str) -> str:
        """OpenChat's, for its is the most exact."""
        caller = self.parties[call_id][0]
        return str(OpenChat(self.api).room(caller, call_id).data["status"])

    @invariant()
    def nobody_is_in_two_calls(self) -> None:
        for uid in UIDS:
            assert len(TgoRTC(self.api).shown(uid)) <= 1

    @invariant()
    def dialects_agree(self) -> None:
        held = TgoRTC(self.api).memberships(*UIDS)
        for call_id, parties in self.parties.items():
            members = OpenChat(self.api).members(parties[0], call_id)
            assert set(members) == set(parties)
            status = self.status(call_id)
            for uid in parties:
                self.check_view(call_id, uid, status, members[uid], held.get(uid))

    def check_view(
        self,
        call_id: str,
        uid: str,
        status: str,
        member: str,
        held: tuple[str, int] | None,
    ) -> None:
        """One party's view of one call: OpenChat's words against the others'."""
        room = OpenChat(self.api).room(uid, call_id).data
        assert room["status"] == status
        assert (status == "ended") == (room["endReason"] is not None)
        is_in = status != "ended" and member in ("invited", "joined")
        assert (call_id in TgoRTC(self.api).shown(uid)) == is_in
        assert (held == (call_id, int(member == "joined"))) == is_in
        checked = DTalk(self.api).check(uid, call_id)
        assert checked.code == (0 if status == "waiting" else DTalk.ended)
        if checked.is_ok:
            caller, callee = self.parties[call_id]
            assert checked.data["caller"] == room["callerId"] == caller
            assert checked.data["invitees"] == [room["calleeId"]] == [callee]
            left_ms = checked.data["deadline"] - self.api.clock.now_ms()
            assert 0 < left_ms <= RING_MS

    def check_story(self, call_id: str) -> None:
        """What the business was told is what the dialects say."""
        told = Business(self.api).hear(call_id)
        kinds = [one.type for one in told]
        assert kinds[0] == "participant.invited"
        assert kinds.count("room.finished") == (kinds[-1] == "room.finished")
        room = OpenChat(self.api).room(self.parties[call_id][0], call_id).data
        if kinds[-1] == "room.finished":
            assert told[-1].body["status"] == ROOM_STATUS[room["endReason"]]
            assert told[-1].body["duration"] == room["duration"]
            joins, leaves = (
                sorted(one.who for one in told if one.type == f"participant.{kind}")
                for kind in ("joined", "left")
            )
            assert joins == leaves
        else:
            # Time alone ended it, and is told of when somebody looks at it.
            assert room["endReason"] in (None, "missed")


TestConversations = Conversations.TestCase
TestConversations.settings = settings(max_examples=60, stateful_step_count=15)
