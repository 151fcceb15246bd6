"""Who gets a call: stable, in proportion, and nobody else's matter."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.edge.roster import Roster, place_of, worker_of
from mediaworker.sip.addresses import Uri
from tests.worker.edge.stage import lease, roster

CALLS = [f"call-{number}@phone" for number in range(2_000)]


def chosen(found: Roster, call_id: str) -> str:
    worker = found.choose(call_id)
    assert worker is not None
    return worker.worker_id


@given(st.permutations([1, 2, 3, 4, 5]), st.text(max_size=30))
def test_choose_the_same_however_the_roster_is_shuffled(
    order: list[int], call_id: str
) -> None:
    assert chosen(roster(*order), call_id) == chosen(roster(1, 2, 3, 4, 5), call_id)


def test_move_only_the_calls_of_a_worker_that_goes() -> None:
    before, after = roster(1, 2, 3, 4), roster(1, 2, 4)
    moved = 0
    for call_id in CALLS:
        first, then = chosen(before, call_id), chosen(after, call_id)
        assert first == then or first == "w3"
        moved += first == "w3"
    assert 400 < moved < 600


def test_move_calls_only_to_a_worker_that_comes() -> None:
    for call_id in CALLS:
        first, then = chosen(roster(1, 2), call_id), chosen(roster(1, 2, 3), call_id)
        assert then in (first, "w3")


def test_give_calls_by_the_room_that_there_is() -> None:
    found = Roster.of([lease(1, capacity=300), lease(2, sessions=180)])
    rooms = {worker.worker_id: worker.room for worker in found.takers}
    assert rooms == {"w1": 256, "w2": 64}
    shares = Counter(chosen(found, call_id) for call_id in CALLS)
    assert 1_500 < shares["w1"] < 1_700


def test_keep_the_choice_while_a_few_calls_come_and_go() -> None:
    draws = random.Random(1)
    for call_id in CALLS[:200]:
        busy = [lease(n, sessions=draws.randint(0, 100), capacity=250) for n in (1, 2)]
        assert chosen(Roster.of(busy), call_id) == chosen(
            Roster.of([lease(1, capacity=250), lease(2, capacity=250)]), call_id
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"is_draining": True},
        {"sessions": 256},
        {"sessions": 300},
        {"protocol_version": 99},
    ],
)
def test_give_no_call_to_who_takes_none(changes: dict[str, object]) -> None:
    found = Roster.of([lease(1, **changes), lease(2)])
    assert {chosen(found, call_id) for call_id in CALLS[:50]} == {"w2"}
    assert set(found.workers) == {"w1", "w2"}
    assert Roster.of([lease(1, **changes)]).choose("call") is None


@pytest.mark.parametrize("address", [None, "10.0.1.1", "host:port", "[::1", ":5060"])
def test_leave_out_who_has_no_sip_port(address: str | None) -> None:
    assert worker_of(lease(1, sip_address=address)) is None
    assert Roster.of([lease(1, sip_address=address)]) == Roster()


def test_choose_another_than_those_that_were_tried() -> None:
    found = roster(1, 2)
    first = chosen(found, "call")
    second = found.choose("call", but=[first])
    assert second is not None and second.worker_id != first
    assert found.choose("call", but=["w1", "w2"]) is None


def test_know_a_worker_by_its_addresses() -> None:
    found = Roster.of(
        [
            lease(1, sip_address="198.51.100.1:5060"),
            lease(2, sip_address="[2001:db8::2]:5070", address="odd"),
        ]
    )
    for text, worker_id in [
        ("sip:parley@198.51.100.1", "w1"),
        ("sip:parley@10.0.1.1:5060;transport=tcp", "w1"),
        ("sip:x@[2001:db8::2]:5070", "w2"),
    ]:
        worker = found.named(Uri.parse(text))
        assert worker is not None and worker.worker_id == worker_id
    for text in ("sip:x@198.51.100.1:5061", "sip:x@192.0.2.1", "tel:+1"):
        assert found.named(Uri.parse(text)) is None
    assert found.hosts == {"198.51.100.1", "10.0.1.1", "2001:db8::2"}
    assert place_of(Uri.parse("sip:[2001:DB8::2]")) == ("2001:db8::2", 5060)
