"""Requests to workers, responses back (RFC 3261 sections 16.3 to 16.11, 18.2)."""

from dataclasses import replace

import pytest

from mediaworker.edge.forwarding import Forwarder
from mediaworker.edge.roster import Roster
from mediaworker.sip.messages import parse, render
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop
from tests.worker.edge.stage import (
    CALLER,
    SECRET,
    Stage,
    answer_to,
    lease,
    message,
    request_in,
    response_in,
    roster,
)

STREAM = Hop("TCP", "203.0.113.7", 41_000, "5")


def test_pass_a_request_on_with_a_via_of_our_own() -> None:
    host, request = Stage(roster(1)).passed(message(body="v=0\r\n"))
    assert host == "10.0.1.1"
    own, theirs = request.vias
    assert (own.transport, own.host, own.port) == ("UDP", "10.0.0.9", 5060)
    assert own.has_magic_branch
    assert own.parameters["rport"] is None
    assert theirs.parameters["received"] == "203.0.113.7"
    assert theirs.parameters["rport"] == "6060"
    assert request.max_forwards == 69
    assert request.body == b"v=0\r\n"
    assert not request.record_routes


def test_give_max_forwards_to_what_has_none() -> None:
    data = message().replace(b"Max-Forwards: 70\r\n", b"")
    assert Stage(roster(1)).passed(data)[1].max_forwards == 70


def test_bring_the_answer_back_as_it_was() -> None:
    stage = Stage(roster(1))
    sent = stage.one(message())
    back = stage.back(answer_to(sent, 180, ("X-Test", "yes")), "10.0.1.1")
    assert back.hop == CALLER
    response = response_in(back)
    assert response.status == 180
    assert response.headers.get("X-Test") == "yes"
    assert len(response.vias) == 1
    assert response.via.branch == "z9hG4bKone"


def test_answer_to_the_port_of_via_where_no_rport_is_asked_for() -> None:
    stage = Stage(roster(1))
    sent = stage.one(message(via="10.9.9.9:7070", rport=False))
    back = stage.back(answer_to(sent), "10.0.1.1")
    assert (back.hop.host, back.hop.port) == ("203.0.113.7", 7070)
    assert response_in(back).via.parameters["received"] == "203.0.113.7"


def test_keep_to_the_stream_and_to_its_connection() -> None:
    stage = Stage(roster(1))
    sent = stage.one(message(transport="TCP"), STREAM)
    assert (sent.hop.transport, sent.hop.flow) == ("TCP", None)
    assert stage.back(answer_to(sent), "10.0.1.1").hop == STREAM


def test_use_the_same_branch_for_all_of_a_transaction() -> None:
    stage = Stage(roster(1, 2, 3))
    copies = [stage.passed(message()) for _ in range(2)]
    cancel = stage.passed(message("CANCEL"))
    ack = stage.passed(message("ACK", to_tag="to-1"))
    assert {host for host, _ in (*copies, cancel, ack)} == {copies[0][0]}
    assert len({request.via.branch for _, request in (*copies, cancel, ack)}) == 1
    other = stage.passed(message(branch="z9hG4bKtwo", number=2))[1]
    assert other.via.branch != copies[0][1].via.branch


def test_use_the_same_branch_for_phones_of_rfc_2543() -> None:
    stage = Stage(roster(1))
    invite = stage.passed(message(branch="1"))[1]
    ack = stage.passed(message("ACK", branch="1", to_tag="x"))[1]
    later = stage.passed(message(branch="1", number=2))[1]
    assert invite.via.branch == ack.via.branch != later.via.branch
    assert invite.via.has_magic_branch


def test_do_the_same_after_a_restart_and_at_another_edge() -> None:
    first = Stage(roster(1, 2, 3)).passed(message())
    second = Stage(roster(3, 2, 1)).passed(message("CANCEL"))
    assert first[0] == second[0]
    assert first[1].via.branch == second[1].via.branch


def test_take_the_route_away_that_led_here() -> None:
    routes = ["Route: <sip:sip.example.com;lr>, <sip:10.0.1.1;lr>"]
    request = Stage(roster(1)).passed(message(extra=routes))[1]
    assert [str(route.uri) for route in request.routes] == ["sip:10.0.1.1;lr"]


