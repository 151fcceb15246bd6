"""Events get to businesses in order, at least once, whatever rings how often."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.memory import (
    FixedEndpoints,
    MemoryCalls,
    MemoryLanes,
    MemoryRetries,
    MemoryTallies,
    Store,
)
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.domain.commands import Join, Leave
from chalicelib.protocol.control import Doorbell, Outcome, Redelivery
from chalicelib.services.delivery import (
    LEASE_MS,
    SCHEDULE_SECONDS,
    DeliveryService,
    Ports,
)
from chalicelib.services.ports import Answer, Endpoint, LaneKey, Tally
from chalicelib.services.sessions import SessionService
from tests.adapters.fleet_contract import ended, lease, started
from tests.builders import NOW_MS, FakeClock, FakeDraws, commit, create

SHOP = Endpoint("shop", "https://shop.example/hook", "secret")
BANK = Endpoint("bank", "https://bank.example/hook", "secret")


@dataclass
class FakePoster:
    """Businesses that answer as they are told to, 200 when they are not."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    posted: list[tuple[str, str]] = field(default_factory=list)
    """(host, event id)"""
    takes_ms: int = 0
    clock: FakeClock | None = None
    meanwhile: Callable[[], None] = lambda: None

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        parts = urlsplit(url)
        host = parts.hostname or ""
        self.posted.append((host, parse_qs(parts.query)["event_id"][0]))
        self.meanwhile()
        if self.clock is not None:
            self.clock.pass_ms(self.takes_ms)
        planned = self.answers.get(host)
        return planned.pop(0) if planned else Answer(200)

    def ids(self, host: str) -> list[str]:
        return [event_id for at, event_id in self.posted if at == host]


class World:
    """One call of six events, two businesses and everything between."""

    def __init__(self) -> None:
        store = Store()
        self.calls = MemoryCalls(store)
        self.lanes = MemoryLanes(store)
        self.retries = MemoryRetries()
        self.tallies = MemoryTallies()
        self.clock = FakeClock()
        self.poster = FakePoster(clock=self.clock)
        self.doorbells: list[Doorbell] = []
        self.endpoints: dict[str, tuple[Endpoint, ...]] = {"default": (SHOP, BANK)}
        self.build()

    def build(self) -> None:
        self.service = DeliveryService(
            Ports(
                self.calls,
                self.lanes,
                FixedEndpoints(self.endpoints),
                self.poster,
                self.retries,
                self.tallies,
                self.clock,
                FakeDraws(),
            )
        )

    def call(self) -> None:
        step = None
        for name, command in (
            ("a", create()),
            ("b", Join("bob", "web")),
            ("c", Join("alice", "app")),
            ("d", Leave("bob")),
        ):
            step = commit(step.after if step else None, command, command_id=name)
            self.calls.commit(step)
            self.doorbells += (event.doorbell for event in step.events)


IDS = [f"101-{seq}" for seq in range(1, 8)]


@pytest.fixture
def world() -> World:
    world = World()
    world.call()
    return world


def test_endpoint_hears_of_what_it_asked_for(world: World) -> None:
    rooms = replace(SHOP, events=("room.*",))
    missed = replace(BANK, events=("participant.left",))
    world.endpoints["default"] = (rooms, missed)
    world.service.ring(world.doorbells[-1])
    types = {bell.event_id: bell.type for bell in world.doorbells}
    assert [types[one] for one in world.poster.ids("shop.example")] == [
        "room.started",
        "room.finished",
    ]
    assert {types[one] for one in world.poster.ids("bank.example")} == {
        "participant.left"
    }


def test_session_is_told_to_those_who_asked_and_costs_others_nothing(
    world: World,
) -> None:
    store = Store()
    fleet, sessions = MemoryFleet(store), MemorySessions(store)
    world.calls = MemoryCalls(store)
    world.endpoints["default"] = (SHOP, replace(BANK, events=("session.ended",)))
    world.build()
    fleet.renew(lease())
    SessionService(sessions, world.clock, FakeDraws()).hear([started(), ended()])
    (events,) = store.events.values()
    for event in events.values():
        world.service.ring(event.doorbell)
    assert world.poster.ids("shop.example") == []
    assert world.poster.ids("bank.example") == [events[2].event_id]
    assert world.lanes.next_seq(LaneKey("default", events[2].call_id, "shop")) == 1


