"""Doorbells lost, doubled and in any order; deliverers at once, that end midway."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.memory import (
    FixedEndpoints,
    MemoryCalls,
    MemoryLanes,
    MemoryRetries,
    MemoryTallies,
    Store,
)
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Join, Leave
from chalicelib.protocol.control import Doorbell, Outcome
from chalicelib.services.delivery import LEASE_MS, DeliveryService, Ports
from chalicelib.services.ports import Answer, Endpoint, Lane, LaneKey
from tests.builders import FakeClock, FakeDraws, commit, create
from tests.faults.interleaving import Crashed, Interleaving

SHOP = Endpoint("shop", "https://shop.example/hook", "secret")
IDS = [f"101-{seq}" for seq in range(1, 8)]


@dataclass
class World:
    """One whole call, and deliverers whose every step may be their last."""

    choices: list[int]
    crashes: list[bool]
    failures: list[bool]
    posted: list[str] = field(default_factory=list)
    doorbells: list[Doorbell] = field(default_factory=list)
    has_crashed: bool = False

    def __post_init__(self) -> None:
        self.turns = Interleaving(
            lambda count: self.choices.pop(0) % count if self.choices else 0
        )
        store = Store()
        self.calls = MemoryCalls(store)
        self.retries = MemoryRetries()
        self.clock = FakeClock()
        self.lanes = SteppingLanes(store, self.step)
        self.draws = FakeDraws()
        self.call = self.tell()

    def tell(self) -> Call:
        step = None
        for name, command in (
            ("a", create()),
            ("b", Join("bob")),
            ("c", Join("alice")),
            ("d", Leave("bob")),
        ):
            step = commit(step.after if step else None, command, command_id=name)
            self.calls.commit(step)
            self.doorbells += (event.doorbell for event in step.events)
        assert step is not None
        return step.after

    def step(self) -> None:
        self.turns.pause()
        if self.crashes and self.crashes.pop(0):
            self.has_crashed = True
            raise Crashed

    def service(self) -> DeliveryService:
        """A deliverer that knows nothing of any other."""
        return DeliveryService(
            Ports(
                self.calls,
                self.lanes,
                FixedEndpoints({"default": (SHOP,)}),
                self,
                self.retries,
                MemoryTallies(),
                self.clock,
                self.draws,
            )
        )

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        self.step()
        if self.failures and self.failures.pop(0):
            return Answer(500)
        self.posted.append(parse_qs(urlsplit(url).query)["event_id"][0])
        self.step()
        return Answer(200)

    def first_told(self) -> list[str]:
        return list(dict.fromkeys(self.posted))

    def deliver_rest(self) -> None:
        """What comes by itself: leases run out, the audit rings, retries are made."""
        self.crashes.clear()
        self.failures.clear()
        for _ in range(3):
            self.clock.pass_ms(LEASE_MS)
            self.service().audit(self.call)
        assert self.service().audit(self.call)


class SteppingLanes(MemoryLanes):
    """Lanes at whose every request the deliverer may be stopped, before and after."""

    def __init__(self, store: Store, step: Callable[[], None]) -> None:
        super().__init__(store)
        self._step = step

    def lease(
        self, key: LaneKey, seq: int, now_ms: int, until_ms: int, lease: str
    ) -> Lane | None:
        self._step()
        lane = super().lease(key, seq, now_ms, until_ms, lease)
        self._step()
        return lane

    def settle(self, lane: Lane, next_seq: int) -> Lane | None:
        self._step()
        kept = super().settle(lane, next_seq)
        self._step()
        return kept


rings = st.lists(st.integers(0, 6), max_size=10)


@settings(max_examples=1_000, deadline=None)
@given(
    rings=rings,
    choices=st.lists(st.integers(0, 9), max_size=80),
    crashes=st.lists(st.sampled_from([False] * 7 + [True]), max_size=40),
)
def test_events_are_told_in_order_however_they_are_rung(
    rings: list[int], choices: list[int], crashes: list[bool]
) -> None:
    world = World(choices, crashes, [])
    bells = [world.doorbells[place] for place in rings]
    world.turns.run([lambda bell=bell: world.service().ring(bell) for bell in bells])  # type: ignore[misc]
    assert world.first_told() == IDS[: len(world.first_told())]
    world.deliver_rest()
    assert world.first_told() == IDS
    if not world.has_crashed:
        assert world.posted == IDS


@settings(max_examples=500, deadline=None)
@given(
    rings=rings,
    choices=st.lists(st.integers(0, 9), max_size=80),
    failures=st.lists(st.booleans(), max_size=40),
)
def test_failing_endpoint_hears_of_every_event_in_the_end(
    rings: list[int], choices: list[int], failures: list[bool]
) -> None:
    world = World(choices, [], failures)
    bells = [world.doorbells[place] for place in rings]
    world.turns.run([lambda bell=bell: world.service().ring(bell) for bell in bells])  # type: ignore[misc]
    in_lane = world.first_told()
    assert in_lane == sorted(in_lane)
    world.deliver_rest()
    for redelivery in world.retries.started:
        assert redelivery.webhook_id not in in_lane
        done = world.service().redeliver(redelivery)
        assert done.outcome is Outcome.DELIVERED
    assert sorted(world.posted) == IDS
