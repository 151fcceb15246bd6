"""Requests that are refused, and how (RFC 3261 sections 8.2, 9.2, 12.2.2, 14.2)."""

import pytest

from mediaworker.sip.endpoint import Counts, Full, Limits
from mediaworker.sip.events import (
    Accepted,
    Cancelled,
    Confirmed,
    Ended,
    InfoReceived,
    InviteReceived,
    ReinviteCancelled,
    Reinvited,
    ReinviteRefused,
    Rejected,
)
from mediaworker.sip.messages import Response
from mediaworker.sip.routing import Hop
from tests.worker.sip.harness import (
    ANSWER,
    LONG,
    OFFER,
    OTHER,
    Script,
    Stage,
    dial,
    pair,
    staged,
)

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE"


def refused(stage: Stage, text: str) -> Response:
    stage.say(text)
    return stage.raw.responses()[-1]


def up(stage: Stage) -> Script:
    stage.say(Script().request("INVITE", 1, body=OFFER))
    event = stage.bob.last(InviteReceived)
    stage.bob.endpoint.accept(event.call, ANSWER, stage.world.now)
    stage.world.run(0.1)
    within = Script(to_tag=event.local_tag)
    stage.say(within.request("ACK", 1))
    stage.raw.received.clear()
    return within


@pytest.mark.parametrize("is_within", [False, True])
def test_tell_what_it_can_do(is_within: bool) -> None:
    """11.2."""
    stage = staged()
    script = up(stage) if is_within else Script()
    response = refused(stage, script.request("OPTIONS", 2))
    assert response.status == 200
    assert response.headers.get("Allow") == ALLOW
    assert response.headers.get("Accept") == "application/sdp"


@pytest.mark.parametrize("method", ["REFER", "SUBSCRIBE", "MESSAGE", "REGISTER"])
def test_refuse_methods_that_it_does_not_know(method: str) -> None:
    """8.2.1."""
    response = refused(staged(), Script().request(method, 1))
    assert (response.status, response.headers.get("Allow")) == (405, ALLOW)


def test_refuse_extensions_that_it_does_not_know() -> None:
    """8.2.2.3."""
    stage = staged()
    text = Script(headers=("Require: 100rel, foo",)).request("INVITE", 1, body=OFFER)
    response = refused(stage, text)
    assert response.status == 420
    assert response.headers.get("Unsupported") == "100rel, foo"
    assert not stage.bob.events


def test_refuse_bodies_that_it_does_not_know() -> None:
    """8.2.3; INFO has whatever it has."""
    stage = staged()
    plain = Script(call_id="plain", headers=("Content-Type: text/plain",))
    response = refused(stage, plain.request("INVITE", 1, body="hi"))
    assert (response.status, response.headers.get("Accept")) == (415, "application/sdp")
    script = up(stage)
    info = Script(to_tag=script.to_tag, headers=("Content-Type: a/b",))
    assert refused(stage, info.request("INFO", 2, body="hi")).status == 200
    assert stage.bob.last(InfoReceived).content_type == "a/b"
    assert refused(stage, script.request("INFO", 3)).status == 200
    assert stage.bob.last(InfoReceived).content_type == ""


def test_refuse_a_uri_whose_scheme_it_does_not_serve() -> None:
    """8.2.2.1."""
    text = Script().request("INVITE", 1, body=OFFER, uri="sips:bob@192.0.2.2")
    assert refused(staged(), text).status == 416


def test_take_a_request_that_may_go_no_further() -> None:
    """RFC 4475 3.3.11: it has come to its end, so that Max-Forwards is no matter."""
    stage = staged()
    text = Script().request("INVITE", 1, body=OFFER)
    stage.say(text.replace("Max-Forwards: 70", "Max-Forwards: 0"))
    assert stage.bob.told(InviteReceived)


@pytest.mark.parametrize("contact", ["none", "*", "<tel:+123>"])
def test_refuse_an_invite_that_leads_nowhere_back(contact: str) -> None:
    """12.1.1."""
    text = Script().request("INVITE", 1, body=OFFER, contact=contact)
    stage = staged()
    assert refused(stage, text).status == 400
    assert not stage.bob.told(InviteReceived)


def test_refuse_what_cannot_be_read() -> None:
    """8.2: and answer no ACK, and nothing that is no request."""
    stage = staged()
    text = Script().request("INVITE", 1, body=OFFER)
    broken = text.replace("Max-Forwards: 70", "Max-Forwards: many")
    assert refused(stage, broken).status == 400
    for silent in (
        Script().request("ACK", 1).replace("Forwards: 70", "Forwards: many"),
        "nonsense\r\n\r\n",
        "SIP/2.0 200 OK\r\n\r\n",
    ):
        stage.say(silent)
    assert len(stage.raw.received) == 1
    assert stage.bob.endpoint.counts == Counts(0, 0, 0)


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE", "INVITE", "OPTIONS"])
def test_refuse_requests_of_unknown_calls(method: str) -> None:
    """12.2.2, 15.1.2."""
    script = Script(to_tag="nobody")
    assert refused(staged(), script.request(method, 1)).status == 481


