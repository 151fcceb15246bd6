"""What each command does to a call, circumstance by circumstance."""

from dataclasses import replace

import pytest

from chalicelib.domain import calls, errors
from chalicelib.domain.call import Call
from chalicelib.domain.calls import TABLE, handle
from chalicelib.domain.commands import COMMANDS, Command, Create, End, Join, Leave, Wake
from chalicelib.domain.events import (
    Event,
    ParticipantCancelled,
    ParticipantInvited,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantMissed,
    ParticipantRejected,
    RoomFinished,
    RoomStarted,
)
from chalicelib.protocol.vocabulary import (
    CallState,
    EndReason,
    Initiator,
    ParticipantState,
)
from tests.builders import MAX_CALL_SECONDS, NOW_MS, RING_MS, create, play

LATER = NOW_MS + 10_000


def group(*invitees: str, **changes: object) -> Create:
    return create(
        "alice", *(invitees or ("bob", "carol")), max_participants=4, **changes
    )


def told(call: Call | None, command: Command, at_ms: int = LATER) -> list[Event]:
    return [entry.event for entry in handle(call, command, at_ms).events]


def after(call: Call | None, command: Command, at_ms: int = LATER) -> Call:
    decision = handle(call, command, at_ms)
    assert decision.refusal is None and decision.call is not None
    return decision.call


def refusal(call: Call | None, command: Command, at_ms: int = LATER) -> object:
    return type(handle(call, command, at_ms).refusal)


def reasons(call: Call) -> dict[str, EndReason | None]:
    return {member.uid: member.end_reason for member in call.participants}


def test_table_has_an_answer_for_every_pair() -> None:
    assert set(TABLE) == {(state, c) for state in CallState for c in COMMANDS}


class TestCreate:
    def test_create_rings_the_invitees(self) -> None:
        call = play(create("alice", "bob"))
        assert call.state is CallState.WAITING
        assert call.uids == ("alice", "bob")
        alice, bob = call.participants
        assert not alice.is_ringing and bob.is_ringing
        assert bob.deadline_at_ms == NOW_MS + RING_MS
        assert call.locked_uids == {"alice", "bob"}
        assert call.next_deadline_at_ms == NOW_MS + RING_MS

    def test_create_tells_of_all_invitees_together(self) -> None:
        assert told(None, group("bob", "carol", "bob", "alice")) == [
            ParticipantInvited(("bob", "carol"))
        ]

    def test_create_without_invitees_tells_nothing(self) -> None:
        command = replace(create(), invitees=())
        assert told(None, command) == []
        assert play(command).next_deadline_at_ms == NOW_MS + MAX_CALL_SECONDS * 1000

    def test_create_with_too_many_is_refused(self) -> None:
        decision = handle(None, create("alice", "bob", "carol"), NOW_MS)
        assert isinstance(decision.refusal, errors.CallFull)
        assert decision.call is None and not decision.has_changed

    def test_create_of_a_known_call_is_refused(self) -> None:
        assert refusal(play(create()), create()) is errors.CallExists

    def test_create_with_a_busy_callee_ends_at_once_and_tells_nothing(self) -> None:
        decision = handle(None, create(busy_uids=frozenset({"bob"})), NOW_MS)
        assert isinstance(decision.refusal, errors.ParticipantBusy)
        assert decision.refusal.subject == "bob"
        assert decision.has_changed and decision.events == ()
        call = decision.call
        assert call is not None and call.end_reason is EndReason.BUSY
        assert reasons(call) == {"alice": EndReason.BUSY, "bob": EndReason.BUSY}
        assert call.locked_uids == frozenset()

    def test_create_with_one_busy_in_a_group_rings_the_others(self) -> None:
        command = group(busy_uids=frozenset({"bob"}))
        call = after(None, command)
        assert told(None, command) == [ParticipantInvited(("carol",))]
        assert reasons(call) == {"alice": None, "bob": EndReason.BUSY, "carol": None}
        assert call.locked_uids == {"alice", "carol"}

    def test_create_with_all_busy_in_a_group_ends(self) -> None:
        decision = handle(None, group(busy_uids=frozenset({"bob", "carol"})), NOW_MS)
        assert isinstance(decision.refusal, errors.ParticipantBusy)
        assert decision.call is not None and not decision.call.is_live


@pytest.mark.parametrize("command", [Join("bob"), Leave("bob"), End("bob"), Wake()])
def test_command_on_no_call_is_refused(command: Command) -> None:
    assert refusal(None, command) is errors.CallNotFound


