"""Calls over a network that loses, repeats and delays (RFC 3261 13, 14, 15, 17)."""

from collections.abc import Callable

import pytest

from mediaworker.sip.endpoint import Counts, Endpoint
from mediaworker.sip.events import (
    Accepted,
    CallKey,
    Cancelled,
    Confirmed,
    Ended,
    InviteReceived,
    NotAcknowledged,
    ReinviteAnswered,
    Reinvited,
    ReinviteRefused,
    Rejected,
)
from mediaworker.sip.messages import Request, Response
from mediaworker.sip.routing import Hop
from tests.worker.sip.harness import (
    ANSWER,
    LONG,
    OTHER,
    Loses,
    Network,
    Phone,
    World,
    answered,
    dial,
    pair,
)


def named(message: Request | Response) -> str:
    """As ``BYE``, or ``200 BYE``."""
    method = message.cseq.method
    return f"{message.status} {method}" if isinstance(message, Response) else method


def losing(name: str, times: int = 1) -> Loses:
    """The first of that name."""
    left = [times]

    def loses(message: Request | Response) -> bool:
        if named(message) == name and left[0]:
            left[0] -= 1
            return True
        return False

    return loses


def losing_all(*names: str) -> Loses:
    return lambda message: named(message) in names


def call_through(world: World, alice: Phone, bob: Phone) -> None:
    """Rung, answered, changed, and ended by bob."""
    dial(world, alice, bob)
    world.run(5.0)
    theirs = bob.last(InviteReceived).call
    bob.endpoint.ring(theirs, world.now)
    world.run(5.0)
    bob.endpoint.accept(theirs, ANSWER, world.now)
    world.run(10.0)
    bob.endpoint.reinvite(theirs, OTHER, world.now)
    world.run(5.0)
    alice.endpoint.answer_reinvite(alice.last(Reinvited).call, ANSWER, world.now)
    world.run(10.0)
    bob.endpoint.info(theirs, "text/plain", b"1", world.now)
    world.run(10.0)
    bob.endpoint.bye(theirs, world.now)
    bob.drain(world.now)
    world.run(LONG)


NAMES = (
    "INVITE",
    "100 INVITE",
    "180 INVITE",
    "200 INVITE",
    "ACK",
    "INFO",
    "200 INFO",
    "BYE",
    "200 BYE",
)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("name", NAMES)
def test_get_over_the_loss_of_any_message(name: str, times: int) -> None:
    world, alice, bob = pair(loses=losing(name, times))
    call_through(world, alice, bob)
    kinds = [type(event) for event in bob.events]
    expected = [InviteReceived, Confirmed, ReinviteAnswered, Ended]
    assert [kind for kind in kinds if kind in expected] == expected
    assert len(alice.told(Accepted)) == len(alice.told(Reinvited)) == 1
    assert alice.ends(alice.events[0].call) == [alice.last(Ended)]
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


@pytest.mark.parametrize("name", ["CANCEL", "200 CANCEL", "487 INVITE", "ACK"])
def test_get_over_losses_while_it_is_cancelled(name: str) -> None:
    world, alice, bob = pair(loses=losing(name))
    call = dial(world, alice, bob)
    world.run()
    alice.endpoint.cancel(call, world.now)
    world.run(LONG)
    assert [event.status for event in alice.told(Rejected)] == [487]
    assert len(bob.told(Cancelled)) == 1
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_take_copies_of_an_invite_for_one_call() -> None:
    """17.2.1: while it rings, and after the final response."""
    world, alice, bob = pair(Network(duplicates=1.0))
    dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.ring(theirs, world.now)
    world.run()
    bob.endpoint.accept(theirs, ANSWER, world.now)
    world.run(5.0)
    assert len(bob.told(InviteReceived)) == len(alice.told(Accepted)) == 1
    assert world.answered(bob, "INVITE") == [100, 100, 180, 200]