def test_one_ring_tells_all_that_has_happened_in_order(world: World) -> None:
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("shop.example") == IDS
    assert world.poster.ids("bank.example") == IDS


@given(order=st.permutations(range(7)), repeats=st.lists(st.integers(0, 6)))
def test_rings_in_any_order_and_number_tell_each_event_once_in_order(
    order: list[int], repeats: list[int]
) -> None:
    world = World()
    world.call()
    for place in [*order, *repeats]:
        world.service.ring(world.doorbells[place])
    assert world.poster.ids("shop.example") == IDS


def test_ring_while_another_delivers_is_heard_by_it(world: World) -> None:
    key = LaneKey("default", "call-1", "shop")
    lane = world.lanes.lease(key, 1, NOW_MS, NOW_MS + LEASE_MS, "another")
    assert lane is not None
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("shop.example") == []
    assert world.poster.ids("bank.example") == IDS
    assert world.lanes.settle(lane, 3) is not None


def test_ring_during_the_delivery_is_heard_before_the_lane_is_let_go(
    world: World,
) -> None:
    world.endpoints["default"] = (SHOP,)
    world.poster.meanwhile = lambda: world.service.ring(world.doorbells[-1])
    world.service.ring(world.doorbells[0])
    assert world.poster.ids("shop.example") == IDS


def test_ring_of_a_tenant_without_endpoints_posts_nothing(world: World) -> None:
    world.service.ring(replace(world.doorbells[0], tenant="acme"))
    assert world.poster.posted == []


def test_ring_after_its_deliverer_died_is_taken_up(world: World) -> None:
    key = LaneKey("default", "call-1", "shop")
    world.lanes.lease(key, 1, NOW_MS, NOW_MS + LEASE_MS, "dead")
    world.clock.pass_ms(LEASE_MS)
    world.service.ring(world.doorbells[0])
    assert world.poster.ids("shop.example") == IDS


FAILURES = [Answer(500), Answer(302), Answer(404), Answer(None, "ConnectTimeoutError")]


@pytest.mark.parametrize("answer", FAILURES)
def test_failed_attempt_is_made_again_before_the_next_event(
    world: World, answer: Answer
) -> None:
    world.poster.answers["shop.example"] = [Answer(200), answer, answer]
    world.service.ring(world.doorbells[-1])
    again = ["101-1", "101-2", "101-2", *IDS[1:]]
    assert world.poster.ids("shop.example") == again
    assert world.clock.slept_ms == [5_000, 20_000]
    assert world.retries.started == []


def test_third_failure_goes_to_the_retry_machine_and_the_lane_goes_on(
    world: World,
) -> None:
    world.poster.answers["shop.example"] = [Answer(200), *[Answer(500)] * 3]
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("shop.example") == ["101-1", *["101-2"] * 3, *IDS[2:]]
    assert world.retries.started == [
        Redelivery("default", "call-1", 2, "101-2", "shop", 4, 300)
    ]


def test_slow_endpoint_does_not_hold_its_lane_for_more_than_a_minute(
    world: World,
) -> None:
    slow = replace(SHOP, timeout_seconds=30.0)
    world.endpoints["default"] = (slow,)
    world.poster.takes_ms = 30_000
    world.poster.answers["shop.example"] = [Answer(None, "ReadTimeoutError")]
    world.service.ring(world.doorbells[0])
    (redelivery,) = world.retries.started
    assert (redelivery.seq, redelivery.attempt) == (1, 2)


