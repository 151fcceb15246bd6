"""Inviting, ringing again, kicking, declining: by the table's other rows."""

from typing import Any

import pytest

from chalicelib.domain import errors
from chalicelib.domain.calls import handle
from chalicelib.domain.commands import (
    Answer,
    Cancel,
    Create,
    Invite,
    Join,
    Kick,
    Leave,
    Reject,
    ReplyBusy,
    Wake,
)
from chalicelib.domain.effects import DeleteRoom, RemoveParticipant
from chalicelib.domain.events import (
    ParticipantCancelled,
    ParticipantInvited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantMissed,
    ParticipantRejected,
    RoomFinished,
    RoomStarted,
)
from chalicelib.protocol.vocabulary import CallState, Dialect, EndReason
from tests.builders import NOW_MS, RING_MS, create, play
from tests.domain.test_calls import LATER, after, reasons, refusal, told


def group(*invitees: str, **changes: Any) -> Create:
    return create("alice", *(invitees or ("bob",)), max_participants=4, **changes)


class TestInvite:
    def test_invite_rings_new_members(self) -> None:
        call = play(group(), Join("alice"))
        assert told(call, Invite(("carol", "dave", "carol"), "alice")) == [
            ParticipantInvited(("carol", "dave"))
        ]
        carol = after(call, Invite(("carol",), "alice")).participant("carol")
        assert carol is not None and carol.deadline_at_ms == LATER + RING_MS

    def test_invite_passes_over_who_is_in_or_rings(self) -> None:
        call = play(group("bob", "carol"), Join("bob"))
        assert not handle(call, Invite(("bob", "carol"), "bob"), LATER).has_changed
        assert told(call, Invite(("bob", "dave"), "bob")) == [
            ParticipantInvited(("dave",))
        ]

    def test_invite_rings_again_who_has_left(self) -> None:
        call = play(group("bob", "carol"), Join("alice"), Leave("bob"))
        again = after(call, Invite(("bob",), "alice"))
        bob = again.participant("bob")
        assert bob is not None and bob.is_ringing and bob.ring_id == 2
        assert again.uids == ("alice", "bob", "carol")
        assert "bob" in again.locked_uids

    def test_invite_outlives_the_timer_of_the_ring_before(self) -> None:
        call = play(group("bob", "carol"), Join("alice"), Leave("bob"))
        again = after(call, Invite(("bob",), "alice"), NOW_MS + RING_MS - 1)
        later = handle(again, Wake(), NOW_MS + RING_MS)
        assert [entry.event for entry in later.events] == [ParticipantMissed("carol")]

    def test_invite_by_a_stranger_is_refused(self) -> None:
        assert refusal(play(group()), Invite(("carol",), "eve")) is errors.NotPermitted

    def test_invite_by_who_has_left_is_refused(self) -> None:
        call = play(group("bob", "carol"), Leave("bob"))
        assert refusal(call, Invite(("dave",), "bob")) is errors.NotPermitted

    def test_invite_by_the_system_is_welcome(self) -> None:
        call = play(group())
        assert after(call, Invite(("carol",), None)).participant("carol")

    def test_invite_beyond_the_room_is_refused(self) -> None:
        call = play(group())
        assert refusal(call, Invite(("c", "d", "e"), "alice")) is errors.CallFull
        two = play(create(), Join("bob"))
        assert refusal(two, Invite(("carol",), "alice")) is errors.CallFull

    def test_invite_of_one_who_is_busy_leaves_it_out(self) -> None:
        call = play(group())
        command = Invite(("carol", "dave"), "alice", frozenset({"carol"}))
        assert told(call, command) == [ParticipantInvited(("dave",))]
        assert reasons(after(call, command))["carol"] is EndReason.BUSY

    def test_invite_of_the_busy_only_is_refused_and_changes_nothing(self) -> None:
        command = Invite(("carol",), "alice", frozenset({"carol"}))
        decision = handle(play(group()), command, LATER)
        assert isinstance(decision.refusal, errors.ParticipantBusy)
        assert not decision.has_changed

    def test_invite_to_an_ended_call_is_refused(self) -> None:
        ended = play(create(), Leave("bob"))
        assert refusal(ended, Invite(("bob",), "alice")) is errors.CallEnded


