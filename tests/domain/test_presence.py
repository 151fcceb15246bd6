"""What a provider reports: twice, late, in any order, or not at all."""

import itertools
from dataclasses import replace

import pytest

from chalicelib.domain import errors
from chalicelib.domain.call import CHECK_MS, LIVENESS_MS, Call
from chalicelib.domain.calls import handle
from chalicelib.domain.commands import (
    Appear,
    CloseRoom,
    Command,
    Join,
    Leave,
    OpenRoom,
    Reconcile,
    Vanish,
)
from chalicelib.domain.events import (
    ParticipantJoined,
    ParticipantLeft,
    RoomFinished,
    RoomStarted,
)
from chalicelib.protocol.vocabulary import CallState, EndReason, ParticipantState
from tests.builders import NOW_MS, RING_MS, create, play
from tests.domain.test_calls import LATER, after, refusal, told

ALICE = Appear("alice", "app", "PA_alice", "RM_1")
BOB = Appear("bob", "web", "PA_bob", "RM_1")
TALKING = (create(), Join("alice", "app"), Join("bob", "web"))


def heard(call: Call, *reports: Command, at_ms: int = LATER) -> list[object]:
    """All that the reports, one after the other, make the call tell."""
    events: list[object] = []
    for report in reports:
        decision = handle(call, report, at_ms)
        events += (entry.event for entry in decision.events)
        assert decision.call is not None
        call = decision.call
    return events


def test_provider_alone_suffices() -> None:
    reports = (OpenRoom("RM_1"), ALICE, BOB, Vanish("bob", "PA_bob"))
    assert heard(play(create()), *reports) == [
        RoomStarted(),
        ParticipantJoined("alice", "app"),
        ParticipantJoined("bob", "web"),
        ParticipantLeft("bob"),
        ParticipantLeft("alice"),
        RoomFinished(),
    ]


def test_provider_adds_nothing_to_what_the_api_told() -> None:
    call = play(*TALKING)
    assert heard(call, OpenRoom("RM_1"), ALICE, BOB, ALICE) == []
    ended = play(*TALKING, ALICE, BOB, Leave("bob"))
    assert heard(ended, Vanish("bob", "PA_bob"), CloseRoom("RM_1")) == []


@pytest.mark.parametrize(
    "order", list(itertools.permutations((OpenRoom("RM_1"), ALICE, BOB)))
)
def test_arrivals_in_any_order_come_to_the_same(order: tuple[Command, ...]) -> None:
    events = heard(play(create()), *order, *order)
    assert sorted(map(str, events)) == sorted(
        map(
            str,
            [
                RoomStarted(),
                ParticipantJoined("alice", "app"),
                ParticipantJoined("bob", "web"),
            ],
        )
    )


def test_left_that_overtakes_its_joined_is_believed_after_it() -> None:
    call = play(create())
    assert heard(call, ALICE, Vanish("bob", "PA_bob"), BOB) == [
        RoomStarted(),
        ParticipantJoined("alice", "app"),
        ParticipantJoined("bob", "web"),
        ParticipantLeft("bob"),
        ParticipantLeft("alice"),
        RoomFinished(),
    ]


def test_left_that_overtakes_its_joined_after_the_apis_join() -> None:
    call = play(create(), Join("bob", "web"))
    assert heard(call, Vanish("bob", "PA_bob"))[-1] == RoomFinished()


def test_left_of_a_connection_before_this_one_is_ignored() -> None:
    call = play(*TALKING, ALICE, BOB, replace(BOB, sid="PA_bob2"))
    assert heard(call, Vanish("bob", "PA_bob")) == []
    assert heard(call, Vanish("bob", "PA_bob"), replace(BOB)) == []
    assert heard(call, Vanish("bob", "PA_bob2"))[-1] == RoomFinished()


def test_left_of_a_connection_before_a_new_join_is_ignored() -> None:
    group = create("alice", "bob", max_participants=3)
    call = play(group, Join("alice"), Join("bob"), BOB, Leave("bob"), Join("bob"))
    assert heard(call, Vanish("bob", "PA_bob")) == []


def test_left_without_a_name_is_of_the_present_connection() -> None:
    call = play(*TALKING, ALICE, BOB)
    assert heard(call, Vanish("bob", ""))[-1] == RoomFinished()


def test_left_of_a_stranger_is_ignored() -> None:
    assert heard(play(*TALKING), Vanish("eve", "PA_eve")) == []


def test_joined_for_an_ended_call_is_refused() -> None:
    ended = play(create(), Leave("bob"))
    assert refusal(ended, BOB) is errors.CallEnded
    assert refusal(ended, OpenRoom("RM_1")) is errors.CallEnded


def test_joined_of_a_stranger_is_refused() -> None:
    call = play(create("alice", "bob", max_participants=3))
    assert refusal(call, Appear("eve", "", "PA_eve")) is errors.NotInvited


