"""Calls that several answer, and messages that cross (RFC 3261 9, 13.2.2, 14, 15)."""

import pytest

from mediaworker.sip.endpoint import Counts, Limits
from mediaworker.sip.events import (
    Accepted,
    Cancelled,
    Confirmed,
    Ended,
    InfoReceived,
    InviteReceived,
    Progressed,
    ReinviteAnswered,
    Reinvited,
    ReinviteRefused,
    Rejected,
)
from tests.worker.sip.harness import (
    ANSWER,
    LONG,
    OFFER,
    OTHER,
    Fork,
    Network,
    Phone,
    Script,
    Stage,
    World,
    answered,
    dial,
    pair,
    staged,
)


def forked() -> tuple[World, Phone, Fork, list[Phone]]:
    alice = Phone("192.0.2.1")
    callees = [Phone(f"192.0.2.1{number}") for number in range(3)]
    fork = Fork("192.0.2.5", callees)
    return World([alice, fork, *callees]), alice, fork, callees


def test_tell_each_early_dialog_apart() -> None:
    """12.1.2, 13.2.2.1."""
    world, alice, fork, callees = forked()
    dial(world, alice, fork)
    world.run()
    for callee in callees:
        callee.endpoint.ring(callee.last(InviteReceived).call, world.now, ANSWER)
    world.run()
    progress = alice.told(Progressed)
    assert [(event.status, event.sdp) for event in progress] == [(183, ANSWER)] * 3
    tags = [callee.last(InviteReceived).local_tag for callee in callees]
    assert sorted(event.remote_tag for event in progress) == sorted(tags)
    assert alice.endpoint.counts.dialogs == 3


def test_hang_up_on_those_who_answer_too_late() -> None:
    """13.2.2.4: each 2xx gets an ACK; the call is the first's."""
    world, alice, fork, callees = forked()
    call = dial(world, alice, fork)
    world.run()
    for callee in callees[:2]:
        callee.endpoint.ring(callee.last(InviteReceived).call, world.now)
    world.run()
    for callee in callees[1:]:
        callee.endpoint.accept(callee.last(InviteReceived).call, ANSWER, world.now)
    world.run()
    assert len(alice.told(Accepted)) == 1
    assert alice.ends(call) == []
    winner, loser = callees[1], callees[2]
    assert [type(event) for event in winner.events[1:]] == [Confirmed]
    assert [type(event) for event in loser.events[1:]] == [Confirmed, Ended]
    alice.endpoint.info(call, "text/plain", b"", world.now)
    world.run()
    assert winner.told(InfoReceived)
    loser_key = loser.last(InviteReceived).call
    assert loser.ends(loser_key) == [Ended(loser_key, is_by_remote=True)]
    callees[0].endpoint.hang_up(callees[0].last(InviteReceived).call, world.now)
    alice.endpoint.bye(call, world.now)
    alice.drain(world.now)
    world.run(LONG)
    assert winner.told(Ended)
    for phone in (alice, *callees):
        assert phone.endpoint.counts == Counts(0, 0, 0)


def test_reject_when_all_have_refused() -> None:
    world, alice, fork, callees = forked()
    call = dial(world, alice, fork)
    world.run()
    for callee in callees:
        callee.endpoint.reject(callee.last(InviteReceived).call, 486, world.now)
    world.run(LONG)
    assert alice.ends(call) == [Rejected(call, 486, "Busy Here")]
    assert all(phone.endpoint.counts == Counts(0, 0, 0) for phone in (alice, *callees))


def test_cancel_all_branches() -> None:
    world, alice, fork, callees = forked()
    call = dial(world, alice, fork)
    world.run()
    for callee in callees:
        callee.endpoint.ring(callee.last(InviteReceived).call, world.now)
    world.run()
    alice.endpoint.cancel(call, world.now)
    world.run(LONG)
    assert alice.ends(call) == [Rejected(call, 487, "Request Terminated")]
    assert all(callee.told(Cancelled) for callee in callees)


def tagged(stage: Stage, tag: str, status: int = 200, sdp: str | None = ANSWER) -> None:
    stage.reply(stage.raw.requests("INVITE")[-1], status, to_tag=tag, sdp=sdp)


def test_bound_the_dialogs_of_one_call() -> None:
    stage = staged(limits=Limits(forks=2))
    stage.dial()
    for tag in "abcd":
        tagged(stage, tag, 180, None)
    assert [it.remote_tag for it in stage.bob.told(Progressed)] == ["a", "b"]
    for tag in "wxyz":
        tagged(stage, tag)
    assert [ack.to_tag for ack in stage.raw.requests("ACK")] == ["w", "x"]
    assert stage.bob.endpoint.counts.dialogs == 2