class TestDecline:
    def test_reject_of_a_two_person_call_ends_it(self) -> None:
        call = play(create())
        assert told(call, Reject("bob")) == [ParticipantRejected("bob"), RoomFinished()]
        assert after(call, Reject("bob")).end_reason is EndReason.REJECTED

    def test_busy_of_a_two_person_call_ends_it_as_busy(self) -> None:
        call = play(create())
        assert told(call, ReplyBusy("bob")) == [
            ParticipantRejected("bob"),
            RoomFinished(),
        ]
        assert after(call, ReplyBusy("bob")).end_reason is EndReason.BUSY

    @pytest.mark.parametrize(
        ("command", "reason"),
        [(Reject("bob"), EndReason.REJECTED), (ReplyBusy("bob"), EndReason.BUSY)],
    )
    def test_decline_in_a_group_is_for_oneself(
        self, command: Reject | ReplyBusy, reason: EndReason
    ) -> None:
        call = play(group("bob", "carol"))
        assert told(call, command) == [ParticipantRejected("bob")]
        assert reasons(after(call, command)) == {
            "alice": None,
            "bob": reason,
            "carol": None,
        }

    def test_decline_of_the_last_in_an_empty_group_ends_it(self) -> None:
        assert after(play(group()), ReplyBusy("bob")).end_reason is EndReason.BUSY

    @pytest.mark.parametrize("first", [create(), group("bob", "carol")])
    def test_busy_creator_withdraws_what_rings(self, first: Create) -> None:
        ended = after(play(first), ReplyBusy("alice"))
        assert ended.end_reason is EndReason.CANCELLED
        assert told(play(first), ReplyBusy("alice")) == [
            ParticipantCancelled("alice"),
            RoomFinished(),
        ]

    def test_busy_creator_of_an_answered_call_is_ignored(self) -> None:
        call = play(create(), Join("alice"), Join("bob"))
        assert not handle(call, ReplyBusy("alice"), LATER).has_changed

    @pytest.mark.parametrize("command", [Reject("bob"), ReplyBusy("bob")])
    def test_decline_after_the_answer_is_ignored(
        self, command: Reject | ReplyBusy
    ) -> None:
        call = play(create(), Join("bob"))
        assert not handle(call, command, LATER).has_changed

    def test_decline_of_a_stranger_is_refused(self) -> None:
        assert refusal(play(create()), Reject("eve")) is errors.NotParticipant


class TestCancel:
    def test_cancel_of_a_ringing_call_ends_it(self) -> None:
        call = play(group())
        assert told(call, Cancel("alice")) == [
            ParticipantCancelled("alice"),
            RoomFinished(),
        ]

    def test_cancel_of_an_answered_call_is_ignored(self) -> None:
        call = play(create(), Join("bob"))
        assert not handle(call, Cancel("alice"), LATER).has_changed

    def test_cancel_by_another_is_refused(self) -> None:
        assert refusal(play(create()), Cancel("bob")) is errors.NotPermitted


class TestKick:
    def test_kick_of_who_is_in_disconnects_it(self) -> None:
        call = play(group("bob", "carol"), Join("alice"), Join("bob"))
        decision = handle(call, Kick("bob", "alice"), LATER)
        assert [entry.event for entry in decision.events] == [ParticipantLeft("bob")]
        assert decision.effects == (RemoveParticipant("bob"),)

    def test_kick_of_who_rings_withdraws_the_invitation(self) -> None:
        call = play(group("bob", "carol"))
        assert told(call, Kick("bob", None)) == [ParticipantCancelled("bob")]
        assert reasons(after(call, Kick("bob", None)))["bob"] is EndReason.CANCELLED

    def test_kick_of_the_last_ends_the_call(self) -> None:
        decision = handle(play(group(), Join("bob")), Kick("bob", "alice"), LATER)
        assert decision.call is not None and not decision.call.is_live
        assert decision.effects == (DeleteRoom(),)

    def test_kick_out_of_a_two_person_call_ends_it(self) -> None:
        call = play(create(), Join("alice"), Join("bob"))
        assert after(call, Kick("bob", "alice")).end_reason is EndReason.HANGUP
        ringing = play(create())
        ended = after(ringing, Kick("bob", "alice"))
        assert ended.end_reason is EndReason.CANCELLED

    def test_kick_of_who_has_left_is_ignored(self) -> None:
        call = play(group("bob", "carol"), Leave("bob"))
        assert not handle(call, Kick("bob", "alice"), LATER).has_changed

    def test_kick_by_a_member_is_refused(self) -> None:
        assert refusal(play(group()), Kick("alice", "bob")) is errors.NotPermitted

    def test_kick_of_a_stranger_is_refused(self) -> None:
        assert refusal(play(group()), Kick("eve", "alice")) is errors.NotParticipant


def test_end_of_a_call_deletes_its_room_once() -> None:
    call = play(create(), Join("bob"))
    decision = handle(call, Leave("bob"), LATER)
    assert decision.effects == (DeleteRoom(),)
    assert handle(decision.call, Leave("bob"), LATER).effects == ()


def test_join_of_the_last_after_a_kick_is_told() -> None:
    call = play(group("bob", "carol"), Join("alice"), Join("bob"), Kick("bob", None))
    assert told(call, Join("bob", "web")) == [ParticipantJoined("bob", "web")]


