"""Calls from one endpoint to another, over a network that does what it should."""

import gc
from collections.abc import Callable

import pytest

from mediaworker.sip.endpoint import Counts, WrongTime
from mediaworker.sip.events import (
    Accepted,
    CallKey,
    Cancelled,
    Confirmed,
    Ended,
    InfoReceived,
    InviteReceived,
    Progressed,
    ReinviteAnswered,
    ReinviteCancelled,
    Reinvited,
    ReinviteRefused,
    Rejected,
)
from mediaworker.sip.routing import Hop
from tests.worker.sip.harness import (
    ANSWER,
    LONG,
    OFFER,
    OTHER,
    Phone,
    World,
    answered,
    dial,
    pair,
)


def test_tell_who_calls_whom_with_what() -> None:
    world, alice, bob = pair()
    dial(world, alice, bob, caller_name="Alice", headers={"X-Line": "7"})
    world.run()
    (event,) = bob.told(InviteReceived)
    assert (event.caller, event.caller_name) == ("sip:alice@example.org", "Alice")
    assert event.callee == "sip:bob@192.0.2.2:5060"
    assert (event.offer, event.headers) == (OFFER, {"X-Line": "7"})
    assert event.source == Hop("UDP", "192.0.2.1", 5060)
    invite = world.sent(alice, "INVITE")[0]
    assert (event.call_id, event.remote_tag) == (invite.call_id, invite.from_tag)


def test_set_up_and_end_a_call_with_the_fewest_messages() -> None:
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.ring(theirs, world.now)
    bob.endpoint.ring(theirs, world.now, ANSWER)
    world.run()
    bob.endpoint.accept(theirs, ANSWER, world.now)
    world.run()
    alice.endpoint.bye(call, world.now, {"X-Why": "done"})
    alice.drain(world.now)
    world.run()
    tag = world.log[-1].message.to_tag
    assert alice.events == [
        Progressed(call, 180, tag or ""),
        Progressed(call, 183, tag or "", ANSWER),
        Accepted(call, tag or "", ANSWER),
        Ended(call, is_by_remote=False),
    ]
    assert bob.events[1:] == [
        Confirmed(theirs),
        Ended(theirs, is_by_remote=True, headers={"X-Why": "done"}),
    ]
    lines = [each.message.start_line.split(" sip")[0] for each in world.log]
    assert lines == [
        "INVITE",
        "SIP/2.0 100 Trying",
        "SIP/2.0 180 Ringing",
        "SIP/2.0 183 Session Progress",
        "SIP/2.0 200 OK",
        "ACK",
        "BYE",
        "SIP/2.0 200 OK",
    ]


def test_keep_one_to_tag_in_all_responses_but_100() -> None:
    """8.2.6.2."""
    world, alice, bob = pair()
    dial(world, alice, bob)
    world.run()
    bob.endpoint.ring(bob.last(InviteReceived).call, world.now)
    bob.endpoint.accept(bob.last(InviteReceived).call, ANSWER, world.now)
    world.run(0.3)
    tags = [each.message.to_tag for each in world.log if each.sender == bob.host]
    assert tags[0] is None
    assert tags[1] == tags[2] == bob.last(InviteReceived).local_tag


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_call_over_either_transport(transport: str) -> None:
    world, alice, bob = pair()
    target = f"sip:bob@{bob.host};transport={transport.lower()}"
    call = alice.endpoint.invite(target, "sip:a@example.org", OFFER, world.now)
    world.run()
    bob.endpoint.accept(bob.last(InviteReceived).call, ANSWER, world.now)
    world.run()
    bob.endpoint.hang_up(bob.last(InviteReceived).call, world.now)
    world.run()
    assert alice.last(Ended) == Ended(call, is_by_remote=True)
    vias = {each.message.via.transport for each in world.log}
    assert vias == {transport}
    world.run(LONG)
    assert alice.endpoint.counts == bob.endpoint.counts == Counts(0, 0, 0)