class TestJoin:
    def test_join_of_the_callee_answers_the_call(self) -> None:
        call = play(create())
        assert told(call, Join("bob", "web")) == [
            RoomStarted(),
            ParticipantJoined("bob", "web"),
        ]
        joined = after(call, Join("bob", "web"))
        assert joined.state is CallState.ACTIVE
        bob = joined.participant("bob")
        assert bob is not None and bob.deadline_at_ms is None

    def test_join_of_the_creator_starts_the_room_but_answers_nothing(self) -> None:
        call = after(play(create()), Join("alice", "app"))
        assert call.state is CallState.WAITING
        assert call.started_at_ms == LATER
        assert told(call, Join("bob", "web")) == [ParticipantJoined("bob", "web")]

    def test_join_again_tells_nothing(self) -> None:
        call = play(create(), Join("bob", "web"))
        decision = handle(call, Join("bob", "web"), LATER)
        assert not decision.has_changed and decision.call == call

    def test_join_from_a_second_device_moves_the_member_there(self) -> None:
        call = play(create(), Join("bob", "web"))
        assert told(call, Join("bob", "app")) == []
        bob = after(call, Join("bob", "app")).participant("bob")
        assert bob is not None and bob.device_type == "app"
        assert after(call, Join("bob", "")) == call

    def test_join_of_a_stranger_is_refused_by_the_invited_only(self) -> None:
        assert refusal(play(group()), Join("dave")) is errors.NotInvited

    def test_join_of_a_stranger_is_welcome_in_an_open_call(self) -> None:
        call = after(play(group(is_invite_only=False)), Join("dave"))
        assert call.uids == ("alice", "bob", "carol", "dave")
        assert "dave" in call.locked_uids

    def test_join_of_a_full_call_is_refused(self) -> None:
        open_call = play(create(is_invite_only=False))
        assert refusal(open_call, Join("dave")) is errors.CallFull

    def test_join_of_the_invitee_does_not_count_it_twice(self) -> None:
        assert after(play(create()), Join("bob")).state is CallState.ACTIVE

    def test_join_of_an_ended_call_is_refused(self) -> None:
        ended = play(create(), Leave("bob"))
        assert refusal(ended, Join("bob")) is errors.CallEnded

    def test_join_at_the_deadline_is_too_late(self) -> None:
        decision = handle(play(create()), Join("bob"), NOW_MS + RING_MS)
        assert isinstance(decision.refusal, errors.CallEnded)
        assert decision.has_changed
        assert decision.call is not None
        assert decision.call.end_reason is EndReason.MISSED
        assert decision.events[-1].event == RoomFinished()

    def test_join_after_dropping_out_is_told_again(self) -> None:
        call = play(group(), Join("alice"), Join("bob"), Join("carol"), Leave("bob"))
        assert told(call, Join("bob", "web")) == [ParticipantJoined("bob", "web")]

    def test_join_after_rejecting_is_refused_by_the_invited_only(self) -> None:
        call = play(group(), Leave("bob"))
        assert refusal(call, Join("bob")) is errors.NotInvited
        reopened = replace(call, is_invite_only=False)
        assert after(reopened, Join("bob")).state is CallState.ACTIVE


