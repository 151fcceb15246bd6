"""Doorbells lost, doubled and in any order; deliverers at once, that end midway;
outages, poison, slow answers; and a machine that comes late, twice or not at all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.adapters.memory import MemoryBus, MemoryCalls, Store
from chalicelib.adapters.memory_delivery import (
    MemoryFailures,
    MemoryHealth,
    MemoryLanes,
    MemoryRetries,
    MemoryTallies,
)
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Join, Leave
from chalicelib.domain.endpoints import Health
from chalicelib.protocol.control import Doorbell, Outcome, Redelivery
from chalicelib.services.ports import Answer
from chalicelib.services.webhooks.carrier import GRACE_MS, LEASE_MS
from chalicelib.services.webhooks.delivery import DeliveryService
from chalicelib.services.webhooks.lanes import Attempt, Lane, LaneKey
from tests.builders import FakeClock, FakeDraws, commit, create
from tests.faults.interleaving import Crashed, Interleaving
from tests.services.deliverers import SHOP, ports

CALLS = {"call-1": 101, "call-2": 201}
IDS = {
    name: [f"{number}-{seq}" for seq in range(1, 8)] for name, number in CALLS.items()
}
GOES_ON = (Outcome.RETRY, Outcome.EXHAUSTED, Outcome.APART)


@dataclass
class World:
    """Whole calls, and deliverers whose every step may be their last."""

    choices: list[int] = field(default_factory=list)
    crashes: list[bool] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    """What the business says first; then it takes everything."""
    poison: frozenset[str] = frozenset()
    names: tuple[str, ...] = ("call-1",)
    posted: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    doorbells: list[Doorbell] = field(default_factory=list)
    waiting: list[tuple[int, Redelivery]] = field(default_factory=list)
    apart: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    has_crashed: bool = False
    gone_after: int | None = None

    def __post_init__(self) -> None:
        self.turns = Interleaving(
            lambda count: self.choices.pop(0) % count if self.choices else 0
        )
        self.store = Store()
        self.calls = MemoryCalls(self.store)
        self.retries = MemoryRetries()
        self.clock = FakeClock()
        self.lanes = SteppingLanes(self.store, self.step)
        self.health = SteppingHealth(self.store, self.step)
        self.failures = MemoryFailures()
        self.tallies = MemoryTallies()
        self.bus = MemoryBus()
        self.draws = FakeDraws()
        self.ended = [self.tell(name) for name in self.names]

    def tell(self, name: str) -> Call:
        step = None
        trace_id = CALLS[name]
        began = create(call_id=name, trace_id=trace_id, room_number=trace_id)
        for letter, command in (
            ("a", began),
            ("b", Join("bob")),
            ("c", Join("alice")),
            ("d", Leave("bob")),
        ):
            command_id = f"{name}-{letter}"
            step = commit(step.after if step else None, command, command_id=command_id)
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
            ports(
                self.store,
                {"default": (SHOP,)},
                self,
                self.clock,
                self.draws,
                lanes=self.lanes,
                health=self.health,
                failures=self.failures,
                retries=self,
                tallies=self.tallies,
                bus=self.bus,
            )
        )

    def start(self, redelivery: Redelivery, token: str = "") -> None:
        """A `RetryMachine`."""
        self.step()
        known = len(self.retries.started)
        self.retries.start(redelivery, token)
        if len(self.retries.started) > known:
            self._wait(redelivery)
        self.step()

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        self.step()
        webhook_id = parse_qs(urlsplit(url).query)["event_id"][0]
        assert self.gone_after is None, "it was gone"
        self.posted.append(webhook_id)
        answer = self.answers.pop(0) if self.answers else Answer(200)
        if webhook_id in self.poison:
            answer = Answer(500)
        if answer.error == "slow":
            self.clock.pass_ms(3_000)
        if answer.is_taken:
            self.taken.append(webhook_id)
        if answer.status == 410:
            self.gone_after = len(self.posted)
        self.step()
        return answer

    def machine(self, place: int, is_twice: bool, late_ms: int) -> None:
        """One execution's turn, when its time has come or later."""
        if not self.waiting:
            return
        due_ms, redelivery = self.waiting.pop(place % len(self.waiting))
        self.clock.at_ms = max(self.clock.at_ms, due_ms + late_ms)
        for _ in range(2 if is_twice else 1):
            try:
                following = self.service().redeliver(redelivery)
            except Crashed:
                # As Step Functions does: the same again, a little later.
                self.waiting.append((self.clock.at_ms + 5_000, redelivery))
                return
        if following.outcome in GOES_ON:
            self._wait(following)
        elif following.outcome is Outcome.UNDELIVERABLE:
            self.dead.add(following.webhook_id)

    def _wait(self, redelivery: Redelivery) -> None:
        is_at_once = redelivery.outcome in (Outcome.EXHAUSTED, Outcome.APART)
        if redelivery.outcome is Outcome.APART or not redelivery.lease:
            self.apart.add(redelivery.webhook_id)
        if redelivery.outcome is Outcome.EXHAUSTED:
            self.dead.add(redelivery.webhook_id)
        delay_ms = 0 if is_at_once else redelivery.delay_seconds * 1000
        self.waiting.append((self.clock.at_ms + delay_ms, redelivery))

    def ring(self, bell: Doorbell) -> None:
        """The bus's rule gives up on a deliverer that ended midway."""
        try:
            self.service().ring(bell)
        except Crashed:
            return

    def first_taken(self, name: str) -> list[str]:
        told = dict.fromkeys(self.taken)
        return [one for one in told if one in IDS[name]]

    def in_order(self, name: str) -> bool:
        """Of what never left its lane, and was not given up there."""
        kept = [
            one for one in self.first_taken(name) if one not in self.apart | self.dead
        ]
        return kept == sorted(kept)

    def finish(self) -> None:
        """What comes by itself: leases run out, the audit rings, machines come."""
        self.crashes.clear()
        self.answers.clear()
        for _ in range(200):
            again = [self.service().audit(call) for call in self.ended]
            for bell in self.bus.doorbells:
                self.ring(bell)
            self.bus.doorbells.clear()
            due = [at_ms for at_ms, _ in self.waiting]
            if not due and not any(again):
                return
            later = [at_ms for at_ms in (*due, *again) if at_ms is not None]
            self.clock.at_ms = max(self.clock.at_ms + LEASE_MS, min(later))
            self.waiting.sort(key=lambda one: one[0])
            if due:
                self.machine(0, False, 0)
        raise AssertionError("it never ends")


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

    def settle(
        self, lane: Lane, next_seq: int, attempts: tuple[Attempt, ...]
    ) -> Lane | None:
        self._step()
        kept = super().settle(lane, next_seq, attempts)
        self._step()
        return kept

    def park(
        self, lane: Lane, next_seq: int, until_ms: int, attempts: tuple[Attempt, ...]
    ) -> bool:
        self._step()
        is_parked = super().park(lane, next_seq, until_ms, attempts)
        self._step()
        return is_parked

    def resume(self, key: LaneKey, lease: str, until_ms: int) -> Lane | None:
        self._step()
        lane = super().resume(key, lease, until_ms)
        self._step()
        return lane


