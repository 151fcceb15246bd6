"""Workers of former deployments, drained when those of the new one stand in."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.lease import EXPIRY_MS, Drain
from chalicelib.protocol.retirement import Retirement
from chalicelib.services.drains import DAY_MS
from chalicelib.services.retiring import (
    DRAIN_MS,
    LATER_SECONDS,
    PATIENCE_MS,
    SOON_MS,
    SOON_SECONDS,
    Deployment,
    RetireService,
)
from tests.adapters.fleet_contract import lease
from tests.builders import NOW_MS
from tests.services.test_fleet import World

SERVICE = "arn:aws:ecs:eu-central-1:1:service/parley/workers"
ARN = "arn:aws:ecs:eu-central-1:1:task/parley/"
OLD, NEW = "ecs-svc/1", "ecs-svc/2"
BEGUN = Retirement(SERVICE, NEW)


class FakeDeployments:
    """A service whose tasks are told by their ids."""

    def __init__(self, wanted: int = 2) -> None:
        self.current: Deployment | None = Deployment(NEW, wanted)
        self.tasks: dict[str, str] = {}

    def primary(self, service_arn: str) -> Deployment | None:
        assert service_arn == SERVICE
        return self.current

    def origins(self, service_arn: str, task_ids: Iterable[str]) -> Mapping[str, str]:
        assert service_arn == SERVICE
        return {one: self.tasks[one] for one in task_ids if one in self.tasks}


class Town(World):
    """Workers of a service: ``o…`` of its former deployment, ``n…`` of the new."""

    def __init__(self, wanted: int = 2) -> None:
        super().__init__()
        self.deployments = FakeDeployments(wanted)
        self.service = RetireService(self.fleet, self.deployments, self.clock)

    def have(self, *worker_ids: str, **changes: Any) -> None:
        for worker_id in worker_ids:
            task_id = f"task-of-{worker_id}"
            known = {"o": OLD, "n": NEW}
            if worker_id[0] in known:
                self.deployments.tasks[task_id] = known[worker_id[0]]
            known_by = {"task_id": ARN + task_id, **changes}
            self.fleet.renew(lease(worker_id, **known_by))

    def drained(self) -> dict[str, int | None]:
        """Those that are to drain, and by when."""
        found = {}
        for one in self.fleet.members():
            worker_id = one.lease.worker_id
            for order in self.repository.orders(worker_id, one.lease.epoch):
                assert isinstance(order, Drain)
                found[worker_id] = order.deadline_at_ms
        return found


def test_old_ones_drain_when_as_many_new_ones_take_sessions_as_are_wanted() -> None:
    town = Town()
    town.have("o1", "o2", "o3", "n1")
    state = town.service.look(BEGUN)
    assert (state.began_at_ms, state.is_over) == (NOW_MS, False)
    assert state.wait_seconds == SOON_SECONDS
    assert town.drained() == {}, "one of two is not enough"
    town.have("n2")
    state = town.service.look(state)
    by_ms = NOW_MS + DRAIN_MS
    assert town.drained() == {"o1": by_ms, "o2": by_ms, "o3": by_ms}
    assert not state.is_over


def test_looking_again_changes_nothing() -> None:
    town = Town()
    town.have("o1", "n1", "n2")
    state = town.service.look(BEGUN)
    town.clock.pass_ms(5_000)
    assert town.service.look(BEGUN) == replace(state, began_at_ms=NOW_MS + 5_000)
    assert town.drained() == {"o1": NOW_MS + DRAIN_MS}, "the first deadline stands"
    town.have("o1", is_draining=True)
    assert town.service.look(state) == state


def test_over_when_none_of_the_old_is_left() -> None:
    town = Town()
    town.have("o1", "n1", "n2")
    state = town.service.look(BEGUN)
    town.clock.pass_ms(EXPIRY_MS)
    town.have("n1", "n2")
    assert not town.service.look(state).is_over, "it may only be away"
    town.fleet.hear_stopped(ARN + "task-of-o1")
    assert town.service.look(state).is_over


def test_first_deployment_has_nobody_to_retire() -> None:
    town = Town()
    assert town.service.look(BEGUN).is_over


@pytest.mark.parametrize("current", [None, Deployment(OLD, 2)])
def test_deployment_that_was_rolled_back_drains_nobody(
    current: Deployment | None,
) -> None:
    town = Town()
    town.have("o1", "n1", "n2")
    town.deployments.current = current
    assert town.service.look(BEGUN).is_over
    assert town.drained() == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"is_draining": True},
        {"sessions": 100},
        {"protocol_version": 99},
    ],
)
def test_new_ones_that_take_no_sessions_do_not_count(changes: dict[str, Any]) -> None:
    town = Town(wanted=1)
    town.have("o1")
    town.have("n1", **changes)
    state = replace(BEGUN, began_at_ms=NOW_MS - PATIENCE_MS)
    assert not town.service.look(state).is_over
    assert town.drained() == {}


def test_one_new_worker_is_enough_when_the_others_do_not_come() -> None:
    town = Town(wanted=9)
    town.have("o1", "n1")
    state = town.service.look(replace(BEGUN, began_at_ms=NOW_MS - PATIENCE_MS + 1))
    assert town.drained() == {}
    assert state.wait_seconds == LATER_SECONDS
    town.clock.pass_ms(1)
    town.service.look(state)
    assert list(town.drained()) == ["o1"]


def test_workers_of_other_services_and_of_no_task_are_left_alone() -> None:
    town = Town(wanted=1)
    town.have("o1", "n1", "x1")
    town.have("y1", task_id=None)
    town.service.look(BEGUN)
    assert list(town.drained()) == ["o1"]


def test_day_is_the_end_of_it() -> None:
    town = Town(wanted=1)
    town.have("o1", "n1")
    state = replace(BEGUN, began_at_ms=NOW_MS - DAY_MS)
    assert town.service.look(state).is_over
    assert town.drained() == {}


def test_execution_s_history_holds_a_day_of_looks() -> None:
    looks = SOON_MS / 1000 / SOON_SECONDS + (DAY_MS - SOON_MS) / 1000 / LATER_SECONDS
    events_a_look, most_events = 9, 25_000
    assert looks * events_a_look < most_events


@given(
    old=st.integers(1, 4),
    new=st.lists(st.booleans(), max_size=4),
    wanted=st.integers(0, 4),
    age_ms=st.integers(0, DAY_MS - 1),
)
def test_nobody_drains_before_somebody_stands_in(
    old: int, new: list[bool], wanted: int, age_ms: int
) -> None:
    town = Town(wanted)
    town.have(*(f"o{number}" for number in range(old)))
    for number, takes in enumerate(new):
        town.have(f"n{number}", is_draining=not takes)
    town.service.look(replace(BEGUN, began_at_ms=NOW_MS - age_ms))
    is_carried = any(new) and (sum(new) >= wanted or age_ms >= PATIENCE_MS)
    assert len(town.drained()) == (old if is_carried else 0)