class TestLeaveTwoPerson:
    def test_leave_of_the_ringing_callee_rejects(self) -> None:
        call = play(create())
        assert told(call, Leave("bob")) == [ParticipantRejected("bob"), RoomFinished()]
        ended = after(call, Leave("bob"))
        assert ended.end_reason is EndReason.REJECTED
        assert ended.initiator is Initiator.CALLEE
        assert set(reasons(ended).values()) == {EndReason.REJECTED}

    def test_leave_of_the_creator_before_the_answer_cancels(self) -> None:
        call = play(create())
        assert told(call, Leave("alice")) == [
            ParticipantCancelled("alice"),
            RoomFinished(),
        ]
        ended = after(call, Leave("alice"))
        assert ended.end_reason is EndReason.CANCELLED
        assert ended.initiator is Initiator.CALLER
        assert ended.duration_seconds == 0

    def test_leave_of_the_creator_who_is_in_tells_its_leaving_too(self) -> None:
        call = play(create(), Join("alice"))
        assert told(call, Leave("alice")) == [
            ParticipantCancelled("alice"),
            ParticipantLeft("alice"),
            RoomFinished(),
        ]

    @pytest.mark.parametrize(
        ("leaver", "other", "initiator"),
        [
            ("alice", "bob", Initiator.CALLER),
            ("bob", "alice", Initiator.CALLEE),
        ],
    )
    def test_leave_of_either_hangs_up_for_both(
        self, leaver: str, other: str, initiator: Initiator
    ) -> None:
        call = play(create(), Join("alice"), Join("bob"))
        assert told(call, Leave(leaver)) == [
            ParticipantLeft(leaver),
            ParticipantLeft(other),
            RoomFinished(),
        ]
        ended = after(call, Leave(leaver), NOW_MS + 62_000)
        assert ended.end_reason is EndReason.HANGUP
        assert ended.initiator is initiator
        assert ended.duration_seconds == 60

    def test_leave_again_is_ignored(self) -> None:
        ended = play(create(), Leave("bob"))
        assert not handle(ended, Leave("bob"), LATER).has_changed
        assert not handle(ended, Leave("stranger"), LATER).has_changed

    def test_leave_of_a_stranger_is_refused(self) -> None:
        decision = handle(play(create()), Leave("mallory"), LATER)
        assert isinstance(decision.refusal, errors.NotParticipant)
        assert decision.refusal.subject == "mallory"


class TestLeaveGroup:
    def test_leave_of_a_ringing_member_rejects_for_itself(self) -> None:
        call = play(group())
        assert told(call, Leave("bob")) == [ParticipantRejected("bob")]
        assert after(call, Leave("bob")).is_live

    def test_leave_of_the_last_ringing_member_ends_an_empty_call(self) -> None:
        call = play(group(), Leave("bob"))
        assert told(call, Leave("carol")) == [
            ParticipantRejected("carol"),
            RoomFinished(),
        ]
        assert after(call, Leave("carol")).end_reason is EndReason.REJECTED

    def test_leave_of_a_joined_member_leaves_the_others_talking(self) -> None:
        call = play(group(), Join("alice"), Join("bob"), Join("carol"))
        assert told(call, Leave("bob")) == [ParticipantLeft("bob")]
        assert after(call, Leave("bob")).locked_uids == {"alice", "carol"}

    def test_leave_of_the_last_member_ends_the_call(self) -> None:
        call = play(group("bob"), Join("alice"), Join("bob"), Leave("alice"))
        assert told(call, Leave("bob")) == [ParticipantLeft("bob"), RoomFinished()]
        ended = after(call, Leave("bob"), NOW_MS + 32_000)
        assert ended.end_reason is EndReason.HANGUP
        assert ended.duration_seconds == 30

    def test_leave_of_the_last_joined_waits_for_who_still_rings(self) -> None:
        call = play(group(), Join("bob"))
        assert told(call, Leave("bob")) == [ParticipantLeft("bob")]
        assert after(call, Leave("bob")).is_live

    def test_leave_of_the_creator_before_any_answer_cancels(self) -> None:
        call = play(group(), Join("alice"), Leave("bob"))
        assert told(call, Leave("alice")) == [
            ParticipantCancelled("alice"),
            ParticipantLeft("alice"),
            RoomFinished(),
        ]
        assert reasons(after(call, Leave("alice")))["bob"] is EndReason.REJECTED

    def test_leave_of_a_creator_who_never_came_leaves_the_others_talking(
        self,
    ) -> None:
        call = play(group(), Join("bob"))
        assert told(call, Leave("alice")) == [ParticipantRejected("alice")]
        assert after(call, Leave("alice")).is_live

    def test_leave_of_all_but_an_absent_creator_ends_the_call(self) -> None:
        call = play(group("bob"), Join("bob"))
        ended = after(call, Leave("bob"))
        assert ended.end_reason is EndReason.HANGUP
        assert ended.locked_uids == frozenset()

    def test_leave_of_who_has_left_is_ignored(self) -> None:
        call = play(group(), Leave("bob"))
        assert not handle(call, Leave("bob"), LATER).has_changed


class TestEnd:
    def test_end_of_a_ringing_call_cancels_it(self) -> None:
        call = play(group())
        assert told(call, End("alice")) == [
            ParticipantCancelled("alice"),
            RoomFinished(),
        ]

    def test_end_of_an_active_call_hangs_up_for_all(self) -> None:
        call = play(group(), Join("alice"), Join("bob"))
        assert told(call, End("alice")) == [
            ParticipantLeft("alice"),
            ParticipantLeft("bob"),
            RoomFinished(),
        ]

    def test_end_by_the_system_is_its_doing(self) -> None:
        assert after(play(group()), End(None)).initiator is Initiator.SYSTEM

    @pytest.mark.parametrize("uid", ["bob", "mallory"])
    def test_end_by_another_than_the_creator_is_refused(self, uid: str) -> None:
        assert refusal(play(group()), End(uid)) is errors.NotPermitted

    def test_end_again_is_ignored(self) -> None:
        ended = play(group(), End("alice"))
        assert not handle(ended, End("alice"), LATER).has_changed