def test_repeat_the_200_until_it_is_acknowledged() -> None:
    """13.3.1.4: T1, doubled up to T2; each copy gets an ACK (13.2.2.4)."""
    world, alice, bob = pair(loses=losing("ACK", 4))
    call = dial(world, alice, bob)
    world.run()
    start = world.now
    bob.endpoint.accept(bob.last(InviteReceived).call, ANSWER, world.now)
    world.run(20.0)
    sent = [each for each in world.log if named(each.message) == "200 INVITE"]
    assert [each.at - start for each in sent] == [0.0, 0.5, 1.5, 3.5, 7.5]
    acks = world.sent(alice, "ACK")
    assert len(acks) == 5
    assert len({str(ack.via) for ack in acks}) == 1
    assert alice.told(Accepted)[0].call == call
    assert len(bob.told(Confirmed)) == 1


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_give_up_a_call_that_is_never_acknowledged(transport: str) -> None:
    """13.3.1.4, over TCP too; BYE follows."""
    world, alice, bob = pair(loses=losing_all("ACK"))
    target = f"sip:bob@{bob.host};transport={transport}"
    call = alice.endpoint.invite(target, "sip:a@example.org", ANSWER, world.now)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.accept(theirs, ANSWER, world.now)
    world.run(33.0)
    assert len([it for it in world.answered(bob, "INVITE") if it == 200]) == 11
    assert bob.ends(theirs) == [NotAcknowledged(theirs)]
    assert alice.ends(call) == [Ended(call, is_by_remote=True)]
    world.run(LONG)
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_give_up_a_change_that_is_never_acknowledged() -> None:
    """14.2 with 13.3.1.4."""
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    alice.endpoint.reinvite(call, OTHER, world.now)
    world.run()
    world.loses = losing_all("ACK")
    bob.endpoint.answer_reinvite(theirs, ANSWER, world.now)
    world.run(LONG)
    assert bob.ends(theirs) == [NotAcknowledged(theirs)]
    assert alice.ends(call) == [Ended(call, is_by_remote=True)]


def test_send_bye_in_the_end_though_no_ack_comes() -> None:
    """15: when the transaction has timed out."""
    world, alice, bob = pair(loses=losing_all("ACK"))
    call = dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.accept(theirs, ANSWER, world.now)
    bob.endpoint.bye(theirs, world.now)
    bob.drain(world.now)
    world.run(LONG)
    assert bob.ends(theirs) == [Ended(theirs, is_by_remote=False)]
    assert alice.ends(call) == [Ended(call, is_by_remote=True)]
    assert bob.endpoint.counts == Counts(0, 0, 0)


def test_take_their_bye_while_ours_waits_for_the_ack() -> None:
    world, alice, bob = pair(loses=losing_all("ACK"))
    call = dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.accept(theirs, ANSWER, world.now)
    bob.endpoint.bye(theirs, world.now)
    world.run()
    alice.endpoint.bye(call, world.now)
    alice.drain(world.now)
    world.run()
    assert not world.sent(bob, "BYE")
    assert world.answered(bob, "BYE") == [200]
    world.run(LONG)
    assert alice.ends(call) == [Ended(call, is_by_remote=False)]
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_reject_with_408_when_nobody_answers_at_all() -> None:
    """17.1.1.2, timer B."""
    world, alice, bob = pair(loses=losing_all("INVITE"))
    call = dial(world, alice, bob)
    start = world.now
    world.run(LONG)
    assert [at - start for at in world.at(alice, "INVITE")] == [
        0.0,
        0.5,
        1.5,
        3.5,
        7.5,
        15.5,
        31.5,
    ]
    assert alice.events == [Rejected(call, 408, "Request Timeout")]
    assert alice.endpoint.counts == Counts(0, 0, 0)


def test_give_up_a_cancel_that_has_no_effect() -> None:
    """9.1: 64*T1 after the CANCEL."""
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    world.run()
    world.loses = losing_all("CANCEL")
    alice.endpoint.cancel(call, world.now)
    world.run(31.0)
    assert not alice.ends(call)
    world.run(LONG)
    assert alice.ends(call) == [Rejected(call, 487, "Request Terminated")]
    assert alice.endpoint.counts == Counts(0, 0, 0)


