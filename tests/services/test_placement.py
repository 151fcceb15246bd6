"""Where new sessions go: by what the leases say, which is as old as a heartbeat."""

import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.memory import Store
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.protocol.lease import EXPIRY_MS, Lease
from chalicelib.services.fleet import FleetService
from chalicelib.services.sessions import SessionService
from tests.adapters.fleet_contract import lease
from tests.builders import FakeClock, FakeDraws


@dataclass
class Dice(FakeDraws):
    """Chance that can be had again."""

    seed: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


class Town:
    """Workers, and what they really carry between two heartbeats."""

    def __init__(self, *leases: Lease, seed: int = 0) -> None:
        self.store, self.clock, self.dice = Store(), FakeClock(), Dice(seed=seed)
        self.repository = MemoryFleet(self.store)
        sessions = SessionService(MemorySessions(self.store), self.clock, self.dice)
        self.fleet = FleetService(
            self.repository, sessions, None, self.clock, self.dice
        )
        self.leases = {one.worker_id: one for one in leases}
        self.carried = {one.worker_id: one.sessions for one in leases}
        self.refusals = 0
        self.beat()

    def beat(self) -> None:
        for worker_id, one in self.leases.items():
            count = min(self.carried[worker_id], one.capacity)
            self.repository.renew(replace(one, sessions=count))

    def arrive(self, count: int) -> Counter[str]:
        """All see the same leases; who is full refuses, and the next is asked."""
        taken: Counter[str] = Counter()
        for _ in range(count):
            for one in self.fleet.takers():
                if self.carried[one.worker_id] < one.capacity:
                    self.carried[one.worker_id] += 1
                    taken[one.worker_id] += 1
                    break
                self.refusals += 1
        return taken

    def load(self) -> list[float]:
        return [
            self.carried[worker_id] / one.capacity
            for worker_id, one in self.leases.items()
        ]


def workers(*counts: int, **changes: Any) -> list[Lease]:
    return [
        lease(f"w{number}", sessions=count, **{"capacity": 100, **changes})
        for number, count in enumerate(counts, 1)
    ]


@settings(max_examples=50)
@given(
    counts=st.lists(st.integers(0, 20), min_size=2, max_size=8),
    seed=st.integers(0, 2**32),
)
def test_crowd_between_two_heartbeats_is_spread(counts: list[int], seed: int) -> None:
    town = Town(*workers(*counts), seed=seed)
    most = 40 * len(counts)
    taken = town.arrive(most)
    room = sum(100 - count for count in counts)
    for number, count in enumerate(counts, 1):
        fair = most * (100 - count) / room
        assert abs(taken[f"w{number}"] - fair) <= 5 * fair**0.5
    assert max(town.load()) <= 0.98


@settings(max_examples=30)
@given(
    counts=st.lists(st.integers(0, 60), min_size=2, max_size=6),
    seed=st.integers(0, 2**32),
)
def test_fleet_that_was_uneven_becomes_even(counts: list[int], seed: int) -> None:
    """Each heartbeat a tenth of what is carried ends, and as much comes."""
    town = Town(*workers(*counts), seed=seed)
    for _ in range(60):
        ended = 0
        for worker_id, count in town.carried.items():
            town.carried[worker_id] -= count // 10
            ended += count // 10
        town.beat()
        town.arrive(ended)
    assert max(town.load()) - min(town.load()) <= 0.3
    assert town.refusals == 0


def test_always_the_least_would_flood_one() -> None:
    """What the draw is for: the same crowd, sent to whom the leases call empty."""
    counts = (10, 11, 12)
    town = Town(*workers(*counts))
    least = min(town.fleet.takers(), key=lambda one: one.sessions)
    flooded = {**dict(zip(("w1", "w2", "w3"), counts, strict=True))}
    flooded[least.worker_id] += 60
    town.arrive(60)
    assert max(town.carried.values()) < max(flooded.values()) - 25


def test_greater_worker_takes_more() -> None:
    town = Town(lease("w1", sessions=0, capacity=10), lease("w2", capacity=300))
    taken = town.arrive(150)
    assert taken["w1"] <= 10
    assert taken["w2"] >= 140


def test_full_one_s_refusal_leads_to_the_next() -> None:
    town = Town(*workers(99, 99, 0))
    taken = town.arrive(60)
    assert sum(taken.values()) == 60
    assert max(town.carried.values()) <= 100


@settings(max_examples=50)
@given(
    kinds=st.lists(
        st.sampled_from(["taker", "draining", "full", "expired", "new", "dead"]),
        max_size=8,
    ),
    seed=st.integers(0, 2**32),
)
def test_none_goes_to_who_takes_none(kinds: list[str], seed: int) -> None:
    town = Town(seed=seed)
    changes: dict[str, dict[str, Any]] = {
        "draining": {"is_draining": True},
        "full": {"sessions": 100},
        "expired": {"renewed_at_ms": town.clock.now_ms() - EXPIRY_MS},
        "new": {"protocol_version": 99},
    }
    for number, kind in enumerate(kinds):
        one = lease(f"w{number}", **changes.get(kind, {}))
        town.repository.renew(one)
        if kind == "dead":
            town.repository.fence(one)
    wanted = {f"w{n}" for n, kind in enumerate(kinds) if kind == "taker"}
    found = [one.worker_id for one in town.fleet.takers()]
    assert set(found) == wanted
    assert len(found) == len(wanted)


@pytest.mark.parametrize("drawn", [0.0, 1.0])
def test_ends_of_the_draw_are_harmless(
    drawn: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = Town(*workers(0, 99))
    monkeypatch.setattr(town.dice, "uniform", lambda low, high: drawn)
    assert len(town.fleet.takers()) == 2