class SteppingHealth(MemoryHealth):
    """Health at whose keeping the deliverer may be stopped, before and after."""

    def __init__(self, store: Store, step: Callable[[], None]) -> None:
        super().__init__(store)
        self._step = step

    def keep(
        self, tenant: str, endpoint_id: str, before: Health, after: Health
    ) -> bool:
        self._step()
        is_kept = super().keep(tenant, endpoint_id, before, after)
        self._step()
        return is_kept


rings = st.lists(st.integers(0, 6), max_size=10)
choices = st.lists(st.integers(0, 9), max_size=80)
crashes = st.lists(st.sampled_from([False] * 7 + [True]), max_size=40)
FAILED, SLOW = Answer(500), Answer(200, "slow")
answers = st.lists(
    st.sampled_from(
        [Answer(200), FAILED, FAILED, SLOW, Answer(503, retry_after_seconds=90)]
    )
)


@settings(max_examples=400)
@given(rings=rings, choices=choices, crashes=crashes)
def test_events_are_told_in_order_however_they_are_rung(
    rings: list[int], choices: list[int], crashes: list[bool]
) -> None:
    world = World(choices, crashes)
    bells = [world.doorbells[place] for place in rings]
    world.turns.run([lambda bell=bell: world.service().ring(bell) for bell in bells])  # type: ignore[misc]
    ids = IDS["call-1"]
    assert world.first_taken("call-1") == ids[: len(world.first_taken("call-1"))]
    world.finish()
    assert world.first_taken("call-1") == ids
    if not world.has_crashed:
        assert world.posted == ids