class TestTime:
    def test_wake_before_the_deadline_changes_nothing(self) -> None:
        call = play(create())
        decision = handle(call, Wake(), NOW_MS + RING_MS - 1)
        assert not decision.has_changed and decision.call == call

    def test_wake_at_the_deadline_is_missed(self) -> None:
        call = play(create())
        assert told(call, Wake(), NOW_MS + RING_MS) == [
            ParticipantMissed("bob"),
            RoomFinished(),
        ]
        ended = after(call, Wake(), NOW_MS + RING_MS)
        assert ended.end_reason is EndReason.MISSED
        assert ended.initiator is Initiator.SYSTEM
        assert not handle(ended, Wake(), NOW_MS + 2 * RING_MS).has_changed

    def test_wake_lets_a_waiting_creator_go(self) -> None:
        call = play(create(), Join("alice"))
        assert told(call, Wake(), NOW_MS + RING_MS) == [
            ParticipantMissed("bob"),
            ParticipantLeft("alice"),
            RoomFinished(),
        ]
        ended = after(call, Wake(), NOW_MS + RING_MS)
        assert reasons(ended) == {"alice": EndReason.HANGUP, "bob": EndReason.MISSED}

    def test_wake_of_an_answered_call_changes_nothing(self) -> None:
        call = play(create(), Join("bob"))
        assert not handle(call, Wake(), NOW_MS + RING_MS).has_changed

    def test_wake_of_a_talking_group_misses_who_did_not_come(self) -> None:
        call = play(group(), Join("alice"), Join("bob"))
        assert told(call, Wake(), NOW_MS + RING_MS) == [ParticipantMissed("carol")]

    def test_wake_of_a_group_that_all_left_ends_it_as_talked(self) -> None:
        call = play(group(), Join("bob"), Leave("bob"))
        ended = after(call, Wake(), NOW_MS + RING_MS)
        assert ended.end_reason is EndReason.HANGUP

    def test_wake_of_a_group_misses_only_who_is_due(self) -> None:
        call = play(group())
        carol = call.participant("carol")
        assert carol is not None
        call = call.with_participant(
            replace(carol, deadline_at_ms=NOW_MS + 2 * RING_MS)
        )
        assert told(call, Wake(), NOW_MS + RING_MS) == [ParticipantMissed("bob")]

    def test_wake_at_the_maximum_fails_the_call(self) -> None:
        call = play(create(), Join("alice"), Join("bob"))
        end_ms = NOW_MS + MAX_CALL_SECONDS * 1000
        assert told(call, Wake(), end_ms) == [
            ParticipantLeft("alice"),
            ParticipantLeft("bob"),
            RoomFinished(),
        ]
        assert after(call, Wake(), end_ms).end_reason is EndReason.FAILED

    def test_command_from_a_clock_behind_does_not_go_back(self) -> None:
        call = play(create(), Join("alice"), Join("bob"))
        ended = after(call, Leave("bob"), NOW_MS - 60_000)
        assert ended.ended_at_ms == call.updated_at_ms
        assert ended.duration_seconds == 0

    def test_ended_call_has_no_deadline(self) -> None:
        assert play(create(), Leave("bob")).next_deadline_at_ms is None


def test_events_are_numbered_without_a_gap() -> None:
    decision = handle(play(create()), Join("bob"), LATER)
    assert [entry.seq for entry in decision.events] == [2, 3]
    assert decision.call is not None and decision.call.next_seq == 4


def test_version_grows_by_one_a_change() -> None:
    call = play(create(), Join("alice"), Join("bob"))
    assert call.version == 3


def test_participant_state_is_joined_after_a_join() -> None:
    bob = play(create(), Join("bob")).participant("bob")
    assert bob is not None and bob.state is ParticipantState.JOINED


def test_decision_is_a_value() -> None:
    command = Join("bob")
    call = play(create())
    assert calls.handle(call, command, LATER) == calls.handle(call, command, LATER)