class TestCloseRoom:
    def test_close_ends_an_answered_call(self) -> None:
        call = play(*TALKING, ALICE, BOB)
        assert told(call, CloseRoom("RM_1")) == [
            ParticipantLeft("alice"),
            ParticipantLeft("bob"),
            RoomFinished(),
        ]
        assert after(call, CloseRoom("")).end_reason is EndReason.HANGUP

    def test_close_of_a_room_before_this_one_is_ignored(self) -> None:
        call = play(*TALKING, ALICE, replace(BOB, room_sid="RM_2"))
        assert told(call, CloseRoom("RM_1")) == []

    def test_close_while_it_rings_is_ignored(self) -> None:
        assert told(play(create(), ALICE), CloseRoom("RM_1")) == []


class TestReconcile:
    def test_present_members_prove_the_call_alive(self) -> None:
        call = play(*TALKING, ALICE, BOB)
        later = after(call, Reconcile((ALICE, BOB)), NOW_MS + LIVENESS_MS)
        assert later.is_live and later.alive_at_ms == NOW_MS + LIVENESS_MS
        assert later.check_at_ms == NOW_MS + LIVENESS_MS + CHECK_MS

    def test_unknown_presence_proves_nothing(self) -> None:
        call = play(*TALKING)
        at_ms = NOW_MS + 10 * LIVENESS_MS
        later = after(call, Reconcile(None), at_ms)
        assert later.is_live and later.check_at_ms == at_ms + CHECK_MS

    def test_absence_for_long_fails_the_call(self) -> None:
        call = play(*TALKING)
        alive_at_ms = call.alive_at_ms
        assert alive_at_ms is not None
        soon = after(call, Reconcile(()), alive_at_ms + LIVENESS_MS - 1)
        assert soon.is_live
        gone = after(soon, Reconcile(()), alive_at_ms + LIVENESS_MS)
        assert gone.end_reason is EndReason.FAILED

    def test_absence_of_who_was_there_is_its_leaving(self) -> None:
        call = play(*TALKING, ALICE, BOB)
        assert told(call, Reconcile((ALICE,))) == [
            ParticipantLeft("bob"),
            ParticipantLeft("alice"),
            RoomFinished(),
        ]

    def test_presence_of_a_connection_that_has_gone_proves_nothing(self) -> None:
        call = play(create(), Join("alice", "app"), ALICE, Vanish("bob", "PA_bob"))
        later = after(call, Reconcile((BOB, ALICE)))
        assert later.is_live
        bob = later.participant("bob")
        assert bob is not None and bob.state is ParticipantState.INVITED

    def test_absence_of_all_who_were_there_ends_it_once(self) -> None:
        call = play(*TALKING, ALICE, BOB)
        events = told(call, Reconcile(()))
        assert events.count(RoomFinished()) == 1 and len(events) == 3

    def test_presence_that_was_never_told_is_a_join(self) -> None:
        call = play(create(), Join("alice", "app"))
        assert told(call, Reconcile((ALICE, BOB))) == [ParticipantJoined("bob", "web")]

    def test_presence_of_a_stranger_proves_nothing(self) -> None:
        call = play(create("alice", "bob", max_participants=3), Join("bob"))
        eve = Appear("eve", "", "PA_eve")
        later = after(call, Reconcile((eve,)), NOW_MS + RING_MS)
        assert later.participant("eve") is None
        assert later.alive_at_ms == call.alive_at_ms

    def test_ringing_call_is_not_to_be_checked(self) -> None:
        call = play(create(), Join("alice"))
        assert call.check_at_ms is None
        assert call.wake_at_ms == NOW_MS + RING_MS
        later = after(call, Reconcile(()), NOW_MS + RING_MS - 1)
        assert later.state is CallState.WAITING

    def test_open_call_that_nobody_enters_fails(self) -> None:
        call = play(replace(create(), invitees=()))
        assert call.check_at_ms == NOW_MS + CHECK_MS
        gone = after(call, Reconcile(()), NOW_MS + LIVENESS_MS)
        assert gone.end_reason is EndReason.FAILED

    def test_ended_call_is_not_to_be_checked(self) -> None:
        ended = play(create(), Leave("bob"))
        assert ended.check_at_ms is None and ended.wake_at_ms is None
        assert not handle(ended, Reconcile((BOB,)), LATER).has_changed


def test_appearance_names_the_connection_of_the_member() -> None:
    call = play(*TALKING, BOB)
    bob = call.participant("bob")
    assert bob is not None and bob.sid == "PA_bob"
    assert bob.state is ParticipantState.JOINED
    gone = after(call, Vanish("bob", "PA_bob")).participant("bob")
    assert gone is not None and (gone.sid, gone.gone_sid) == ("", "PA_bob")