@pytest.mark.parametrize("method", ["BYE", "INFO", "UPDATE"])
def test_refuse_requests_that_need_a_call(method: str) -> None:
    assert refused(staged(), Script().request(method, 1)).status == 481


def test_pass_over_an_ack_of_nothing() -> None:
    stage = staged()
    stage.say(Script().request("ACK", 1))
    stage.say(Script(to_tag="nobody").request("ACK", 1))
    script = up(stage)
    stage.say(script.request("ACK", 1))
    stage.say(script.request("ACK", 7))
    assert stage.raw.received == []
    assert len(stage.bob.told(Confirmed)) == 1


def test_refuse_to_cancel_nothing() -> None:
    """9.2."""
    assert refused(staged(), Script().request("CANCEL", 1)).status == 481


def test_cancel_to_no_effect_what_is_no_call_or_is_answered() -> None:
    """9.2."""
    stage = staged()
    stage.say(Script().request("OPTIONS", 1, "z9hG4bKx"))
    assert refused(stage, Script().request("CANCEL", 1, "z9hG4bKx")).status == 481
    stage.say(Script().request("INVITE", 2, "z9hG4bKy", body=OFFER))
    stage.bob.endpoint.accept(stage.theirs, ANSWER, stage.world.now)
    assert refused(stage, Script().request("CANCEL", 2, "z9hG4bKy")).status == 200
    assert not stage.bob.told(Cancelled)
    text = Script(call_id="bad").request("INVITE", 3, "z9hG4bKz", contact="none")
    stage.say(text)
    cancel = Script(call_id="bad").request("CANCEL", 3, "z9hG4bKz")
    assert refused(stage, cancel).status == 200


def test_cancel_with_its_headers() -> None:
    stage = staged()
    stage.say(Script().request("INVITE", 1, "z9hG4bKx", body=OFFER))
    cancel = Script(headers=("X-Why: bored",)).request("CANCEL", 1, "z9hG4bKx")
    stage.say(cancel)
    assert stage.bob.last(Cancelled).headers == {"X-Why": "bored"}
    assert stage.raw.statuses == [100, 200, 487]


def test_end_a_call_by_bye_before_it_is_answered() -> None:
    """15.1.2: the INVITE gets 487."""
    stage = staged()
    stage.say(Script().request("INVITE", 1, body=OFFER))
    event = stage.bob.last(InviteReceived)
    stage.bob.endpoint.ring(event.call, stage.world.now)
    stage.world.run(0.1)
    stage.say(Script(to_tag=event.local_tag).request("BYE", 2))
    assert stage.raw.statuses == [100, 180, 200, 487]
    assert stage.bob.ends(event.call) == [Cancelled(event.call)]


def test_refuse_a_request_that_came_two_ways() -> None:
    """8.2.2.2."""
    stage = staged()
    stage.say(Script().request("INVITE", 1, "z9hG4bKone", body=OFFER))
    response = refused(stage, Script().request("INVITE", 1, "z9hG4bKtwo", body=OFFER))
    assert response.status == 482
    assert len(stage.bob.told(InviteReceived)) == 1
    stage.world.run(LONG)
    stage.bob.endpoint.hang_up(stage.theirs, stage.world.now)
    stage.world.run(LONG)
    assert stage.bob.endpoint._core.layer._merged == {}


OLD = "SIP/2.0/UDP 192.0.2.9:5060;branch=1"


def test_match_the_requests_of_rfc_2543() -> None:
    """17.2.3: no cookie, so that the header fields tell."""
    stage = staged()
    stage.say(Script().request("INVITE", 1, via=OLD, body=OFFER))
    stage.say(Script().request("INVITE", 1, via=OLD, body=OFFER))
    event = stage.bob.last(InviteReceived)
    assert (len(stage.bob.events), stage.raw.statuses) == (1, [100, 100])
    stage.bob.endpoint.reject(event.call, 486, stage.world.now)
    stage.world.run(0.1)
    stage.say(Script(to_tag=event.local_tag).request("ACK", 1, via=OLD))
    stage.world.run(20.0)
    assert stage.raw.statuses == [100, 100, 486]


