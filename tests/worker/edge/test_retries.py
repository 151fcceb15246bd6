"""A call that a worker has no room for goes to another."""

import pytest

from mediaworker.edge.retries import MOST_RETRIES
from mediaworker.edge.roster import Roster
from mediaworker.sip.routing import Hop, Transmission
from tests.worker.edge.stage import (
    Stage,
    answer_to,
    lease,
    message,
    request_in,
    response_in,
    roster,
)

WAIT = ("Retry-After", "10")
STREAM = Hop("TCP", "203.0.113.7", 41_000, "5")


def refused(stage: Stage, sent: Transmission, status: int = 503) -> list[Transmission]:
    """What becomes of it when its worker has no room."""
    return stage.all(answer_to(sent, status, WAIT), sent.hop)


def test_ask_the_next_worker_and_tell_the_caller_nothing() -> None:
    stage = Stage(roster(1, 2))
    first = stage.one(message())
    (second,) = refused(stage, first)
    assert {first.hop.host, second.hop.host} == {"10.0.1.1", "10.0.1.2"}
    one, two = request_in(first), request_in(second)
    assert one.via.branch != two.via.branch
    assert two.vias[1:] == one.vias[1:]
    assert two.max_forwards == one.max_forwards
    back = stage.back(answer_to(second), second.hop.host)
    assert response_in(back).status == 200
    assert stage.edge.tally.retries == 1


def test_bring_copies_cancel_and_ack_to_the_worker_that_has_it_now() -> None:
    stage = Stage(roster(1, 2))
    (second,) = refused(stage, stage.one(message()))
    branch = request_in(second).via.branch
    for data in (message(), message("CANCEL"), message("ACK", to_tag="to-1")):
        sent = stage.one(data)
        assert sent.hop == second.hop
        assert request_in(sent).via.branch == branch


def test_repeat_the_invite_with_each_refusal_until_it_is_answered() -> None:
    stage = Stage(roster(1, 2))
    first = stage.one(message())
    (second,) = refused(stage, first)
    assert refused(stage, first) == [second]
    assert response_in(stage.back(answer_to(second, 100), second.hop.host))
    (ack,) = refused(stage, first)
    request = request_in(ack)
    assert ack.hop == first.hop
    assert (request.method, request.cseq.number) == ("ACK", 1)
    assert request.via.branch == request_in(first).via.branch
    assert (request.to_tag, request.from_tag) == ("to-1", "from-1")
    assert len(request.vias) == 1
    assert stage.edge.tally.retries == 1


def test_acknowledge_at_once_over_a_stream() -> None:
    stage = Stage(roster(1, 2))
    first = stage.one(message(transport="TCP"), STREAM)
    second, ack = refused(stage, first)
    assert request_in(second).method == "INVITE"
    assert request_in(ack).method == "ACK"
    assert ack.hop == first.hop
    back = stage.one(answer_to(second, 180), second.hop)
    assert back.hop == STREAM


def test_go_from_worker_to_worker_so_often_alone() -> None:
    stage = Stage(roster(1, 2, 3, 4, 5))
    sent = stage.one(message())
    hosts = {sent.hop.host}
    for _ in range(MOST_RETRIES):
        (sent,) = refused(stage, sent)
        hosts.add(sent.hop.host)
    assert len(hosts) == MOST_RETRIES + 1
    (last,) = refused(stage, sent)
    response = response_in(last)
    assert (response.status, response.headers.get("Retry-After")) == (503, "10")


def test_tell_the_caller_when_nobody_has_room() -> None:
    stage = Stage(roster(1))
    (last,) = refused(stage, stage.one(message()))
    assert response_in(last).status == 503
    stage = Stage(roster(1, 2))
    first = stage.one(message())
    stage.roster = Roster.of([lease(1), lease(2, is_draining=True)])
    if first.hop.host == "10.0.1.1":
        assert response_in(refused(stage, first)[0]).status == 503


@pytest.mark.parametrize("status", [403, 480, 486, 503, 603])
def test_pass_on_what_is_the_applications_answer(status: int) -> None:
    stage = Stage(roster(1, 2))
    sent = stage.one(message())
    (back,) = stage.all(answer_to(sent, status), sent.hop)
    assert response_in(back).status == status
    (back,) = refused(stage, sent)
    assert response_in(back).status == 503, "it is over"