def test_acknowledge_copies_of_a_forked_200_alike() -> None:
    stage = staged()
    stage.dial()
    tagged(stage, "a")
    tagged(stage, "b")
    tagged(stage, "b")
    acks = stage.raw.requests("ACK")
    assert [ack.to_tag for ack in acks] == ["a", "b", "b"]
    assert str(acks[1].via) == str(acks[2].via)
    assert [bye.to_tag for bye in stage.raw.requests("BYE")] == ["b"]


def test_refuse_requests_of_a_fork_that_lost() -> None:
    stage = staged()
    call = stage.dial()
    tagged(stage, "a")
    tagged(stage, "b")
    invite = stage.raw.requests("INVITE")[0]
    lost = Script(call_id=invite.call_id, from_tag="b", to_tag=invite.from_tag)
    stage.say(lost.request("INFO", 1))
    stage.say(lost.request("BYE", 2))
    assert stage.raw.statuses == [481, 200]
    assert not stage.bob.ends(call)


@pytest.mark.parametrize("tag", ["a", "b"])
def test_take_infos_and_refuse_bye_in_an_early_dialog(tag: str) -> None:
    """15: callees do not end early dialogs by BYE."""
    stage = staged()
    call = stage.dial()
    tagged(stage, "a", 180, None)
    tagged(stage, "b", 180, None)
    invite = stage.raw.requests("INVITE")[0]
    early = Script(call_id=invite.call_id, from_tag=tag, to_tag=invite.from_tag)
    stage.say(early.request("INFO", 1))
    stage.say(early.request("BYE", 2))
    stage.say(early.request("INVITE", 3, body=OFFER))
    assert stage.raw.statuses == [200, 481, 491]
    assert stage.bob.told(InfoReceived)
    assert not stage.bob.ends(call)


def test_ack_and_bye_a_200_that_crosses_the_cancel() -> None:
    """9.1: a 2xx may still come."""
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.accept(theirs, ANSWER, world.now)
    alice.endpoint.cancel(call, world.now)
    alice.drain(world.now)
    world.run()
    assert alice.events == [Rejected(call, 487, "Request Terminated")]
    kinds = [type(event) for event in bob.events]
    assert kinds == [InviteReceived, Confirmed, Ended]
    assert world.answered(bob, "CANCEL") == [200]
    world.run(LONG)
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_ack_and_bye_a_200_that_comes_long_after_the_cancel() -> None:
    stage = staged()
    call = stage.dial()
    tagged(stage, "a", 180, None)
    stage.bob.endpoint.cancel(call, stage.world.now)
    stage.world.run(10.0)
    assert not stage.bob.ends(call)
    tagged(stage, "a")
    tagged(stage, "b")
    assert [ack.to_tag for ack in stage.raw.requests("ACK")] == ["a", "b"]
    assert [bye.to_tag for bye in stage.raw.requests("BYE")] == ["a", "b"]
    assert [event.status for event in stage.bob.ends(call)] == [487]  # type: ignore[union-attr]


def test_tell_487_when_another_refusal_crosses_the_cancel() -> None:
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    world.run()
    bob.endpoint.reject(bob.last(InviteReceived).call, 486, world.now)
    alice.endpoint.cancel(call, world.now)
    world.run()
    assert alice.ends(call) == [Rejected(call, 487, "Request Terminated")]
    assert not bob.told(Cancelled)


def test_end_once_when_both_hang_up() -> None:
    """15.1.2."""
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    alice.endpoint.bye(call, world.now)
    bob.endpoint.bye(theirs, world.now)
    alice.drain(world.now)
    bob.drain(world.now)
    world.run(LONG)
    assert alice.ends(call) == [Ended(call, is_by_remote=False)]
    assert bob.ends(theirs) == [Ended(theirs, is_by_remote=False)]
    assert world.answered(alice, "BYE") == world.answered(bob, "BYE") == [200]
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_refuse_requests_that_cross_our_bye() -> None:
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    alice.endpoint.bye(call, world.now)
    bob.endpoint.info(theirs, "text/plain", b"", world.now)
    world.run()
    assert world.answered(alice, "INFO") == [481]
    assert not alice.told(InfoReceived)


