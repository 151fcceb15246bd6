"""Clocks that disagree, two that bury at once, and how long a death goes unnoticed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.memory import Store
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import (
    EXPIRY_MS,
    HEARTBEAT_MS,
    Lease,
    Sight,
    Witness,
)
from chalicelib.services.fleet import TESTIMONY_MS, FleetService
from chalicelib.services.roster import Fenced
from chalicelib.services.sessions import SessionService
from tests.adapters.fleet_contract import lease, started
from tests.builders import NOW_MS, FakeClock, FakeDraws
from tests.services.test_fleet import TASK_ARN, World, tried

PROBE_MS = 2_000
"""How long a worker tries to reach another that does not even refuse."""
SLACK_MS = 300
"""For a request, and for what is rounded up."""


class Neighbour:
    """A worker that lives, and does as the heartbeats say."""

    def __init__(self, world: World, first_ms: int, skew_ms: int = 0) -> None:
        self.world = world
        self.skew_ms = skew_ms
        self.next_ms = NOW_MS + first_ms
        self.probes: dict[int, Lease] = {}
        """When one comes to its end -> of whom."""

    def due_ms(self) -> int:
        return min([self.next_ms, *self.probes])

    def act(self, is_there: bool, probe_ms: int) -> None:
        now_ms = self.world.clock.now_ms()
        if now_ms in self.probes:
            suspect = self.probes.pop(now_ms)
            if not is_there:
                self.world.fleet.testify("w2", self.witness(suspect, now_ms))
        if now_ms == self.next_ms:
            heartbeat = self.world.fleet.renew(lease("w2", task_id=None))
            self.next_ms = now_ms + pause_ms(heartbeat)
            if not self.probes:
                for suspect in heartbeat.suspects:
                    self.probes[now_ms + probe_ms] = suspect

    def witness(self, suspect: Lease, now_ms: int) -> Witness:
        seen_at_ms = max(0, now_ms + self.skew_ms)
        return Witness(
            suspect.worker_id, suspect.epoch, Sight.UNREACHABLE, seen_at_ms, by="w2"
        )


def pause_ms(heartbeat: Heartbeat) -> int:
    asked = heartbeat.again_in_ms
    return HEARTBEAT_MS if asked is None else min(HEARTBEAT_MS, max(100, asked))


def pass_until(world: World, at_ms: int) -> None:
    world.clock.pass_ms(at_ms - world.clock.now_ms())


def play(
    world: World, neighbour: Neighbour, beats_until_ms: int, probe_ms: int, to_ms: int
) -> int | None:
    """When w1 is taken for dead; it renews its lease until then."""
    world.fleet.renew(lease())
    world.sessions.hear([started()])
    own_ms = NOW_MS + HEARTBEAT_MS
    while world.clock.now_ms() < to_ms:
        pass_until(world, min(own_ms, neighbour.due_ms(), to_ms))
        now_ms = world.clock.now_ms()
        if now_ms == own_ms:
            own_ms += HEARTBEAT_MS
            if now_ms <= beats_until_ms:
                world.fleet.renew(lease())
        if now_ms == neighbour.due_ms():
            neighbour.act(now_ms <= beats_until_ms, probe_ms)
        if world.is_dead():
            return now_ms
    return None


@settings(max_examples=150)
@given(
    phase_ms=st.integers(0, HEARTBEAT_MS),
    died_after_ms=st.integers(0, 12_000),
    skew_ms=st.integers(-500, 3_600_000),
)
def test_killed_worker_is_buried_within_ten_seconds_by_one_neighbour(
    phase_ms: int, died_after_ms: int, skew_ms: int
) -> None:
    """The port of a process that is gone refuses at once."""
    world = World()
    neighbour = Neighbour(world, phase_ms, skew_ms)
    died_ms = NOW_MS + died_after_ms
    dead_ms = play(world, neighbour, died_ms, 20, died_ms + 30_000)
    assert dead_ms is not None
    assert dead_ms - died_ms <= EXPIRY_MS + 500 + SLACK_MS < 10_000
    assert world.told() == ["session.started", "session.ended"]


@settings(max_examples=100)
@given(
    phase_ms=st.integers(0, HEARTBEAT_MS),
    died_after_ms=st.integers(0, 12_000),
    skew_ms=st.integers(-86_400_000, 86_400_000),
)
def test_vanished_worker_is_buried_however_wrong_a_neighbour_s_clock_is(
    phase_ms: int, died_after_ms: int, skew_ms: int
) -> None:
    """Its host is gone too, so that nobody refuses; clocks disagree by up to a day."""
    world = World()
    died_ms = NOW_MS + died_after_ms
    neighbour = Neighbour(world, phase_ms, skew_ms)
    dead_ms = play(world, neighbour, died_ms, PROBE_MS, died_ms + 60_000)
    assert dead_ms is not None
    worst = EXPIRY_MS + PROBE_MS + TESTIMONY_MS + HEARTBEAT_MS
    assert dead_ms - died_ms <= worst


@settings(max_examples=100)
@given(
    phase_ms=st.integers(0, HEARTBEAT_MS),
    skew_ms=st.integers(-86_400_000, 86_400_000),
    lies=st.lists(st.integers(0, 60), max_size=10),
)
def test_worker_that_renews_is_never_buried(
    phase_ms: int, skew_ms: int, lies: list[int]
) -> None:
    """Whatever a neighbour's clock says, and though it never reaches it."""
    world = World()
    neighbour = Neighbour(world, phase_ms, skew_ms)
    world.fleet.renew(lease("w2"))
    for second in range(61):
        if second % 3 == 0:
            world.fleet.renew(lease())
        if second in lies:
            witness = neighbour.witness(lease(), world.clock.now_ms())
            world.fleet.testify("w2", witness)
        assert not world.is_dead()
        world.clock.pass_ms(1_000)
        world.fleet.renew(lease("w2"))