def test_endpoint_that_fails_call_after_call_is_not_waited_for(world: World) -> None:
    world.endpoints["default"] = (SHOP,)
    world.poster.answers["shop.example"] = [Answer(500)] * 9
    world.service.ring(world.doorbells[-1])
    # Three and two in their lane, then one each.
    assert len(world.clock.slept_ms) == 3
    assert [one.seq for one in world.retries.started] == [1, 2, 3, 4, 5, 6]


def test_endpoints_do_not_wait_for_each_other(world: World) -> None:
    world.poster.answers["shop.example"] = [Answer(500)] * 3
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("bank.example") == IDS


def test_tally_counts_webhooks_and_failed_attempts(world: World) -> None:
    world.endpoints["default"] = (SHOP,)
    failures = [Answer(500)] * 3
    world.poster.answers["shop.example"] = [Answer(500), Answer(200), *failures]
    world.service.ring(world.doorbells[-1])
    assert world.tallies.total("default") == Tally(
        told=7,
        delivered=6,
        given_up=0,
        failures={"participant.invited": 1, "room.started": 3},
    )
    world.service.redeliver(world.retries.started[0])
    assert world.tallies.total("default").delivered == 7


class TestAudit:
    def test_audit_of_a_call_whose_doorbells_were_lost_tells_all(
        self, world: World
    ) -> None:
        call = world.calls.load("default", "call-1")
        assert call is not None
        assert not world.service.audit(call)
        assert world.poster.ids("shop.example") == IDS
        assert world.service.audit(call)
        assert world.poster.ids("shop.example") == IDS


def test_endpoint_that_asks_for_time_gets_it(world: World) -> None:
    world.poster.answers["shop.example"] = [Answer(503, retry_after_seconds=120)]
    world.service.ring(world.doorbells[-1])
    (redelivery,) = world.retries.started
    assert (redelivery.attempt, redelivery.delay_seconds) == (2, 120)


def test_endpoint_cannot_ask_for_ever(world: World) -> None:
    world.poster.answers["shop.example"] = [Answer(429, retry_after_seconds=10**9)]
    world.service.ring(world.doorbells[-1])
    assert world.retries.started[0].delay_seconds == SCHEDULE_SECONDS[-1]


def test_endpoint_that_is_gone_is_not_asked_again(world: World) -> None:
    world.poster.answers["shop.example"] = [Answer(410)]
    world.service.ring(world.doorbells[-1])
    assert world.retries.started == []


class TestRedeliver:
    REDELIVERY = Redelivery("default", "call-1", 2, "101-2", "shop", 2, 5)

    def test_redelivery_posts_the_one_event(self, world: World) -> None:
        result = world.service.redeliver(self.REDELIVERY)
        assert result.outcome is Outcome.DELIVERED
        assert world.poster.posted == [("shop.example", "101-2")]

    def test_redelivery_that_fails_waits_longer_each_time(self, world: World) -> None:
        world.poster.answers["shop.example"] = [Answer(500)] * 20
        delays, redelivery = [], self.REDELIVERY
        while redelivery.outcome is Outcome.RETRY:
            delays.append(redelivery.delay_seconds)
            redelivery = world.service.redeliver(redelivery)
        assert delays == list(SCHEDULE_SECONDS[1:])
        assert redelivery.outcome is Outcome.UNDELIVERABLE
        assert len(world.poster.posted) == len(SCHEDULE_SECONDS) - 1

    def test_redelivery_to_an_endpoint_that_is_gone_ends(self, world: World) -> None:
        world.poster.answers["shop.example"] = [Answer(410)]
        result = world.service.redeliver(self.REDELIVERY)
        assert result.outcome is Outcome.UNDELIVERABLE

    @pytest.mark.parametrize(
        "changes",
        [{"endpoint_id": "removed"}, {"tenant": "other"}, {"call_id": "expired"}],
    )
    def test_redelivery_of_what_no_longer_exists_ends(
        self, world: World, changes: dict[str, str]
    ) -> None:
        result = world.service.redeliver(replace(self.REDELIVERY, **changes))  # type: ignore[arg-type]
        assert result.outcome is Outcome.UNDELIVERABLE
        assert world.poster.posted == []