def test_answer_an_offer_that_comes_with_the_200() -> None:
    """13.2.1: the ACK carries the answer."""
    world, alice, bob = pair()
    call = dial(world, alice, bob, offer=None)
    world.run()
    event = bob.last(InviteReceived)
    assert event.offer is None
    bob.endpoint.accept(event.call, OFFER, world.now)
    world.run(2.0)
    accepted = alice.last(Accepted)
    assert (accepted.sdp, accepted.needs_answer) == (OFFER, True)
    assert not world.sent(alice, "ACK")
    alice.endpoint.acknowledge(call, ANSWER)
    world.run(5.0)
    assert bob.last(Confirmed) == Confirmed(event.call, ANSWER)
    assert len(world.sent(alice, "ACK")) == 1
    with pytest.raises(WrongTime):
        alice.endpoint.acknowledge(call, ANSWER)


def test_acknowledge_what_needs_an_answer_before_bye() -> None:
    world, alice, bob = pair()
    call = dial(world, alice, bob, offer=None)
    world.run()
    bob.endpoint.accept(bob.last(InviteReceived).call, OFFER, world.now)
    world.run()
    alice.endpoint.hang_up(call, world.now)
    world.run()
    methods = [each.message.cseq.method for each in world.log]
    assert methods.index("ACK") < methods.index("BYE")
    assert bob.last(Ended).is_by_remote


def test_reject_with_a_status_a_reason_and_headers() -> None:
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.reject(theirs, 486, world.now, "On Air", {"X-Why": "busy"})
    world.run()
    assert alice.events == [Rejected(call, 486, "On Air", {"X-Why": "busy"})]
    assert bob.last(Ended) == Ended(theirs, is_by_remote=False, status=486)
    assert len(world.sent(alice, "ACK")) == 1


def test_tell_when_to_try_again_and_where() -> None:
    """20.33, 21.3."""
    world, alice, bob = pair()
    dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    with pytest.raises(ValueError):
        bob.endpoint.reject(theirs, 200, world.now)
    with pytest.raises(ValueError):
        bob.endpoint.reject(theirs, 486, world.now, "two\r\nlines")
    with pytest.raises(ValueError):
        bob.endpoint.reject(theirs, 486, world.now, headers={"X": "a\nb"})
    assert not bob.ends(theirs)
    bob.endpoint.reject(theirs, 503, world.now)
    world.run()
    assert alice.last(Rejected).reason == "Service Unavailable"


def test_cancel_while_it_rings() -> None:
    """9.1, 9.2: the CANCEL's 200 has the tag of the INVITE's responses."""
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.ring(theirs, world.now)
    world.run()
    alice.endpoint.cancel(call, world.now)
    alice.endpoint.cancel(call, world.now)
    world.run()
    assert alice.last(Rejected) == Rejected(call, 487, "Request Terminated")
    assert bob.last(Cancelled) == Cancelled(theirs)
    invite, cancel = world.sent(alice, "INVITE")[0], world.sent(alice, "CANCEL")[0]
    assert str(cancel.via) == str(invite.via)
    assert (cancel.uri, cancel.call_id) == (invite.uri, invite.call_id)
    assert (cancel.cseq.number, cancel.to_tag) == (invite.cseq.number, None)
    assert len(world.sent(alice, "CANCEL")) == 1
    responses = [each.message for each in world.log if each.sender == bob.host]
    assert {each.to_tag for each in responses[1:]} == {responses[1].to_tag}


def test_hold_a_cancel_until_something_comes() -> None:
    """9.1: no CANCEL before a provisional response."""
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    alice.endpoint.cancel(call, world.now)
    world.flush()
    assert not world.sent(alice, "CANCEL")
    world.run()
    assert len(world.sent(alice, "CANCEL")) == 1
    assert alice.last(Rejected).status == 487
    assert bob.told(Cancelled)


@pytest.mark.parametrize("verb", ["reinvite", "info", "bye", "acknowledge"])
def test_refuse_verbs_that_need_an_answered_call(verb: str) -> None:
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    arguments = {
        "reinvite": (OTHER, world.now),
        "info": ("text/plain", b"", world.now),
        "bye": (world.now,),
        "acknowledge": (ANSWER,),
    }
    with pytest.raises(WrongTime, match="the call is calling"):
        getattr(alice.endpoint, verb)(call, *arguments[verb])