def test_let_a_call_that_rings_be_refused() -> None:
    stage = Stage(roster(1, 2))
    sent = stage.one(message())
    stage.back(answer_to(sent, 180), sent.hop.host)
    (back,) = refused(stage, sent)
    assert response_in(back).status == 503


def test_retry_no_call_that_was_cancelled() -> None:
    stage = Stage(roster(1, 2))
    sent = stage.one(message())
    stage.one(message("CANCEL"))
    (back,) = refused(stage, sent)
    assert response_in(back).status == 503


def test_acknowledge_a_refusal_when_the_call_was_cancelled_meanwhile() -> None:
    stage = Stage(roster(1, 2))
    first = stage.one(message())
    refused(stage, first)
    stage.one(message("CANCEL"))
    (ack,) = refused(stage, first)
    assert request_in(ack).method == "ACK"


def test_retry_an_invite_of_usual_size_alone() -> None:
    stage = Stage(roster(1, 2))
    sent = stage.one(message(body="x" * 5_000))
    (back,) = refused(stage, sent)
    assert response_in(back).status == 503


def test_retry_nothing_but_an_invite() -> None:
    stage = Stage(roster(1, 2))
    stage.one(message())
    sent = stage.one(message("CANCEL"))
    (back,) = refused(stage, sent)
    assert response_in(back).status == 503
    other = stage.one(message(branch="z9hG4bKre", number=2, to_tag="x"))
    (back,) = refused(stage, other)
    assert response_in(back).status == 503


def test_overlook_what_a_worker_says_that_has_turned_the_call_away() -> None:
    stage = Stage(roster(1, 2))
    first = stage.one(message())
    refused(stage, first)
    assert stage.all(answer_to(first, 180), first.hop) == []


def test_let_the_refusal_through_when_the_next_worker_is_gone() -> None:
    stage = Stage(roster(1, 2))
    first = stage.one(message())
    (second,) = refused(stage, first)
    gone = int(second.hop.host[-1])
    stage.roster = roster(3 - gone)
    (back,) = refused(stage, first)
    assert response_in(back).status == 503


def test_acknowledge_nobody_who_is_gone() -> None:
    stage = Stage(roster(1, 2))
    first = stage.one(message())
    (second,) = refused(stage, first)
    stage.back(answer_to(second, 100), second.hop.host)
    stage.roster = roster(int(second.hop.host[-1]))
    assert refused(stage, first) == []
    contact = ("Contact", "<sip:parley@198.51.100.1>")
    stage.roster = roster(3)
    assert stage.all(answer_to(second, 200, contact), second.hop)


# Streams that fail


def by_stream(stage: Stage, call_id: str = "call-1") -> Transmission:
    return stage.one(message(transport="TCP", call_id=call_id), STREAM)


def test_ask_another_worker_when_the_first_cannot_be_reached() -> None:
    stage = Stage(roster(1, 2))
    first = by_stream(stage)
    (second,) = stage.edge.failed(first.hop, stage.roster)
    assert {first.hop.host, second.hop.host} == {"10.0.1.1", "10.0.1.2"}
    assert request_in(second).method == "INVITE"
    assert stage.edge.tally.retries == 1
    assert stage.edge.failed(first.hop, stage.roster) == []
    (answer,) = stage.edge.failed(second.hop, stage.roster)
    assert answer.hop == STREAM
    assert response_in(answer).status == 503
    assert stage.edge.failed(second.hop, stage.roster) == []


def test_leave_calls_alone_that_a_worker_has_or_that_came_otherwise() -> None:
    stage = Stage(roster(1))
    answered = by_stream(stage)
    stage.one(answer_to(answered, 100), answered.hop)
    stage.one(message(call_id="by-udp"))
    assert stage.edge.failed(answered.hop, stage.roster) == []
    assert stage.edge.failed(Hop("UDP", "10.0.1.1", 5060), stage.roster) == []
    assert stage.edge.failed(STREAM, stage.roster) == []
