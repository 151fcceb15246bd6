"""Which way messages go (RFC 3261 sections 12.2.1.1, 16.12.1, 18.2; RFC 3581)."""

import pytest

from mediaworker.sip.endpoint import Identity
from mediaworker.sip.events import Accepted, InviteReceived
from mediaworker.sip.messages import Request
from mediaworker.sip.routing import Hop
from mediaworker.sip.transactions import State
from tests.worker.sip.harness import (
    ANSWER,
    OFFER,
    OTHER,
    Phone,
    Raw,
    Script,
    Stage,
    World,
    dial,
    staged,
)

LOOSE = ("<sip:p1.example;lr>", "<sip:192.0.2.9;lr;x=1>;y=2")
"""As the callee sees them: the last to have seen the INVITE first."""


def routes_of(request: Request) -> list[str]:
    return list(request.headers.every("Route"))


def up_from_raw(stage: Stage, **script: tuple[str, ...]) -> Script:
    """A call of the raw peer's; the script goes on within it."""
    opening = Script(**script)  # type: ignore[arg-type]
    stage.say(opening.request("INVITE", 1, body=OFFER))
    event = stage.bob.last(InviteReceived)
    stage.bob.endpoint.accept(event.call, ANSWER, stage.world.now)
    stage.world.run(0.1)
    within = Script(to_tag=event.local_tag)
    stage.say(within.request("ACK", 1))
    return within


def test_follow_the_recorded_routes_backwards_when_we_call() -> None:
    """12.1.2, 12.2.1.1: loose routing."""
    stage = staged()
    call = stage.dial()
    recorded = ("Record-Route", ", ".join(LOOSE))
    stage.reply(
        stage.raw.requests("INVITE")[0],
        200,
        sdp=ANSWER,
        headers=[recorded],
        contact="<sip:callee@192.0.2.44;transport=udp>",
    )
    stage.bob.endpoint.bye(call, stage.world.now)
    stage.world.run(0.1)
    for request in (stage.raw.requests("ACK")[0], stage.raw.requests("BYE")[0]):
        assert str(request.uri) == "sip:callee@192.0.2.44;transport=udp"
        assert routes_of(request) == list(LOOSE[::-1])


def test_follow_the_recorded_routes_as_they_stand_when_we_are_called() -> None:
    """12.1.1; the 200 has them too."""
    stage = staged()
    header = f"Record-Route: {LOOSE[1]}, {LOOSE[0]}"
    up_from_raw(stage, headers=(header,))
    stage.bob.endpoint.bye(stage.theirs, stage.world.now)
    stage.world.run(0.1)
    (bye,) = stage.raw.requests("BYE")
    assert routes_of(bye) == list(LOOSE[::-1])
    (success,) = stage.raw.responses(200)
    assert [str(it) for it in success.record_routes] == list(LOOSE[::-1])


def test_make_a_strict_router_the_target() -> None:
    """12.2.1.1: no lr."""
    stage = staged()
    header = "Record-Route: <sip:192.0.2.9;x=1>, <sip:p2.example;lr>"
    up_from_raw(stage, headers=(header,))
    stage.bob.endpoint.info(stage.theirs, "text/plain", b"", stage.world.now)
    stage.world.run(0.1)
    (info,) = stage.raw.requests("INFO")
    assert str(info.uri) == "sip:192.0.2.9;x=1"
    assert routes_of(info) == ["<sip:p2.example;lr>", "<sip:raw@192.0.2.9:5060>"]


def test_let_the_200_settle_what_a_provisional_response_said() -> None:
    """13.2.2.4: the route set is computed anew."""
    stage = staged()
    call = stage.dial()
    invite = stage.raw.requests("INVITE")[0]
    stage.reply(invite, 180, headers=[("Record-Route", "<sip:old.example;lr>")])
    stage.reply(invite, 200, sdp=ANSWER)
    assert stage.bob.told(Accepted)
    stage.bob.endpoint.bye(call, stage.world.now)
    stage.world.run(0.1)
    assert routes_of(stage.raw.requests("BYE")[0]) == []