def test_refuse_verbs_of_the_other_side_and_of_no_call() -> None:
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    verbs: list[Callable[[], None]] = [
        lambda: alice.endpoint.accept(call, ANSWER, world.now),
        lambda: alice.endpoint.cancel(call, world.now),
        lambda: bob.endpoint.cancel(theirs, world.now),
        lambda: bob.endpoint.ring(theirs, world.now),
        lambda: bob.endpoint.reject(theirs, 486, world.now),
        lambda: bob.endpoint.bye(CallKey("nobody"), world.now),
        lambda: bob.endpoint.answer_reinvite(theirs, ANSWER, world.now),
        lambda: bob.endpoint.refuse_reinvite(theirs, 488, world.now),
    ]
    for verb in verbs:
        with pytest.raises(WrongTime):
            verb()
    alice.endpoint.hang_up(CallKey("nobody"), world.now)


def test_hang_up_as_it_fits() -> None:
    world, alice, bob = pair()
    calling = dial(world, alice, bob)
    world.run()
    alice.endpoint.hang_up(calling, world.now)
    alice.endpoint.hang_up(calling, world.now)
    world.run()
    assert alice.last(Rejected).status == 487
    dial(world, alice, bob)
    world.run()
    bob.endpoint.hang_up(bob.last(InviteReceived).call, world.now, {"X-Why": "no"})
    world.run()
    rejected = alice.last(Rejected)
    assert (rejected.status, rejected.headers) == (603, {"X-Why": "no"})
    up, theirs = answered(world, alice, bob)
    bob.endpoint.hang_up(theirs, world.now)
    bob.endpoint.hang_up(theirs, world.now)
    world.run()
    assert alice.ends(up) == [Ended(up, is_by_remote=True)]


@pytest.mark.parametrize("is_alice", [True, False])
def test_change_the_session_from_either_side(is_alice: bool) -> None:
    """14.1, 14.2."""
    world, alice, bob = pair()
    ends = answered(world, alice, bob)
    asks, asked = (alice, bob) if is_alice else (bob, alice)
    call, theirs = ends if is_alice else ends[::-1]
    asks.endpoint.reinvite(call, OTHER, world.now)
    with pytest.raises(WrongTime):
        asks.endpoint.reinvite(call, OFFER, world.now)
    world.run()
    assert asked.last(Reinvited) == Reinvited(theirs, OTHER)
    asked.endpoint.answer_reinvite(theirs, ANSWER, world.now)
    world.run(10.0)
    assert asks.last(ReinviteAnswered) == ReinviteAnswered(call, ANSWER)
    assert asked.last(Confirmed) == Confirmed(theirs)
    asks.endpoint.reinvite(call, OFFER, world.now)
    world.run()
    for status in (200, 700):
        with pytest.raises(ValueError):
            asked.endpoint.refuse_reinvite(theirs, status, world.now)
    asked.endpoint.refuse_reinvite(theirs, 488, world.now)
    world.run()
    refused = asks.last(ReinviteRefused)
    assert (refused.status, refused.reason) == (488, "Not Acceptable Here")
    asked.endpoint.bye(theirs, world.now)
    world.run()
    assert asks.last(Ended).is_by_remote


def test_cancel_a_change_that_nobody_answers() -> None:
    """9.1 for a re-INVITE; the dialog stays."""
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    alice.endpoint.reinvite(call, OTHER, world.now)
    world.run(301.0)
    assert bob.last(ReinviteCancelled) == ReinviteCancelled(theirs)
    assert alice.last(ReinviteRefused).status == 487
    with pytest.raises(WrongTime):
        bob.endpoint.answer_reinvite(theirs, ANSWER, world.now)
    bob.endpoint.reinvite(theirs, OFFER, world.now)
    world.run()
    assert alice.told(Reinvited)


def test_cancel_a_call_that_nobody_answers() -> None:
    world, alice, bob = pair()
    call = dial(world, alice, bob)
    world.run(301.0)
    assert alice.ends(call) == [Rejected(call, 487, "Request Terminated")]
    assert bob.told(Cancelled)


def test_tell_progress_every_minute() -> None:
    """13.3.1.1."""
    world, alice, bob = pair()
    dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.ring(theirs, world.now)
    world.run(10.0)
    bob.endpoint.ring(theirs, world.now, ANSWER)
    world.run(125.0)
    assert world.answered(bob, "INVITE") == [100, 180, 183, 183, 183]
    bob.endpoint.accept(theirs, ANSWER, world.now)
    world.run(100.0)
    assert world.answered(bob, "INVITE") == [100, 180, 183, 183, 183, 200]


