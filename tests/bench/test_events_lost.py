"""Nothing is lost in a small faulty world, and the instrument would see it."""

from pytest import MonkeyPatch

from bench.events_lost import disorder, play
from bench.faulty_world import FaultyWorld, Ledger, Odds

CALLS = 20


def test_faulty_world_loses_nothing_and_keeps_the_order() -> None:
    ledger = Ledger()
    tale = play(1, Odds(), ledger, CALLS)
    assert tale.told >= 4 * CALLS
    assert (tale.lost, tale.disordered) == (0, 0)
    assert len(ledger.received) == tale.told
    assert {"doorbell_lost", "refused", "deliverer_dies"} <= ledger.faults.keys()


def test_same_seed_plays_the_same_world() -> None:
    first, second = Ledger(), Ledger()
    assert play(7, Odds(), first, CALLS) == play(7, Odds(), second, CALLS)
    assert first == second


def test_lost_doorbells_are_seen_when_nobody_sweeps(
    monkeypatch: MonkeyPatch,
) -> None:
    monkeypatch.setattr("bench.events_lost.MOST_SWEEPS", 0)
    ledger = Ledger()
    tale = play(1, Odds(doorbell_lost=1.0), ledger, CALLS)
    assert tale.lost == tale.told > 0
    assert ledger.received == []


def test_sweeps_alone_find_what_no_doorbell_told() -> None:
    tale = play(1, Odds(doorbell_lost=1.0), Ledger(), CALLS)
    assert (tale.lost, tale.disordered) == (0, 0)


def test_stubborn_refusals_go_to_the_retry_machine_and_come_through() -> None:
    ledger = Ledger()
    tale = play(1, Odds(refused=0.4), ledger, CALLS)
    assert (tale.lost, tale.disordered) == (0, 0)
    assert ledger.handed_over and ledger.waited


def test_outages_lose_nothing_and_change_no_order() -> None:
    ledger = Ledger()
    odds = Odds(outage=0.02, refused=0.0, unheard=0.0)
    tale = play(3, odds, ledger, CALLS)
    assert (tale.lost, tale.disordered) == (0, 0)
    assert ledger.faults["outage"] > 1 and ledger.waited > 1


def test_deliverers_that_die_leave_no_lane_behind() -> None:
    tale = play(1, Odds(lane=0.2, deliverer_dies=0.2), Ledger(), CALLS)
    assert (tale.lost, tale.disordered) == (0, 0)


def test_quiet_world_is_told_once_each() -> None:
    quiet = Odds(*[0.0] * len(Odds.__dataclass_fields__))
    ledger = Ledger()
    world_tale = play(1, quiet, ledger, CALLS)
    assert ledger.faults == {}
    assert world_tale.told == len(ledger.received)
    assert FaultyWorld(1, quiet, ledger).is_quiet


def test_disorder_is_what_came_after_a_later_one_of_its_call() -> None:
    calls = {"a-1": "a", "a-2": "a", "a-3": "a", "b-1": "b"}
    ordered = [("a-1", 1), ("b-1", 1), ("a-2", 2), ("a-3", 3)]
    mixed = [("a-1", 1), ("a-3", 3), ("b-1", 1), ("a-2", 2)]
    assert disorder(ordered, calls) == 0
    assert disorder(mixed, calls) == 1
    assert disorder(mixed, calls, {"a-2"}) == 0