@pytest.mark.parametrize("is_alice", [True, False])
def test_end_what_waits_when_the_call_ends(is_alice: bool) -> None:
    """15.1.2: pending requests are answered with 487."""
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    alice.endpoint.reinvite(call, OTHER, world.now)
    world.run()
    if is_alice:
        alice.endpoint.bye(call, world.now)
    else:
        bob.endpoint.bye(theirs, world.now)
    world.run()
    assert 487 in world.answered(bob, "INVITE")
    assert not alice.told(ReinviteRefused)
    world.run(LONG)
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_give_up_a_change_whose_end_is_never_told() -> None:
    world, alice, bob = pair()
    call, _ = answered(world, alice, bob)
    alice.endpoint.reinvite(call, OTHER, world.now)
    world.run()
    world.loses = lambda message: True
    alice.endpoint.bye(call, world.now)
    world.run(LONG)
    assert alice.endpoint.counts == Counts(0, 0, 0)


def test_acknowledge_a_change_that_is_agreed_upon_after_the_end() -> None:
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    alice.endpoint.reinvite(call, OTHER, world.now)
    world.run()
    bob.endpoint.answer_reinvite(theirs, ANSWER, world.now)
    alice.endpoint.bye(call, world.now)
    alice.drain(world.now)
    world.run()
    assert len(world.sent(alice, "ACK")) == 2
    assert not alice.told(ReinviteAnswered)


@pytest.mark.parametrize("seed", range(5))
def test_try_again_after_a_glare(seed: int) -> None:
    """14.1: the owner of the Call-ID waits 2.1 to 4 s, the other 0 to 2."""
    world, alice, bob = pair(Network(seed=seed))
    for _ in range(seed):
        alice.endpoint._station.ids()
        bob.endpoint._station.ids()
    call, theirs = answered(world, alice, bob)
    glare_at = world.now
    alice.endpoint.reinvite(call, OTHER, world.now)
    bob.endpoint.reinvite(theirs, OFFER, world.now)

    def agree(phone: Phone) -> None:
        phone.reacts = lambda event, now: (
            phone.endpoint.answer_reinvite(event.call, ANSWER, now)
            if isinstance(event, Reinvited)
            else None
        )

    agree(alice)
    agree(bob)
    world.run(10.0)
    assert 491 in world.answered(alice, "INVITE")
    assert 491 in world.answered(bob, "INVITE")
    assert alice.told(ReinviteAnswered) == [ReinviteAnswered(call, ANSWER)]
    assert bob.told(ReinviteAnswered) == [ReinviteAnswered(theirs, ANSWER)]
    again = [at - glare_at for at in world.at(alice, "INVITE")[2:]]
    assert 2.1 <= again[0] <= 4.05
    again = [at - glare_at for at in world.at(bob, "INVITE")[1:]]
    assert 0.0 <= again[0] <= 2.05


def test_give_up_after_many_glares() -> None:
    stage = staged()
    stage.say(Script().request("INVITE", 1, body=OFFER))
    stage.bob.endpoint.accept(stage.theirs, ANSWER, stage.world.now)
    stage.world.run(0.1)
    script = Script(to_tag=stage.bob.last(InviteReceived).local_tag)
    stage.say(script.request("ACK", 1))
    stage.bob.endpoint.reinvite(stage.theirs, OTHER, stage.world.now)
    for _ in range(6):
        stage.world.run(0.1)
        stage.reply(stage.raw.requests("INVITE")[-1], 491, seconds=2.1)
    assert len({it.cseq.number for it in stage.raw.requests("INVITE")}) == 6
    refused = stage.bob.told(ReinviteRefused)
    assert [(event.status, event.reason) for event in refused] == [
        (491, "Request Pending")
    ]


def test_stop_trying_after_a_glare_when_the_call_ends() -> None:
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    alice.endpoint.reinvite(call, OTHER, world.now)
    bob.endpoint.reinvite(theirs, OFFER, world.now)
    world.run(0.05)
    alice.endpoint.bye(call, world.now)
    alice.drain(world.now)
    world.run(LONG)
    assert alice.events[-1] == Ended(call, is_by_remote=False)
    assert len({it.cseq.number for it in world.sent(alice, "INVITE")}) == 2
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_let_our_change_wait_for_theirs() -> None:
    """14.1: one INVITE at a time, in either direction, its ACK included."""
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    for is_agreed in (True, False):
        alice.endpoint.reinvite(call, OTHER, world.now)
        world.run()
        before = len(world.sent(bob, "INVITE"))
        bob.endpoint.reinvite(theirs, OFFER, world.now)
        world.run()
        assert len(world.sent(bob, "INVITE")) == before
        if is_agreed:
            bob.endpoint.answer_reinvite(theirs, ANSWER, world.now)
        else:
            bob.endpoint.refuse_reinvite(theirs, 488, world.now)
        world.run()
        assert len(world.sent(bob, "INVITE")) == before + 1
        alice.endpoint.answer_reinvite(call, ANSWER, world.now)
        world.run()
    assert len(bob.told(ReinviteAnswered)) == 2