def test_follow_a_target_that_moves() -> None:
    """12.2.1.2, 12.2.2: by either side's re-INVITE, and only when it succeeds."""
    stage = staged()
    script = up_from_raw(stage)
    moved = "<sip:raw@192.0.2.9:5060;moved=1>"
    refused = script.request("INVITE", 2, body=OFFER, contact="<sip:no@192.0.2.9>")
    endpoint = stage.bob.endpoint
    stage.say(refused)
    endpoint.refuse_reinvite(stage.theirs, 488, stage.world.now)
    stage.world.run(0.1)
    stage.say(script.request("ACK", 2, "z9hG4bKscriptINVITE2"))
    endpoint.info(stage.theirs, "text/plain", b"1", stage.world.now)
    stage.world.run(0.1)
    assert str(stage.raw.requests("INFO")[-1].uri) == "sip:raw@192.0.2.9:5060"
    stage.say(script.request("INVITE", 3, body=OFFER, contact=moved))
    endpoint.answer_reinvite(stage.theirs, ANSWER, stage.world.now)
    stage.world.run(0.1)
    stage.say(script.request("ACK", 3))
    endpoint.reinvite(stage.theirs, OTHER, stage.world.now)
    stage.world.run(0.1)
    invite = stage.raw.requests("INVITE")[-1]
    assert str(invite.uri) == "sip:raw@192.0.2.9:5060;moved=1"
    stage.reply(invite, 200, sdp=ANSWER, contact="<sip:again@192.0.2.9:5060>")
    assert str(stage.raw.requests("ACK")[-1].uri) == "sip:again@192.0.2.9:5060"


def test_follow_a_target_that_moves_by_update() -> None:
    """RFC 3311 5.2: without SDP it is answered at once."""
    stage = staged()
    script = up_from_raw(stage)
    stage.say(script.request("UPDATE", 2, contact="<sip:m@192.0.2.9:5060>"))
    assert stage.raw.statuses[-1] == 200
    stage.bob.endpoint.bye(stage.theirs, stage.world.now)
    stage.world.run(0.1)
    assert str(stage.raw.requests("BYE")[0].uri) == "sip:m@192.0.2.9:5060"


VIA = "SIP/2.0/UDP"


@pytest.mark.parametrize(
    "via, source, expected",
    [
        ("192.0.2.9;branch=z9hG4bKa", 7777, ("192.0.2.9", 5060)),
        ("192.0.2.9:6000;branch=z9hG4bKb", 7777, ("192.0.2.9", 6000)),
        ("192.0.2.9:6000;branch=z9hG4bKc;rport", 7777, ("192.0.2.9", 7777)),
        ("10.0.0.1:6000;branch=z9hG4bKd", 7777, ("192.0.2.9", 6000)),
        ("host.example;branch=z9hG4bKe;maddr=192.0.2.66", 7, ("192.0.2.9", 5060)),
        ("[2001:DB8::1]:6000;branch=z9hG4bKf;rport", 7777, ("192.0.2.9", 7777)),
    ],
)
def test_answer_to_the_source(via: str, source: int, expected: tuple[str, int]) -> None:
    """18.2.2, RFC 3581 4; maddr is not followed."""
    phone = Phone("192.0.2.2")
    text = Script().request("OPTIONS", 1, via=f"{VIA} {via}")
    phone.receive(text.encode(), Hop("UDP", "192.0.2.9", source), 0.0)
    (response,) = phone.transmissions()
    assert (response.hop.host, response.hop.port) == expected


def test_note_where_a_request_came_from() -> None:
    """18.2.1, RFC 3581 4."""
    stage = staged()
    via = f"{VIA} host.example;rport;branch=z9hG4bKa, {VIA} b.example;branch=z9hG4bKb"
    stage.say(Script().request("OPTIONS", 1, via=via))
    above, below = stage.raw.responses()[0].vias
    assert above.parameters["received"] == "192.0.2.9"
    assert above.parameters["rport"] == "5060"
    assert (below.host, below.branch) == ("b.example", "z9hG4bKb")


def test_answer_on_the_connection_that_a_request_came_by() -> None:
    """18.2.2; where it is lost, to the port of Via."""
    phone = Phone("192.0.2.2")
    text = Script(transport="TCP").request("OPTIONS", 1)
    phone.receive(text.encode(), Hop("TCP", "192.0.2.9", 41_000, "f1"), 0.0)
    (response,) = phone.transmissions()
    assert response.hop == Hop("TCP", "192.0.2.9", 5060, "f1")


def test_reach_a_caller_behind_a_nat_where_it_came_from() -> None:
    raw, phone = Raw("192.0.2.9"), Phone("192.0.2.2")
    stage = Stage(World([raw, phone]), raw, phone)
    via = f"{VIA} 10.0.0.5:5060;branch=z9hG4bKa;rport"
    contact = "<sip:raw@10.0.0.5>"
    text = Script().request("INVITE", 1, via=via, contact=contact, body=OFFER)
    stage.say(text)
    phone.endpoint.accept(stage.theirs, ANSWER, stage.world.now)
    stage.world.run(0.1)
    within = Script(to_tag=phone.last(InviteReceived).local_tag)
    stage.say(within.request("ACK", 1))
    phone.endpoint.bye(stage.theirs, stage.world.now)
    stage.world.run(0.1)
    (bye,) = raw.requests("BYE")
    assert str(bye.uri) == "sip:raw@10.0.0.5"


