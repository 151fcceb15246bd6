"""Workers that are told to drain, by whoever operates them."""

from typing import Any

import pytest

from chalicelib.protocol.lease import EXPIRY_MS, Drain
from chalicelib.services import ports
from chalicelib.services.drains import KEPT_MS, WorkerNotFound
from chalicelib.services.retries import Unavailable
from tests.adapters.fleet_contract import lease, order
from tests.builders import NOW_MS
from tests.services.test_fleet import Door, World


def test_order_waits_for_the_heartbeat_as_long_as_the_worker_lives() -> None:
    world = World()
    world.fleet.renew(lease())
    found, told = world.fleet.drains.begin("w1")
    assert (found.lease, told) == (lease(), Drain("w1", 1))
    for _ in range(2):
        assert world.fleet.renew(lease(is_draining=True)).orders == (Drain("w1", 1),)
    assert world.fleet.renew(lease(epoch=2)).orders == (), "it has started again"


def test_sooner_deadline_counts_whichever_came_first() -> None:
    world = World()
    world.fleet.renew(lease())
    drains = world.fleet.drains
    drains.begin("w1")
    assert drains.begin("w1", 60)[1].deadline_at_ms == NOW_MS + 60_000
    world.clock.pass_ms(1_000)
    assert drains.begin("w1", 60)[1].deadline_at_ms == NOW_MS + 60_000
    assert drains.begin("w1")[1].deadline_at_ms == NOW_MS + 60_000
    assert drains.begin("w1", 0)[1].deadline_at_ms == NOW_MS + 1_000
    (kept,) = world.fleet.renew(lease()).orders
    assert kept == Drain("w1", 1, NOW_MS + 1_000)


def test_same_again_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.fleet.renew(lease())
    written: list[Any] = []
    monkeypatch.setattr(
        world.repository, "keep_order", lambda *order: written.append(order)
    )
    world.fleet.drains.begin("w1", 5)
    assert written == [("w1", 1, Drain("w1", 1, NOW_MS + 5_000), NOW_MS + KEPT_MS)]
    monkeypatch.undo()
    for _ in range(2):
        world.fleet.drains.begin("w1", 5)
    monkeypatch.setattr(world.repository, "keep_order", None)
    world.fleet.drains.begin("w1", 5)


def test_worker_that_is_away_is_told_when_it_comes_back() -> None:
    world = World()
    world.fleet.renew(lease())
    world.clock.pass_ms(EXPIRY_MS * 10)
    world.fleet.drains.begin("w1")
    assert world.fleet.renew(lease()).orders == (Drain("w1", 1),)


def test_worker_that_is_unknown_or_dead_is_not_found() -> None:
    world = World().with_silent_worker()
    with pytest.raises(WorkerNotFound):
        world.fleet.drains.begin("w9")
    world.fleet.hear_stopped("task-1")
    assert world.is_dead()
    with pytest.raises(WorkerNotFound):
        world.fleet.drains.begin("w1")


@pytest.mark.parametrize("is_open", [True, False])
def test_worker_in_reach_is_told_at_once(is_open: bool) -> None:
    door = Door(is_open)
    world = World(door)
    world.fleet.renew(lease())
    for _ in range(2):
        world.fleet.drains.begin("w1")
    assert door.posted == [("10.0.0.7:8080", Drain("w1", 1))] * 2
    assert world.fleet.renew(lease()).orders == (Drain("w1", 1),)


def test_order_to_drain_stands_beside_those_to_end_sessions() -> None:
    world = World()
    world.fleet.renew(lease())
    world.repository.keep_order("w1", 1, order())
    world.fleet.drains.begin("w1")
    assert set(world.fleet.renew(lease()).orders) == {order(), Drain("w1", 1)}


def test_storage_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.fleet.renew(lease())

    def keep_order(*order: Any) -> None:
        raise ports.UnknownOutcome

    monkeypatch.setattr(world.repository, "keep_order", keep_order)
    with pytest.raises(Unavailable):
        world.fleet.drains.begin("w1")


def test_members_are_those_that_live_and_those_that_died() -> None:
    world = World().with_silent_worker()
    world.fleet.hear_stopped("task-1")
    world.fleet.renew(lease("w2"))
    world.fleet.renew(lease("a1"))
    found = [(one.lease.worker_id, one.is_dead) for one in world.fleet.members()]
    assert found == [("a1", False), ("w1", True), ("w2", False)]