def test_cancel_and_confirm_as_rfc_2543_does() -> None:
    """17.2.3; a 2xx is acknowledged with the branch of its INVITE."""
    stage = staged()
    stage.say(Script().request("INVITE", 1, via=OLD, body=OFFER))
    stage.say(Script().request("CANCEL", 1, via=OLD))
    assert stage.raw.statuses == [100, 200, 487]
    other = Script(call_id="other")
    stage.say(other.request("INVITE", 1, via=OLD, body=OFFER))
    event = stage.bob.last(InviteReceived)
    stage.bob.endpoint.accept(event.call, ANSWER, stage.world.now)
    stage.world.run(0.1)
    within = Script(call_id="other", to_tag=event.local_tag)
    stage.say(within.request("ACK", 1, via=OLD))
    assert stage.bob.told(Confirmed) == [Confirmed(event.call)]


def test_serve_a_caller_and_a_callee_without_tags() -> None:
    """12.1.1, 12.1.2: a tag that is absent is null."""
    stage = staged()
    script = Script(from_tag=None)
    stage.say(script.request("INVITE", 1, via=OLD, body=OFFER))
    event = stage.bob.last(InviteReceived)
    assert event.remote_tag == ""
    stage.bob.endpoint.accept(event.call, ANSWER, stage.world.now)
    within = Script(from_tag=None, to_tag=event.local_tag)
    stage.say(within.request("ACK", 1))
    stage.say(within.request("BYE", 2))
    assert stage.bob.last(Ended).is_by_remote
    call = stage.dial()
    invite = stage.raw.requests("INVITE")[-1]
    stage.reply(invite, 180, to_tag=None)
    stage.reply(invite, 200, to_tag=None, sdp=ANSWER)
    assert stage.bob.last(Accepted).call == call


def test_refuse_requests_out_of_order() -> None:
    """12.2.2: not a later copy either, whose CSeq was used."""
    stage = staged()
    script = up(stage)
    assert refused(stage, script.request("INFO", 5)).status == 200
    assert refused(stage, script.request("INFO", 4)).status == 500
    assert refused(stage, script.request("INFO", 5, "z9hG4bKother")).status == 500
    assert len(stage.bob.told(InfoReceived)) == 1


def test_refuse_a_second_change_before_the_first_is_answered() -> None:
    """14.2: 500 with Retry-After, of 0 to 10 s."""
    stage = staged()
    script = up(stage)
    stage.say(script.request("INVITE", 2, body=OFFER))
    response = refused(stage, script.request("INVITE", 3, body=OFFER))
    assert response.status == 500
    assert response.retry_after in range(11)
    assert len(stage.bob.told(Reinvited)) == 1


def test_refuse_a_change_before_the_ack() -> None:
    """14.2, RFC 5407 3.1.4: what the ACK may bring is not known."""
    stage = staged()
    stage.say(Script().request("INVITE", 1, body=OFFER))
    event = stage.bob.last(InviteReceived)
    stage.bob.endpoint.accept(event.call, ANSWER, stage.world.now)
    within = Script(to_tag=event.local_tag)
    assert refused(stage, within.request("INVITE", 2, body=OFFER)).status == 491


def test_cancel_a_change() -> None:
    stage = staged()
    script = up(stage)
    call = stage.theirs
    stage.say(script.request("INVITE", 2, "z9hG4bKre", body=OFFER))
    stage.bob.endpoint.reinvite(call, OTHER, stage.world.now)
    stage.say(script.request("CANCEL", 2, "z9hG4bKre"))
    assert stage.raw.statuses == [100, 200, 487]
    assert stage.bob.told(ReinviteCancelled) == [ReinviteCancelled(call)]
    assert len(stage.raw.requests("INVITE")) == 1
    assert not stage.bob.ends(call)


def test_offer_what_a_change_leaves_to_us() -> None:
    """14.2 with 13.2.1: the answer comes with the ACK."""
    stage = staged()
    script = up(stage)
    stage.say(script.request("INVITE", 2))
    assert stage.bob.last(Reinvited).sdp is None
    stage.bob.endpoint.answer_reinvite(stage.theirs, OFFER, stage.world.now)
    stage.world.run(0.1)
    stage.say(script.request("ACK", 2, body=ANSWER))
    assert stage.bob.last(Confirmed).sdp == ANSWER


def test_take_an_update_for_a_change() -> None:
    """RFC 3311 5.2: answered like a re-INVITE, without an ACK."""
    stage = staged()
    script = up(stage)
    stage.say(script.request("UPDATE", 2, body=OTHER))
    assert stage.bob.last(Reinvited) == Reinvited(stage.theirs, OTHER)
    stage.bob.endpoint.answer_reinvite(stage.theirs, ANSWER, stage.world.now)
    stage.world.run(0.1)
    (response,) = stage.raw.responses()
    assert (response.status, response.body) == (200, ANSWER.encode())
    stage.bob.endpoint.reinvite(stage.theirs, OFFER, stage.world.now)
    stage.world.run(0.1)
    assert refused(stage, script.request("UPDATE", 3, body=OTHER)).status == 491
    stage.bob.endpoint.bye(stage.theirs, stage.world.now)