@pytest.mark.parametrize("flow", [None, "a flow"])
def test_reject_with_503_what_cannot_be_sent(flow: str | None) -> None:
    """17.1.4, 8.1.3.1."""
    world, alice, bob = pair()
    destination = Hop("TCP", bob.host, 5060, flow)
    call = dial(world, alice, bob, destination=destination)
    other = dial(world, alice, bob, destination=Hop("TCP", "192.0.2.7", 5060, "other"))
    failed = Hop("TCP", "192.0.2.8", 9, flow) if flow else destination
    alice.endpoint.transport_failed(failed, world.now)
    alice.drain(world.now)
    assert alice.ends(call) == [Rejected(call, 503, "Service Unavailable")]
    assert not alice.ends(other)


def test_forget_a_response_that_cannot_be_sent() -> None:
    """17.2.4."""
    world, alice, bob = pair(loses=losing_all("ACK"))
    dial(world, alice, bob)
    world.run()
    bob.endpoint.reject(bob.last(InviteReceived).call, 486, world.now)
    assert bob.endpoint.counts.transactions == 1
    bob.endpoint.transport_failed(Hop("UDP", "192.0.2.77", 5060), world.now)
    assert bob.endpoint.counts.transactions == 1
    bob.endpoint.transport_failed(Hop("UDP", alice.host, 5060), world.now)
    assert bob.endpoint.counts == Counts(0, 0, 0)


Ask = Callable[[Endpoint, CallKey, float], None]
ASKS: list[Ask] = [
    lambda it, call, now: it.info(call, "text/plain", b"", now),
    lambda it, call, now: it.reinvite(call, OTHER, now),
]


@pytest.mark.parametrize("ask", ASKS)
def test_end_a_call_whose_far_end_says_nothing_more(ask: Ask) -> None:
    """12.2.1.2: 408 ends the dialog, and the BYE that says so."""
    world, alice, bob = pair()
    call, _ = answered(world, alice, bob)
    world.loses = lambda message: True
    ask(alice.endpoint, call, world.now)
    world.run(LONG)
    assert alice.ends(call) == [Ended(call, is_by_remote=True, status=408)]
    assert alice.events[-1] == alice.ends(call)[0]
    assert world.sent(alice, "BYE")
    assert alice.endpoint.counts == Counts(0, 0, 0)


def test_say_nothing_more_of_requests_that_time_out_after_the_end() -> None:
    world, alice, bob = pair()
    call, _ = answered(world, alice, bob)
    world.loses = lambda message: True
    alice.endpoint.info(call, "text/plain", b"", world.now)
    alice.endpoint.reinvite(call, OTHER, world.now)
    alice.endpoint.bye(call, world.now)
    alice.drain(world.now)
    world.run(LONG)
    assert alice.events[-1] == Ended(call, is_by_remote=False)
    assert alice.endpoint.counts == Counts(0, 0, 0)


def test_refuse_a_change_that_cannot_be_sent() -> None:
    world, alice, bob = pair()
    call, _ = answered(world, alice, bob)
    alice.endpoint.reinvite(call, OTHER, world.now)
    alice.endpoint.transport_failed(Hop("UDP", bob.host, 5060), world.now)
    alice.drain(world.now)
    assert alice.last(ReinviteRefused) == ReinviteRefused(
        call, 503, "Service Unavailable"
    )
    assert not alice.ends(call)


def test_refuse_a_request_that_another_has_overtaken() -> None:
    """12.2.2: 500 for a CSeq that is lower than the last."""
    world, alice, bob = pair(loses=losing("INFO"))
    call, _ = answered(world, alice, bob)
    alice.endpoint.info(call, "text/plain", b"1", world.now)
    world.flush()
    alice.endpoint.info(call, "text/plain", b"2", world.now)
    world.run(2.0)
    assert world.answered(bob, "INFO") == [200, 500]
