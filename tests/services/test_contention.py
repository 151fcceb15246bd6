"""Many people, one call, one moment: everybody gets in."""

import random
from collections.abc import Callable

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Join
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.ports import Commit
from chalicelib.services.retries import CONFLICT_BUDGET_MS
from tests.builders import NOW_MS, FakeDraws, create
from tests.faults.timeline import Timeline

READ_MS = 5
WRITE_MS = 15
"""What DynamoDB takes for a read and for a transaction."""
PEOPLE = [f"user-{number}" for number in range(32)]


class SlowCalls(MemoryCalls):
    """A repository as far away as a real one."""

    def __init__(self, store: Store, timeline: Timeline) -> None:
        super().__init__(store)
        self._timeline = timeline

    def load(self, tenant: str, call_id: str) -> Call | None:
        self._timeline.sleep_ms(READ_MS)
        return super().load(tenant, call_id)

    def commit(self, commit: Commit) -> None:
        self._timeline.sleep_ms(WRITE_MS)
        super().commit(commit)


class Draws(FakeDraws):
    """Jitter that is drawn, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        super().__init__(drawn=seed * 1_000_000)
        self._random = random.Random(seed)

    def uniform(self, low: float, high: float) -> float:
        return self._random.uniform(low, high)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("within_ms", [0, 1_000])
def test_thirty_two_people_join_within_a_moment(seed: int, within_ms: int) -> None:
    timeline, store, draws = Timeline(NOW_MS), Store(), Draws(seed)
    service = CallService(SlowCalls(store, timeline), timeline, draws)
    service.act("default", "call-1", create(*PEOPLE, max_participants=32))
    took_ms: list[int] = []

    def joining(uid: str) -> Callable[[], None]:
        def join() -> None:
            timeline.sleep_ms(draws.uniform(0, within_ms))
            began_ms = timeline.now_ms()
            attempt = Attempt(f"join-{uid}", uid)
            service.execute("default", "call-1", Join(uid), attempt)
            took_ms.append(timeline.now_ms() - began_ms)

        return join

    timeline.run([joining(uid) for uid in PEOPLE])
    joined = [e.type for e in store.events["default", "call-1"].values()]
    assert joined.count("participant.joined") == len(PEOPLE)
    assert max(took_ms) < CONFLICT_BUDGET_MS