class TestAnswer:
    def test_answer_of_an_invitee_is_a_join(self) -> None:
        call = play(create())
        assert after(call, Answer("bob", "iOS")) == after(call, Join("bob", "iOS"))

    def test_answer_again_changes_nothing(self) -> None:
        call = play(create(), Answer("bob", "iOS"))
        for device_type in ("iOS", ""):
            assert not handle(call, Answer("bob", device_type), LATER).has_changed

    def test_answer_names_a_device_that_was_not_known(self) -> None:
        call = play(create(), Answer("bob"))
        member = after(call, Answer("bob", "iOS")).participant("bob")
        assert member is not None and member.device_type == "iOS"

    def test_answer_on_another_device_is_refused(self) -> None:
        call = play(create(), Answer("bob", "iOS"))
        assert refusal(call, Answer("bob", "PC")) is errors.AnsweredElsewhere

    def test_answer_of_the_creator_waits_for_another(self) -> None:
        call = play(create())
        assert refusal(call, Answer("alice")) is errors.NotPermitted
        call = play(create(), Join("bob"))
        assert told(call, Answer("alice", "PC")) == [ParticipantJoined("alice", "PC")]

    def test_answer_of_a_creator_who_is_in_already_changes_nothing(self) -> None:
        call = play(create(), Join("alice"))
        assert not handle(call, Answer("alice"), LATER).has_changed

    def test_answer_of_a_stranger_is_refused_whoever_may_join(self) -> None:
        call = play(group(is_invite_only=False))
        assert refusal(call, Answer("eve")) is errors.NotParticipant

    def test_answer_of_who_declined_is_refused_whoever_may_join(self) -> None:
        call = play(group("bob", "carol", is_invite_only=False), Reject("bob"))
        assert refusal(call, Answer("bob")) is errors.NotInvited

    def test_answer_to_an_ended_call_is_refused(self) -> None:
        ended = play(create(), Leave("bob"))
        assert refusal(ended, Answer("bob")) is errors.CallEnded
        assert refusal(ended, Answer("eve")) is errors.NotParticipant


class TestCaller:
    def test_caller_of_openchat_is_in_at_once(self) -> None:
        first = create(dialect=Dialect.OPENCHAT)
        assert told(None, first) == [
            ParticipantInvited(("bob",)),
            RoomStarted(),
            ParticipantJoined("alice", ""),
        ]
        call = play(first)
        assert call.state is CallState.WAITING and call.talk_started_at_ms is None
        assert told(call, Join("bob")) == [ParticipantJoined("bob", "")]
        assert after(call, Join("bob")).talk_started_at_ms == LATER
        assert after(call, Leave("alice")).end_reason is EndReason.CANCELLED
        assert after(call, Leave("bob")).end_reason is EndReason.REJECTED

    def test_caller_of_openchat_who_finds_nobody_is_not_in(self) -> None:
        first = create(dialect=Dialect.OPENCHAT, busy_uids=frozenset({"bob"}))
        decision = handle(None, first, NOW_MS)
        assert decision.events == () and decision.call is not None
        assert decision.call.started_at_ms is None

    def test_openchat_call_that_nobody_answers_is_missed(self) -> None:
        call = after(play(create(dialect=Dialect.OPENCHAT)), Wake(), NOW_MS + RING_MS)
        assert call.end_reason is EndReason.MISSED and call.duration_seconds == 0

    @pytest.mark.parametrize("answering", [Answer("bob"), Join("bob")])
    def test_caller_of_dtalk_is_in_with_the_answer(
        self, answering: Answer | Join
    ) -> None:
        call = play(create(dialect=Dialect.DTALK))
        assert told(call, answering) == [
            RoomStarted(),
            ParticipantJoined("alice", ""),
            ParticipantJoined("bob", ""),
        ]
        answered = after(call, answering)
        assert answered.state is CallState.ACTIVE
        assert answered.talk_started_at_ms == LATER

    def test_caller_of_dtalk_comes_with_the_first_answer_alone(self) -> None:
        first = group("bob", "carol", dialect=Dialect.DTALK)
        call = play(first, Answer("bob"), Leave("alice"))
        assert told(call, Answer("carol")) == [ParticipantJoined("carol", "")]

    def test_caller_of_dtalk_who_was_removed_does_not_come_with_it(self) -> None:
        first = group("bob", "carol", dialect=Dialect.DTALK)
        call = play(first, Kick("alice", None))
        assert told(call, Answer("bob")) == [
            RoomStarted(),
            ParticipantJoined("bob", ""),
        ]

    def test_caller_of_dtalk_who_is_in_is_not_told_again(self) -> None:
        call = play(create(dialect=Dialect.DTALK), Join("alice", "PC"))
        assert told(call, Answer("bob")) == [ParticipantJoined("bob", "")]