def test_witness_older_than_the_renewal_does_not_count() -> None:
    world = World()
    world.fleet.renew(lease())
    world.fleet.renew(lease("w2"))
    world.fleet.testify("w2", tried(seen_at_ms=NOW_MS))
    world.clock.pass_ms(TESTIMONY_MS + 1)
    world.fleet.renew(lease())
    late = tried(seen_at_ms=NOW_MS)
    world.clock.pass_ms(EXPIRY_MS)
    world.fleet.look()
    assert not world.is_dead(), "it was seen before"
    world.fleet.testify("w2", late)
    assert world.is_dead(), "no witness is on its way for so long: its clock is wrong"


def test_only_one_worker_is_buried_by_its_stopped_task() -> None:
    """Within nine seconds: its lease runs out, and the machine waits whole ones."""
    world = World()
    world.fleet.renew(lease())
    world.sessions.hear([started()])
    wait_ms = world.fleet.hear_stopped(TASK_ARN)
    assert wait_ms is not None
    world.clock.pass_ms(-(-wait_ms // 1000) * 1000)
    assert world.fleet.hear_stopped(TASK_ARN) is None
    assert world.clock.now_ms() - NOW_MS <= 9_000
    assert world.told() == ["session.started", "session.ended"]


def test_only_one_worker_is_buried_by_the_sweep_when_the_machine_fails() -> None:
    world = World()
    world.fleet.renew(lease())
    world.sessions.hear([started()])
    world.fleet.hear_stopped(TASK_ARN)
    world.clock.pass_ms(60_000)
    world.fleet.look()
    assert world.told() == ["session.started", "session.ended"]


def test_worker_with_the_same_id_is_not_buried_for_its_former_life() -> None:
    world = World().with_silent_worker()
    world.fleet.renew(lease("w2", task_id=None))
    world.fleet.renew(lease(epoch=5, task_id="task-2"))
    world.fleet.testify("w2", tried())
    assert world.fleet.hear_stopped(TASK_ARN) is None
    world.clock.pass_ms(EXPIRY_MS)
    world.fleet.look()
    assert not world.is_dead()
    assert world.told() == ["session.started", "session.ended"], "of its former life"


@pytest.mark.parametrize("point", range(12))
def test_two_that_bury_at_once_end_each_session_once(point: int) -> None:
    """The second does all of it wherever the first has come to."""
    world = World().with_silent_worker()
    world.sessions.hear([started("s2"), started("s3")])
    world.repository.testify(Witness("w1", 1, Sight.TASK_STOPPED, NOW_MS))
    fencings: list[int] = []
    first = _interrupted(world.store, world.clock, point, world.fleet.look, fencings)
    first.look()
    world.fleet.look()
    for session_id in ("s1", "s2", "s3"):
        told = world.told(session_id=session_id)
        assert told == ["session.started", "session.ended"]
    assert world.store.enrolments["w1"].lease.epoch == 2
    assert not world.store.enrolments["w1"].is_behind
    with pytest.raises(Fenced):
        world.fleet.renew(lease())


def _interrupted(
    store: Store,
    clock: FakeClock,
    point: int,
    interrupt: Callable[[], Any],
    count: list[int],
) -> FleetService:
    """One before whose write or read number ``point`` another does its work."""

    def step() -> None:
        count.append(1)
        if len(count) == point + 1:
            interrupt()

    class Fleet(MemoryFleet):
        def fence(self, lease: Lease) -> None:
            step()
            super().fence(lease)

        def clear(self, *of: Any) -> None:
            step()
            super().clear(*of)

    class Sessions(MemorySessions):
        def load(self, key: Any) -> Any:
            step()
            return super().load(key)

        def store(self, *of: Any) -> None:
            step()
            super().store(*of)

    sessions = SessionService(Sessions(store), clock, FakeDraws())
    return FleetService(Fleet(store), sessions, None, clock, FakeDraws())


def test_heartbeat_says_when_a_lease_may_run_out() -> None:
    world = World()
    world.fleet.renew(lease())
    assert world.fleet.renew(lease("w2")).again_in_ms is None
    world.clock.pass_ms(EXPIRY_MS - HEARTBEAT_MS)
    assert world.fleet.renew(lease("w2")).again_in_ms is None
    world.clock.pass_ms(1)
    assert world.fleet.renew(lease("w2")).again_in_ms == HEARTBEAT_MS - 1
    assert world.fleet.renew(lease()).again_in_ms is None, "it is its own"
    world.clock.pass_ms(EXPIRY_MS)
    assert world.fleet.renew(lease("w2")).again_in_ms is None, "it has run out"
    assert replace(Heartbeat(), again_in_ms=5).render()["again_in_ms"] == 5
