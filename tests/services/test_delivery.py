"""Events get to businesses in order, at least once, whatever rings how often."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.adapters.memory import MemoryBus, MemoryCalls, Store
from chalicelib.adapters.memory_delivery import (
    MemoryFailures,
    MemoryHealth,
    MemoryLanes,
    MemoryRetries,
    MemoryTallies,
)
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.domain.commands import Join, Leave
from chalicelib.domain.endpoints import Disabled, Endpoint, Health
from chalicelib.protocol.control import Doorbell, Redelivery
from chalicelib.services.ports import Answer
from chalicelib.services.sessions import SessionService
from chalicelib.services.webhooks.announcements import announcement
from chalicelib.services.webhooks.carrier import GRACE_MS, LEASE_MS
from chalicelib.services.webhooks.delivery import DeliveryService
from chalicelib.services.webhooks.gate import SLOTS
from chalicelib.services.webhooks.lanes import LaneKey
from chalicelib.services.webhooks.tallies import Tally
from chalicelib.services.webhooks.visits import SCHEDULE_SECONDS
from tests.adapters.fleet_contract import ended, lease, started
from tests.builders import NOW_MS, FakeClock, FakeDraws, commit, create
from tests.services.deliverers import BANK, SHOP, FakeAnnouncer, FakePoster, ports

KEY = LaneKey("default", "call-1", "shop")


class World:
    """One call of six events, two businesses and everything between."""

    def __init__(self) -> None:
        self.store = store = Store()
        self.calls = MemoryCalls(store)
        self.lanes = MemoryLanes(store)
        self.health = MemoryHealth(store)
        self.failures = MemoryFailures()
        self.retries = MemoryRetries()
        self.tallies = MemoryTallies()
        self.announcer = FakeAnnouncer()
        self.bus = MemoryBus()
        self.clock = FakeClock()
        self.poster = FakePoster(clock=self.clock)
        self.doorbells: list[Doorbell] = []
        self.endpoints: dict[str, tuple[Endpoint, ...]] = {"default": (SHOP, BANK)}
        self.build()

    def build(self, schedule: tuple[int, ...] = SCHEDULE_SECONDS) -> None:
        self.service = DeliveryService(
            ports(
                self.store,
                self.endpoints,
                self.poster,
                self.clock,
                FakeDraws(),
                calls=self.calls,
                lanes=self.lanes,
                health=self.health,
                failures=self.failures,
                retries=self.retries,
                tallies=self.tallies,
                announcer=self.announcer,
                bus=self.bus,
                schedule=schedule,
            )
        )

    def call(self, call_id: str = "call-1", trace_id: int = 101) -> None:
        step = None
        for name, command in (
            (
                "a",
                create(call_id=call_id, trace_id=trace_id, room_number=trace_id),
            ),
            ("b", Join("bob", "web")),
            ("c", Join("alice", "app")),
            ("d", Leave("bob")),
        ):
            step = commit(
                step.after if step else None, command, command_id=call_id + name
            )
            self.calls.commit(step)
            self.doorbells += (event.doorbell for event in step.events)

    def fare(self, health: Health, endpoint_id: str = "shop") -> None:
        before = self.fares(endpoint_id)
        assert self.health.keep("default", endpoint_id, before, health)

    def fares(self, endpoint_id: str = "shop") -> Health:
        return self.store.healths.get(("default", endpoint_id), Health())

    def made(self, endpoint_id: str = "shop") -> list[tuple[str, int, int | None]]:
        attempts = self.lanes.attempts_of("default", "call-1")[endpoint_id]
        return [(one.webhook_id, one.number, one.status) for one in attempts]


IDS = [f"101-{seq}" for seq in range(1, 8)]


@pytest.fixture
def world() -> World:
    world = World()
    world.call()
    return world


@pytest.fixture
def shop_alone(world: World) -> World:
    world.endpoints["default"] = (SHOP,)
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
    key = LaneKey("default", events[2].call_id, "shop")
    assert world.lanes.progress(key).next_seq == 1


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
    lane = world.lanes.lease(KEY, 1, NOW_MS, NOW_MS + LEASE_MS, "another")
    assert lane is not None
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("shop.example") == []
    assert world.poster.ids("bank.example") == IDS
    assert world.lanes.settle(lane, 3, ()) is not None


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
    world.lanes.lease(KEY, 1, NOW_MS, NOW_MS + LEASE_MS, "dead")
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


def test_failing_endpoint_has_its_lane_wait_behind_the_head(shop_alone: World) -> None:
    world = shop_alone
    world.poster.answers["shop.example"] = [Answer(200), *[Answer(500)] * 3]
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("shop.example") == ["101-1", *["101-2"] * 3]
    (waiting,) = world.retries.started
    assert (waiting.webhook_id, waiting.attempt) == ("101-2", 4)
    assert waiting.delay_seconds == 300 and waiting.lease
    progress = world.lanes.progress(KEY)
    assert progress.next_seq == 2
    assert progress.held_until_ms == world.clock.at_ms + 300_000 + GRACE_MS
    world.service.ring(world.doorbells[-1])
    assert len(world.poster.posted) == 4


def test_poison_event_leaves_alone_when_the_endpoint_takes_others(
    shop_alone: World,
) -> None:
    world = shop_alone

    def decide(host: str, event_id: str) -> Answer | None:
        if event_id != "101-2":
            return None
        # Another deliverer gets through while this one waits.
        world.fare(Health())
        return Answer(500)

    world.poster.decide = decide
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("shop.example") == ["101-1", *["101-2"] * 3, *IDS[2:]]
    assert world.retries.started == [
        Redelivery("default", "call-1", 2, "101-2", "shop", 4, 300)
    ]
    assert world.lanes.progress(KEY).next_seq == 8


def test_endpoint_that_is_too_slow_for_the_lane_has_it_wait(world: World) -> None:
    slow = replace(SHOP, timeout_seconds=30.0)
    world.endpoints["default"] = (slow,)
    world.poster.takes_ms = 30_000
    world.poster.answers["shop.example"] = [Answer(None, "ReadTimeoutError")]
    world.service.ring(world.doorbells[0])
    (redelivery,) = world.retries.started
    assert (redelivery.seq, redelivery.attempt) == (1, 2)
    assert redelivery.lease


def test_long_run_is_gone_on_with_by_the_machine(shop_alone: World) -> None:
    world = shop_alone
    world.poster.takes_ms = 20_000
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("shop.example") == IDS[:3]
    (redelivery,) = world.retries.started
    assert (redelivery.seq, redelivery.attempt, redelivery.delay_seconds) == (4, 1, 1)
    assert world.made() == [(one, 1, 200) for one in IDS[:3]]
    assert world.tallies.total("default") == Tally()


def test_endpoints_do_not_wait_for_each_other(world: World) -> None:
    world.poster.answers["shop.example"] = [Answer(500)] * 3
    world.service.ring(world.doorbells[-1])
    assert world.poster.ids("bank.example") == IDS


def test_every_attempt_is_logged_with_its_lane(shop_alone: World) -> None:
    world = shop_alone
    world.poster.answers["shop.example"] = [Answer(500, "no"), Answer(200)]
    world.service.ring(world.doorbells[-1])
    assert world.made()[:3] == [
        ("101-1", 1, 500),
        ("101-1", 2, 200),
        ("101-2", 1, 200),
    ]
    (failure,) = world.failures.page("default", "shop", "", 9)
    assert failure.call_id == "call-1" and not failure.is_given_up
    assert (failure.attempt.number, failure.attempt.error) == (1, "no")


class TestTally:
    def test_tally_counts_webhooks_and_failed_attempts(self, shop_alone: World) -> None:
        world = shop_alone
        world.poster.answers["shop.example"] = [Answer(500), Answer(200), Answer(500)]
        world.service.ring(world.doorbells[-1])
        assert world.tallies.total("default") == Tally(
            told=7,
            delivered=7,
            given_up=0,
            failures={"participant.invited": 1, "room.started": 1},
        )

    def test_what_goes_well_is_counted_when_the_story_is_over(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        events = world.store.events["default", "call-1"]
        later = {seq: events.pop(seq) for seq in range(4, 8)}
        world.service.ring(world.doorbells[2])
        assert world.tallies.total("default") == Tally()
        events |= later
        world.service.ring(world.doorbells[-1])
        assert world.tallies.total("default") == Tally(7, 7)

    def test_what_went_well_before_is_counted_with_a_failure(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.poster.answers["shop.example"] = [Answer(200), *[Answer(500)] * 3]
        world.service.ring(world.doorbells[-1])
        tally = world.tallies.total("default")
        assert (tally.told, tally.delivered, tally.given_up) == (2, 1, 0)
        assert tally.failures == {"room.started": 3}


class TestAudit:
    def call_audit(self, world: World) -> int | None:
        call = world.calls.load("default", "call-1")
        assert call is not None
        return world.service.audit(call)

    def test_audit_of_a_call_whose_doorbells_were_lost_tells_all(
        self, world: World
    ) -> None:
        assert self.call_audit(world) == NOW_MS
        assert world.poster.ids("shop.example") == IDS
        assert self.call_audit(world) is None
        assert world.poster.ids("shop.example") == IDS

    def test_audit_lets_a_parked_lane_wait_and_takes_over_a_lost_one(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.poster.answers["shop.example"] = [Answer(500)] * 3
        world.service.ring(world.doorbells[-1])
        until_ms = world.lanes.progress(KEY).held_until_ms
        assert self.call_audit(world) == until_ms
        assert len(world.poster.posted) == 3
        world.clock.at_ms = until_ms
        assert self.call_audit(world) == until_ms
        assert world.poster.ids("shop.example")[3:] == IDS
        assert self.call_audit(world) is None


class TestWaits:
    def test_endpoint_that_asks_for_time_gets_it(self, shop_alone: World) -> None:
        world = shop_alone
        world.poster.answers["shop.example"] = [Answer(503, retry_after_seconds=120)]
        world.service.ring(world.doorbells[-1])
        (redelivery,) = world.retries.started
        assert (redelivery.attempt, redelivery.delay_seconds) == (2, 120)

    def test_endpoint_cannot_ask_for_ever(self, shop_alone: World) -> None:
        world = shop_alone
        world.poster.answers["shop.example"] = [Answer(429, retry_after_seconds=10**9)]
        world.service.ring(world.doorbells[-1])
        assert world.retries.started[0].delay_seconds == 24 * 3600


class TestDisabled:
    def test_endpoint_that_is_gone_hears_nothing_more(self, shop_alone: World) -> None:
        world = shop_alone
        world.poster.answers["shop.example"] = [Answer(200), Answer(410)]
        world.service.ring(world.doorbells[-1])
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids("shop.example") == ["101-1", "101-2"]
        assert world.retries.started == []
        assert world.fares().disabled is Disabled.GONE
        assert world.announcer.told == [
            (
                "webhook.endpoint_disabled",
                {"endpoint_id": "shop", "reason": "gone", "failing_since_ms": None},
            )
        ]
        assert world.lanes.progress(KEY).next_seq == 2
        tally = world.tallies.total("default")
        assert (tally.told, tally.delivered, tally.given_up) == (2, 1, 1)
        (failure,) = world.failures.page("default", "shop", "", 9)
        assert failure.is_given_up

    def test_endpoint_that_is_enabled_again_hears_what_was_left(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.fare(Health(disabled=Disabled.ASKED))
        world.service.ring(world.doorbells[-1])
        assert world.poster.posted == []
        world.fare(Health())
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids("shop.example") == IDS

    def test_endpoint_that_is_disabled_meanwhile_is_let_alone(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.poster.answers["shop.example"] = [Answer(500)]
        world.poster.meanwhile = lambda: world.fare(Health(disabled=Disabled.ASKED))
        world.service.ring(world.doorbells[-1])
        assert len(world.poster.posted) == 1
        assert world.retries.started == [] and world.announcer.told == []

    def test_endpoint_that_is_disabled_while_it_takes_hears_nothing_more(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.poster.takes_ms = 2_500
        world.poster.meanwhile = lambda: world.fare(Health(disabled=Disabled.ASKED))
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids("shop.example") == ["101-1"]
        assert world.lanes.progress(KEY).next_seq == 2
        assert world.fares().disabled is Disabled.ASKED

    def test_days_of_failure_disable(self, shop_alone: World) -> None:
        world = shop_alone
        days = 5 * 24 * 3600 * 1000
        world.fare(Health(failures=9, failing_since_ms=NOW_MS - days))
        world.poster.answers["shop.example"] = [Answer(500)]
        world.service.ring(world.doorbells[-1])
        assert world.fares().disabled is Disabled.FAILING
        assert world.announcer.types() == ["webhook.endpoint_disabled"]
        assert world.retries.started == []

    def test_days_of_asking_for_time_do_not(self, shop_alone: World) -> None:
        world = shop_alone
        days = 5 * 24 * 3600 * 1000
        world.fare(Health(failures=9, failing_since_ms=NOW_MS - days))
        world.poster.answers["shop.example"] = [Answer(503, retry_after_seconds=60)]
        world.service.ring(world.doorbells[-1])
        assert world.fares().disabled is None

    def test_endpoint_that_was_deleted_has_no_health_to_keep(
        self, shop_alone: World
    ) -> None:
        world = shop_alone

        def delete() -> None:
            world.fare(Health(failures=1))
            world.endpoints["default"] = ()

        world.poster.meanwhile = delete
        world.poster.answers["shop.example"] = [Answer(500)]
        world.service.ring(world.doorbells[-1])
        assert world.fares() == Health(failures=1, version=1)
        assert len(world.poster.posted) == 1


class TestBreaker:
    def test_open_breaker_has_a_lane_wait_without_an_attempt(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.fare(Health(5, NOW_MS - 1000, NOW_MS + 20_000))
        world.service.ring(world.doorbells[-1])
        assert world.poster.posted == []
        (redelivery,) = world.retries.started
        assert (redelivery.attempt, redelivery.delay_seconds) == (1, 22)
        assert world.tallies.total("default") == Tally()

    def test_breaker_that_opens_ends_the_attempts_in_the_lane(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.fare(Health(4, NOW_MS - 1000))
        world.poster.answers["shop.example"] = [Answer(500)] * 3
        world.service.ring(world.doorbells[-1])
        assert len(world.poster.posted) == 1
        assert world.fares().open_until_ms == world.clock.at_ms + 30_000
        assert world.retries.started[0].delay_seconds == 30

    def test_one_probes_and_closes_it(self, shop_alone: World) -> None:
        world = shop_alone
        world.call("call-2", 201)
        world.fare(Health(5, NOW_MS - 60_000, NOW_MS))
        # While one probes another comes.
        bells = [world.doorbells[-1]]

        def meanwhile() -> None:
            if bells:
                world.service.ring(bells.pop())

        world.poster.meanwhile = meanwhile
        world.service.ring(world.doorbells[6])
        assert world.poster.ids("shop.example") == IDS
        assert [one.call_id for one in world.retries.started] == ["call-2"]
        assert world.fares().failures == 0

    def test_lost_race_for_the_probe_waits(self, shop_alone: World) -> None:
        world = shop_alone
        world.fare(Health(5, NOW_MS - 60_000, NOW_MS))
        world.health.keep = lambda *args: False  # type: ignore[method-assign]
        world.service.ring(world.doorbells[-1])
        assert world.poster.posted == [] and len(world.retries.started) == 1

    def test_health_that_nobody_can_keep_holds_up_nothing(
        self, shop_alone: World
    ) -> None:
        world = shop_alone
        world.health.keep = lambda *args: False  # type: ignore[method-assign]
        world.poster.answers["shop.example"] = [Answer(500)]
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids("shop.example") == ["101-1", *IDS]


class TestSlots:
    def take(self, world: World, count: int) -> None:
        until_ms = NOW_MS + LEASE_MS
        for slot in range(count):
            take = world.health.take_slot
            assert take("default", "shop", slot, f"other-{slot}", NOW_MS, until_ms)

    def test_slow_endpoint_is_counted_from_then_on(self, shop_alone: World) -> None:
        world = shop_alone
        world.poster.takes_ms = 2_500
        world.service.ring(world.doorbells[-1])
        assert world.fares().slow_until_ms > world.clock.at_ms
        assert world.fares().version == 1
        self.take(world, SLOTS)

    @pytest.mark.parametrize("health", [Health(1, NOW_MS), Health(slow_until_ms=2**50)])
    def test_endpoint_without_a_free_slot_has_a_lane_wait_a_little(
        self, shop_alone: World, health: Health
    ) -> None:
        world = shop_alone
        world.fare(health)
        self.take(world, SLOTS)
        world.service.ring(world.doorbells[-1])
        assert world.poster.posted == []
        (redelivery,) = world.retries.started
        assert (redelivery.attempt, redelivery.delay_seconds) == (1, 3)

    def test_last_free_slot_is_taken_and_given_back(self, shop_alone: World) -> None:
        world = shop_alone
        world.fare(Health(slow_until_ms=2**50))
        self.take(world, SLOTS - 1)
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids("shop.example") == IDS
        last = SLOTS - 1
        until_ms = NOW_MS + LEASE_MS
        assert world.health.take_slot("default", "shop", last, "x", NOW_MS, until_ms)


class TestStories:
    def test_fate_of_an_endpoint_is_told_to_the_others(self, world: World) -> None:
        every = ("webhook.*",)
        world.endpoints["default"] = (
            replace(SHOP, events=every),
            replace(BANK, events=every),
        )
        data = {"endpoint_id": "shop", "reason": "gone"}
        event = announcement("default", "webhook.endpoint_disabled", data, NOW_MS)
        world.store.events["default", event.call_id] = {1: event}
        world.service.ring(event.doorbell)
        assert world.poster.posted == [("bank.example", event.event_id)]
        assert world.tallies.total("default") == Tally(1, 1)

    def test_fate_of_such_news_is_no_news(self, world: World) -> None:
        world.endpoints["default"] = (replace(BANK, events=("webhook.*",)),)
        world.build(schedule=(0, 1))
        data = {"endpoint_id": "shop"}
        event = announcement("default", "webhook.exhausted", data, NOW_MS)
        world.store.events["default", event.call_id] = {1: event}
        world.poster.answers["bank.example"] = [Answer(500)] * 2
        world.service.ring(event.doorbell)
        assert world.announcer.told == []
        assert world.tallies.total("default").given_up == 1

    def test_news_of_calls_come_in_the_lane_behind_what_they_are_of(
        self, world: World
    ) -> None:
        world.endpoints["default"] = (
            replace(SHOP, events=("call.*",)),
            replace(BANK, events=("room.*", "call.ended")),
        )
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids("shop.example") == [
            "101-1-call",
            "101-3-call",
            "101-7-call",
        ]
        assert world.poster.ids("bank.example") == ["101-2", "101-7", "101-7-call"]
