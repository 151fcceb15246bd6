"""What is measured of rings, of pushes and of the fleet, and what of it is told."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Join, Leave, Wake
from chalicelib.protocol.lease import Lease
from chalicelib.services.calls import CallService
from chalicelib.services.measures import (
    MISSED_IN_TIME_MS,
    PUSHED_IN_TIME_MS,
    SAMPLED,
    Measure,
    Punctuality,
    is_worth_a_line,
    tell_fleet,
    tell_pushed,
)
from chalicelib.services.ports import OutboxEvent
from chalicelib.services.roster import Enrolment, Roster
from chalicelib.services.stories import Story
from tests.builders import NOW_MS, RING_MS, FakeClock, FakeDraws, create


class Told:
    """A `Meter` and a `CommitListener` that remember."""

    def __init__(self) -> None:
        self.values: list[Mapping[Measure, float]] = []
        self.commits: list[Story] = []

    def tell(self, values: Mapping[Measure, float]) -> None:
        self.values.append(values)

    def committed(self, call: Call, events: tuple[OutboxEvent, ...]) -> None:
        self.commits.append(events)


class World:
    """A call that rings, and who listens to its commits."""

    def __init__(self, call_id: str = "call-1") -> None:
        self.clock, self.told, self.call_id = FakeClock(), Told(), call_id
        listener = Punctuality(self.told, self.told)
        repository = MemoryCalls(Store())
        self.calls = CallService(repository, self.clock, FakeDraws(), listener)
        self.calls.act("default", call_id, create(call_id=call_id))

    def act(self, command: Wake | Join | Leave, after_ms: int) -> None:
        self.clock.pass_ms(after_ms)
        self.calls.act("default", self.call_id, command)


LATE_MS = MISSED_IN_TIME_MS + 1


def test_tell_how_late_a_ring_is_missed() -> None:
    world = World()
    world.act(Wake(), RING_MS + LATE_MS)
    assert world.told.values == [{Measure.RING_LATENESS: LATE_MS}]


def test_tell_nothing_of_rings_that_are_answered_or_cancelled() -> None:
    for command in (Join("bob", "web"), Leave("alice")):
        world = World()
        world.act(command, RING_MS - 1)
        assert world.told.values == []
        assert len(world.told.commits) == 2


def test_tell_a_sample_of_what_is_in_time() -> None:
    worlds = [World(f"call-{number}") for number in range(8 * SAMPLED)]
    for world in worlds:
        world.act(Wake(), RING_MS)
    told = [values for world in worlds for values in world.told.values]
    assert 0 < len(told) < len(worlds) / 4
    assert set(map(str, told)) == {str({Measure.RING_LATENESS: 0})}


def test_measure_for_nobody_else() -> None:
    clock, told = FakeClock(), Told()
    punctuality = Punctuality(told, None)
    calls = CallService(MemoryCalls(Store()), clock, FakeDraws(), punctuality)
    calls.act("default", "call-1", create())
    assert told.values == []


@given(st.integers(0, 10**7), st.text())
def test_always_tell_what_is_late(value_ms: int, key: str) -> None:
    told = is_worth_a_line(value_ms, PUSHED_IN_TIME_MS, key)
    assert told == is_worth_a_line(value_ms, PUSHED_IN_TIME_MS, key)
    assert told or value_ms <= PUSHED_IN_TIME_MS


@pytest.mark.parametrize(
    ("after_ms", "values"),
    [
        (PUSHED_IN_TIME_MS, []),
        (PUSHED_IN_TIME_MS + 1, [{Measure.COMMIT_TO_PUSH: PUSHED_IN_TIME_MS + 1}]),
        (-5, []),
    ],
)
def test_tell_how_late_a_push_is(
    after_ms: int, values: list[Mapping[Measure, float]]
) -> None:
    world = World()
    (story,) = world.told.commits
    meter = Told()
    tell_pushed(meter, story, story[-1].at_ms + after_ms)
    assert meter.values == values


def worker(name: str, **changes: object) -> Enrolment:
    lease = Lease(
        worker_id=name,
        epoch=1,
        address="10.0.0.1:8080",
        ws_url="ws://10.0.0.1:8080",
        sessions=30,
        capacity=100,
        is_draining=False,
        renewed_at_ms=NOW_MS,
    )
    return Enrolment(replace(lease, **changes), cleared_epoch=1)  # type: ignore[arg-type]


def test_tell_of_the_fleet_without_its_dead() -> None:
    dead = replace(worker("wkdead", renewed_at_ms=NOW_MS - 10**6), is_dead=True)
    roster = Roster(
        (
            worker("wk1", renewed_at_ms=NOW_MS - 4_000),
            worker("wk2", sessions=90),
            worker("wk3", sessions=5, is_draining=True),
            dead,
        )
    )
    meter = Told()
    tell_fleet(meter, roster, NOW_MS)
    assert meter.values == [
        {
            Measure.WORKERS: 3,
            Measure.WORKERS_DRAINING: 1,
            Measure.SESSIONS: 125,
            Measure.LEASE_AGE: 4_000,
            Measure.LOAD: 60.0,
        }
    ]


def test_tell_that_there_is_no_worker() -> None:
    meter = Told()
    tell_fleet(meter, Roster(), NOW_MS)
    assert meter.values == [
        {Measure.WORKERS: 0, Measure.WORKERS_DRAINING: 0, Measure.SESSIONS: 0}
    ]