def test_answer_an_update_that_waits_when_the_call_ends() -> None:
    stage = staged()
    script = up(stage)
    stage.say(script.request("UPDATE", 2, body=OTHER))
    stage.bob.endpoint.bye(stage.theirs, stage.world.now)
    stage.world.run(0.1)
    assert stage.raw.statuses == [487]


def test_pass_over_a_second_200_to_a_change() -> None:
    stage = staged()
    up(stage)
    stage.bob.endpoint.reinvite(stage.theirs, OTHER, stage.world.now)
    stage.world.run(0.1)
    invite = stage.raw.requests("INVITE")[0]
    stage.reply(invite, 180)
    stage.reply(invite, 200, sdp=ANSWER)
    other = invite.with_header("To", "<sip:raw@example.org>;tag=another")
    stage.reply(other, 200, sdp=ANSWER)
    assert len(stage.raw.requests("ACK")) == 1


@pytest.mark.parametrize("status", [408, 481])
def test_end_a_call_that_the_far_end_does_not_know(status: int) -> None:
    """12.2.1.2."""
    stage = staged()
    up(stage)
    call = stage.theirs
    stage.bob.endpoint.info(call, "text/plain", b"", stage.world.now)
    stage.bob.endpoint.reinvite(call, OTHER, stage.world.now)
    stage.world.run(0.1)
    stage.reply(stage.raw.requests("INFO")[0], status)
    assert stage.bob.ends(call) == [Ended(call, is_by_remote=True, status=status)]
    stage.reply(stage.raw.requests("INVITE")[0], status)
    assert len(stage.raw.requests("BYE")) == 1
    assert not stage.bob.told(ReinviteRefused)


def test_keep_a_call_whose_info_is_refused_otherwise() -> None:
    stage = staged()
    up(stage)
    stage.bob.endpoint.info(stage.theirs, "text/plain", b"", stage.world.now)
    stage.world.run(0.1)
    stage.reply(stage.raw.requests("INFO")[0], 415)
    assert not stage.bob.ends(stage.theirs)


def test_tell_when_to_try_again_and_where() -> None:
    """20.33, 21.3."""
    stage = staged()
    stage.dial()
    (invite,) = stage.raw.requests("INVITE")
    stage.reply(invite, 503, headers=[("Retry-After", "18 (maintenance)")])
    assert stage.bob.last(Rejected).retry_after == 18
    stage.dial()
    invite = stage.raw.requests("INVITE")[-1]
    stage.reply(invite, 302, contact="<sip:there@192.0.2.44>;q=0.5, <sip:b@c>")
    assert stage.bob.last(Rejected).contacts == ("sip:there@192.0.2.44", "sip:b@c")


def test_refuse_more_calls_than_the_limit() -> None:
    """21.5.4."""
    world, alice, bob = pair(limits=Limits(calls=2))
    for _ in range(2):
        dial(world, bob, alice)
    with pytest.raises(Full):
        dial(world, bob, alice)
    world.run()
    stage = staged(limits=Limits(calls=1))
    stage.say(Script().request("INVITE", 1, body=OFFER))
    other = Script(call_id="other")
    response = refused(stage, other.request("INVITE", 1, body=OFFER))
    assert (response.status, response.retry_after) == (503, 10)
    stage.bob.endpoint.hang_up(stage.theirs, stage.world.now)
    stage.say(Script(call_id="third").request("INVITE", 1, body=OFFER))
    assert len(stage.bob.told(InviteReceived)) == 2


def test_remember_no_more_requests_than_the_limit() -> None:
    """21.5.4; requests within calls are served all the same."""
    stage = staged(limits=Limits(transactions=3))
    script = up(stage)
    for number in range(20):
        text = Script(call_id=f"c{number}").request("OPTIONS", 1)
        stage.say(text, 0.01)
    stage.world.run(0.1)
    assert stage.bob.endpoint.counts.transactions == 3
    assert stage.raw.statuses == [200] * 2 + [503] * 18
    for method in ("BYE", "CANCEL"):
        stranger = Script(call_id="d", to_tag="nobody").request(method, 1)
        assert refused(stage, stranger).status == 503
    stage.say(script.request("BYE", 2))
    assert stage.bob.told(Ended)


def test_answer_nobody_elsewhere() -> None:
    """The answer to a refused request goes where the request came from."""
    stage = staged(limits=Limits(transactions=0))
    text = Script().request("INVITE", 1, body=OFFER)
    stage.bob.receive(text.encode(), Hop("UDP", "192.0.2.77", 999), 0.0)
    (response,) = stage.bob.transmissions()
    assert (response.hop.host, response.hop.port) == ("192.0.2.77", 999)