@settings(max_examples=200)
@given(rings=rings, choices=choices, answers=answers, crashes=crashes)
def test_failing_endpoint_hears_of_every_event_in_the_end(
    rings: list[int], choices: list[int], answers: list[Answer], crashes: list[bool]
) -> None:
    world = World(choices, crashes, answers)
    bells = [world.doorbells[place] for place in rings]
    world.turns.run([lambda bell=bell: world.service().ring(bell) for bell in bells])  # type: ignore[misc]
    world.finish()
    assert sorted(world.first_taken("call-1")) == IDS["call-1"]
    assert world.in_order("call-1")


happenings = st.one_of(
    st.tuples(st.just("ring"), st.integers(0, 13)),
    st.tuples(st.just("pass"), st.sampled_from([1, 4_000, 40_000, 600_000, GRACE_MS])),
    st.tuples(
        st.just("machine"),
        st.tuples(
            st.integers(0, 5), st.booleans(), st.sampled_from([0, 0, 0, GRACE_MS * 2])
        ),
    ),
    st.tuples(st.just("audit"), st.integers(0, 1)),
)
story = st.lists(happenings, max_size=40)


def live(world: World, story: list[tuple[str, Any]]) -> None:
    for what, how in story:
        try:
            if what == "ring":
                world.ring(world.doorbells[how])
            elif what == "pass":
                world.clock.pass_ms(how)
            elif what == "machine":
                world.machine(*how)
            else:
                world.service().audit(world.ended[how])
        except Crashed:
            continue


@settings(max_examples=400)
@given(
    story=story,
    answers=answers,
    crashes=crashes,
    poison=st.frozensets(st.sampled_from([*IDS["call-1"], *IDS["call-2"]]), max_size=1),
)
def test_nothing_is_lost_whatever_happens(
    story: list[tuple[str, Any]],
    answers: list[Answer],
    crashes: list[bool],
    poison: frozenset[str],
) -> None:
    world = World([], crashes, answers, poison, tuple(CALLS))
    live(world, story)
    world.finish()
    everything = {webhook_id for ids in IDS.values() for webhook_id in ids}
    assert set(world.taken) == everything - poison
    assert poison <= world.dead
    assert all(world.in_order(name) for name in IDS)
    if not world.has_crashed:
        assert logged(world) == sorted(world.posted)


@settings(max_examples=200)
@given(story=story, crashes=crashes, lasts=st.integers(0, 60))
def test_outage_changes_no_order(
    story: list[tuple[str, Any]], crashes: list[bool], lasts: int
) -> None:
    world = World([], crashes, [FAILED] * lasts, names=tuple(CALLS))
    live(world, story)
    world.finish()
    for name, ids in IDS.items():
        kept = [one for one in world.first_taken(name) if one not in world.dead]
        assert kept == [one for one in ids if one not in world.dead]


@settings(max_examples=200)
@given(story=story, before=answers)
def test_endpoint_that_is_gone_hears_nothing_more(
    story: list[tuple[str, Any]], before: list[Answer]
) -> None:
    world = World([], [], [*before, Answer(410)], names=tuple(CALLS))
    live(world, story)
    world.finish()
    (health,) = world.store.healths.values() or (Health(),)
    assert (health.disabled is not None) == (world.gone_after is not None)
    assert logged(world) == sorted(world.posted)


def logged(world: World) -> list[str]:
    return sorted(
        attempt.webhook_id
        for name in world.names
        for attempts in world.lanes.attempts_of("default", name).values()
        for attempt in attempts
    )