# To whom


def test_find_a_call_whose_worker_drains() -> None:
    stage = Stage(roster(1, 2))
    host, _ = stage.passed(message())
    number = int(host[-1])
    stage.roster = Roster.of([lease(number, is_draining=True), lease(3 - number)])
    for data in (
        message(),
        message("CANCEL"),
        message("ACK", to_tag="x"),
        message("BYE", branch="z9hG4bKbye", to_tag="x", number=2),
    ):
        assert stage.passed(data)[0] == host
    again = message(branch="z9hG4bKtwo", number=2)
    assert stage.passed(again)[0] != host


def test_keep_a_call_where_it_is_while_there_is_room() -> None:
    stage = Stage(roster(1))
    assert stage.passed(message())[0] == "10.0.1.1"
    stage.roster = roster(1, 2, 3, 4, 5, 6)
    again = message(branch="z9hG4bKtwo", number=2)
    assert stage.passed(again)[0] == "10.0.1.1"


def test_give_a_call_to_another_when_its_worker_is_gone() -> None:
    stage = Stage(roster(1))
    _, first = stage.passed(message())
    stage.roster = roster(2)
    host, second = stage.passed(message())
    assert host == "10.0.1.2"
    assert second.via.branch != first.via.branch
    assert stage.passed(message("CANCEL"))[1].via.branch == second.via.branch


@pytest.mark.parametrize(
    ("uri", "extra"),
    [
        ("sip:parley@10.0.1.2:5060", []),
        ("sip:parley@elsewhere", ["Route: <sip:10.0.1.2;lr>"]),
    ],
)
def test_bring_what_is_of_a_dialog_to_the_worker_that_it_names(
    uri: str, extra: list[str]
) -> None:
    stage = Stage(roster(1, 2))
    for call in range(8):
        data = message("BYE", to_tag="x", uri=uri, extra=extra, call_id=f"c{call}")
        assert stage.passed(data)[0] == "10.0.1.2"
        stranger = message("INVITE", uri=uri, extra=extra, call_id=f"c{call}")
        assert stage.passed(stranger)[0] in ("10.0.1.1", "10.0.1.2")


def test_learn_the_public_name_of_a_worker_from_its_contact() -> None:
    stage = Stage(roster(1))
    contact = ("Contact", "<sip:parley@198.51.100.1:5060;transport=udp>")
    stage.back(answer_to(stage.one(message()), 200, contact), "10.0.1.1")
    stage.roster = roster(1, 2, 3)
    for call in range(8):
        data = message(
            "BYE", to_tag="x", uri="sip:parley@198.51.100.1", call_id=f"c{call}"
        )
        assert stage.passed(data)[0] == "10.0.1.1"
    stage.roster = roster(2)
    assert stage.passed(message("BYE", to_tag="x", uri="sip:198.51.100.1"))[0] == (
        "10.0.1.2"
    )


# The edge's own answers


def answer_of(stage: Stage, data: bytes, source: Hop = CALLER) -> tuple[int, str]:
    sent = stage.one(data, source)
    assert sent.hop == source
    response = response_in(sent)
    return response.status, response.to_tag or ""


def test_answer_options_itself_whomever_they_name() -> None:
    stage = Stage(roster(1))
    answers = {
        answer_of(stage, message("OPTIONS", uri=f"sip:{user}x.example"))
        for user in ("", "agent@", "nobody@")
    }
    ((status, tag),) = answers
    assert status == 200 and tag
    response = response_in(stage.one(message("OPTIONS")))
    assert response.headers.get("Allow") and response.headers.get("Accept")
    assert stage.passed(message("OPTIONS", to_tag="in-a-dialog"))


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS", "BYE", "CANCEL"])
def test_say_when_to_come_back_while_there_is_no_worker(method: str) -> None:
    for found in (Roster(), Roster.of([lease(1, is_draining=True)])):
        stage = Stage(found)
        sent = stage.one(message(method))
        response = response_in(sent)
        assert response.status == 503
        assert response.headers.get("Retry-After") == "10"
        tag = response.to_tag or ""
        assert stage.all(message("ACK", to_tag=tag)) == []
        assert stage.all(message("ACK", to_tag="another")) == []