@pytest.mark.parametrize(
    "contact, hop",
    [
        ("<sip:a@192.0.2.50>", Hop("UDP", "192.0.2.50", 5060)),
        ("<sip:a@192.0.2.50:99;transport=TCP>", Hop("TCP", "192.0.2.50", 99)),
        ("<sip:a@h.example;maddr=192.0.2.51>", Hop("UDP", "192.0.2.51", 5060)),
        ("<sip:a@[2001:db8::5]:7>", Hop("UDP", "2001:db8::5", 7)),
        ("<sip:a@192.0.2.50;transport=sctp>", Hop("UDP", "192.0.2.50", 5060)),
        ("<tel:+12125551212>", Hop("UDP", "192.0.2.9", 5060)),
    ],
)
def test_send_where_the_contact_leads(contact: str, hop: Hop) -> None:
    """RFC 3263 4, as far as no DNS is asked."""
    stage = staged()
    call = stage.dial()
    invite = stage.raw.requests("INVITE")[0]
    stage.reply(invite, 200, sdp=ANSWER, contact=contact)
    stage.bob.endpoint.bye(call, stage.world.now)
    (bye,) = stage.bob.transmissions()
    assert bye.hop == hop


def test_place_a_call_by_way_of_another_hop() -> None:
    raw, phone = Raw("192.0.2.9"), Phone("192.0.2.2")
    world = World([raw, phone])
    hop = Hop("UDP", "192.0.2.9", 5060)
    phone.endpoint.invite("tel:+123", "sip:a@b", OFFER, world.now, destination=hop)
    world.run(0.1)
    assert str(raw.requests("INVITE")[0].uri) == "tel:+123"


@pytest.mark.parametrize(
    "target", ["tel:+123", "sips:a@b", "sip:a@b;transport=tls", "nonsense", ""]
)
def test_refuse_to_call_what_cannot_be_reached(target: str) -> None:
    phone = Phone("192.0.2.2")
    with pytest.raises(ValueError):
        phone.endpoint.invite(target, "sip:a@b", OFFER, 0.0)
    assert phone.endpoint.counts.calls == 0


@pytest.mark.parametrize("header", [{"X": "a\r\nVia: b"}, {"Via": "x"}, {"a b": "c"}])
def test_refuse_headers_that_cannot_be_sent(header: dict[str, str]) -> None:
    phone = Phone("192.0.2.2")
    with pytest.raises(ValueError):
        phone.endpoint.invite("sip:a@b", "sip:a@b", OFFER, 0.0, headers=header)
    with pytest.raises(ValueError):
        phone.endpoint.invite("sip:a@b", "sip:a@b", OFFER, 0.0, call_id="a\nb")
    assert phone.endpoint.counts.transactions == phone.endpoint.counts.calls == 0
    assert phone.endpoint.timer() is None


def test_choose_the_call_id() -> None:
    raw, phone = Raw("192.0.2.9"), Phone("192.0.2.2")
    world = World([raw, phone])
    dial(world, phone, raw, call_id="s.1234")
    world.run(0.1)
    assert raw.requests("INVITE")[0].call_id == "s.1234"


@pytest.mark.parametrize(
    "via",
    [
        "SIP/2.0/UDP 192.0.2.3:5060;branch={branch}",
        "SIP/2.0/UDP 192.0.2.2:5061;branch={branch}",
        "SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKother",
        "SIP/2.0/UDP 192.0.2.2:5060",
        "SIP/2.0/UDP 192.0.2.2;branch={branch}, SIP/2.0/UDP b.example;branch=z9hG4bKb",
    ],
)
def test_drop_responses_to_nothing_of_ours(via: str) -> None:
    """18.1.2, 17.1.3, 8.1.3.3."""
    stage = staged()
    stage.dial()
    invite = stage.raw.requests("INVITE")[0]
    text = via.format(branch=invite.via.branch)
    stage.reply(invite.with_header("Via", text), 180)
    assert stage.bob.events == []
    (transaction,) = stage.bob.endpoint._core.layer._clients.values()
    assert transaction.state is State.CALLING


def test_take_responses_that_name_our_host_in_other_words() -> None:
    """18.1.2; 20.42: the port is 5060 unless it is told."""
    phone, raw = Phone("Host.Example"), Raw("192.0.2.9")
    stage = Stage(World([raw, phone]), raw, phone)
    stage.dial()
    invite = raw.requests("INVITE")[0]
    via = f"SIP/2.0/UDP host.example;branch={invite.via.branch}"
    stage.reply(invite.with_header("Via", via), 180)
    assert len(phone.events) == 1


def test_need_a_port_of_each_transport() -> None:
    with pytest.raises(ValueError):
        Identity("192.0.2.2", {"UDP": 5060}, "test")