def test_pass_infos_either_way() -> None:
    """RFC 6086; 200 by the endpoint itself."""
    world, alice, bob = pair()
    call, theirs = answered(world, alice, bob)
    body = b"Signal=5\r\nDuration=160\r\n"
    alice.endpoint.info(call, "application/dtmf-relay", body, world.now)
    bob.endpoint.info(theirs, "text/plain", b"", world.now)
    world.run()
    (info,) = bob.told(InfoReceived)
    assert info == InfoReceived(theirs, "application/dtmf-relay", body)
    assert alice.told(InfoReceived) == [InfoReceived(call, "text/plain", b"")]
    assert world.answered(bob, "INFO") == [200]


def test_wait_for_the_ack_before_bye() -> None:
    """15: a callee sends no BYE before it has the ACK."""
    world, alice, bob = pair(loses=lambda it: it.start_line.startswith("ACK"))
    call = dial(world, alice, bob)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.accept(theirs, ANSWER, world.now)
    bob.endpoint.bye(theirs, world.now, {"X-Why": "gone"})
    bob.drain(world.now)
    assert bob.ends(theirs) == [Ended(theirs, is_by_remote=False)]
    world.run()
    assert not world.sent(bob, "BYE")
    world.loses = None
    world.run(2.0)
    assert alice.ends(call) == [
        Ended(call, is_by_remote=True, headers={"X-Why": "gone"})
    ]
    with pytest.raises(WrongTime):
        bob.endpoint.bye(theirs, world.now)


def test_reuse_the_connection_that_a_call_came_by() -> None:
    """18.1.1, RFC 5923."""
    world, alice, bob = pair()
    target = f"sip:bob@{bob.host};transport=tcp"
    alice.endpoint.invite(target, "sip:a@example.org", OFFER, world.now)
    world.run()
    theirs = bob.last(InviteReceived).call
    bob.endpoint.accept(theirs, ANSWER, world.now)
    world.run()
    bob.endpoint.bye(theirs, world.now)
    (bye,) = bob.endpoint.transmissions()
    assert bye.hop == Hop("TCP", alice.host, 5060, f"{alice.host}>{bob.host}")


def test_forget_thousands_of_calls() -> None:
    world, alice, bob = pair()
    steps = (alice.endpoint.bye, bob.endpoint.bye)
    for number in range(2_000):
        call = dial(world, alice, bob)
        world.run(0.03)
        theirs = bob.last(InviteReceived).call
        kind = number % 4
        if kind == 3:
            bob.endpoint.reject(theirs, 486, world.now)
        elif kind == 2:
            alice.endpoint.cancel(call, world.now)
        else:
            bob.endpoint.accept(theirs, ANSWER, world.now)
            world.run(0.03)
            steps[kind]((call, theirs)[kind], world.now)
        world.run(0.03)
        alice.events.clear()
        bob.events.clear()
        world.log.clear()
    world.run(LONG)
    _assert_nothing_is_left(world, alice)
    _assert_nothing_is_left(world, bob)


def test_forgotten_calls_are_no_work_for_the_collector() -> None:
    """Which comes seldom: all that is left of a call goes when it is forgotten."""
    world, alice, bob = pair()
    gc.collect()
    gc.disable()
    try:
        for is_taken in (True, False):
            call = dial(world, alice, bob)
            world.run(0.03)
            theirs = bob.last(InviteReceived).call
            if is_taken:
                bob.endpoint.accept(theirs, ANSWER, world.now)
                world.run(0.03)
                alice.endpoint.bye(call, world.now)
            else:
                alice.endpoint.cancel(call, world.now)
            world.run(LONG)
        assert gc.collect() == 0
    finally:
        gc.enable()


def _assert_nothing_is_left(world: World, phone: Phone) -> None:
    endpoint = phone.endpoint
    assert endpoint.counts == Counts(0, 0, 0)
    assert endpoint.timer() is None
    assert endpoint.transmissions() == []
    assert endpoint._core.live == 0
    assert endpoint._core.layer._merged == {}
    assert len(endpoint._station.agenda._heap) == 0