def test_swallow_the_ack_of_an_answer_of_our_own() -> None:
    stage = Stage(Roster())
    _, tag = answer_of(stage, message())
    stage.roster = roster(1)
    assert stage.all(message("ACK", to_tag=tag)) == []
    assert stage.passed(message("ACK", to_tag="to-1"))


def test_give_the_same_answer_to_the_same_request() -> None:
    first, second = (Stage(Roster()).one(message()) for _ in range(2))
    assert first == second


def test_pass_on_what_may_go_one_hop_further_alone() -> None:
    stage = Stage(roster(1))
    data = message().replace(b"Forwards: 70", b"Forwards: 0")
    assert answer_of(stage, data)[0] == 483
    one = message().replace(b"Forwards: 70", b"Forwards: 1")
    assert stage.passed(one)[1].max_forwards == 0
    ack = message("ACK", branch="z9hG4bKack", to_tag="x")
    assert stage.all(ack.replace(b"Forwards: 70", b"Forwards: 0")) == []


def test_break_a_loop() -> None:
    stage = Stage(roster(1))
    sent = stage.one(message())
    other = Forwarder("10.0.0.10", 5060, Seal(SECRET))
    (back,) = other.receive(sent.data, Hop("UDP", *("10.0.0.9", 5060)), roster(1))
    response = response_in(back)
    assert (response.status, response.phrase) == (482, "Loop Detected")
    own = f"Via: SIP/2.0/UDP 10.0.0.9:5060;branch={request_in(sent).via.branch}"
    assert stage.passed(message(branch="z9hG4bKtwo", extra=[own]))


def test_refuse_what_no_proxy_here_can_do() -> None:
    stage = Stage(roster(1))
    extra = ["Proxy-Require: privacy, foo"]
    response = response_in(stage.one(message(extra=extra)))
    assert response.status == 420
    assert response.headers.get("Unsupported") == "foo, privacy"
    assert stage.passed(message("CANCEL", extra=extra))


def test_answer_what_cannot_be_read_and_drop_what_cannot_be_answered() -> None:
    stage = Stage(roster(1))
    bad = message().replace(b"Forwards: 70", b"Forwards: x")
    assert answer_of(stage, bad)[0] == 400
    late = message(transport="TCP").replace(b"Forwards: 70", b"Forwards: x")
    assert answer_of(stage, late, STREAM)[0] == 400
    for data in (b"", b"\r\n\r\n", b"hello", b"SIP/2.0 200 OK\r\n\r\n"):
        assert stage.all(data) == []
    assert stage.edge.tally.dropped == 4
    assert stage.edge.tally.answers == 2


# Nothing for strangers


def test_bring_back_no_answer_that_nobody_asked_for() -> None:
    stage = Stage(roster(1))
    sent = stage.one(message())
    good = parse(answer_to(sent))
    for forged in (
        good.with_header("Via", *good.vias[1:]),
        good.with_header("Via", good.via),
        good.with_header("Call-ID", "another"),
        good.with_header("Via", replace(good.via, parameters=good.vias[1].parameters)),
    ):
        assert stage.all(render(forged), Hop("UDP", "10.0.1.1", 5060)) == []


def test_send_an_answer_where_the_request_came_from_whatever_via_says() -> None:
    stage = Stage(roster(1))
    data = message(via="198.51.100.99:99").replace(
        b";rport", b";rport=53;received=198.51.100.98;maddr=198.51.100.97"
    )
    back = stage.back(answer_to(stage.one(data)), "10.0.1.1")
    assert back.hop.host == "203.0.113.7"


def test_count_what_was_done() -> None:
    stage = Stage(roster(1))
    stage.back(answer_to(stage.one(message())), "10.0.1.1")
    stage.one(message("OPTIONS"))
    tally = stage.edge.tally
    assert (tally.requests, tally.responses, tally.answers) == (1, 1, 1)
    assert (tally.retries, tally.dropped) == (0, 0)
