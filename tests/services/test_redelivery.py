"""The retry machine's turns, which may come late, twice, or to nobody."""

from dataclasses import replace

import pytest

from chalicelib.domain.endpoints import Disabled, Health
from chalicelib.protocol.control import Outcome, Redelivery
from chalicelib.services.ports import Answer
from chalicelib.services.webhooks.tallies import Tally
from chalicelib.services.webhooks.visits import SCHEDULE_SECONDS
from tests.builders import NOW_MS
from tests.services.deliverers import SHOP
from tests.services.test_delivery import IDS, KEY, World

ALONE = Redelivery("default", "call-1", 2, "101-2", "shop", 2, 5)
SHOPS = "shop.example"
GOES_ON = (Outcome.RETRY, Outcome.EXHAUSTED, Outcome.APART)


@pytest.fixture
def world() -> World:
    world = World()
    world.call()
    world.endpoints["default"] = (SHOP,)
    return world


def wait_for(world: World, redelivery: Redelivery) -> Redelivery:
    """The machine's wait and its turn."""
    assert redelivery.outcome in GOES_ON
    if redelivery.outcome is Outcome.RETRY:
        world.clock.pass_ms(redelivery.delay_seconds * 1000)
    return world.service.redeliver(Redelivery.parse(redelivery.render()))


def carry(world: World, redelivery: Redelivery) -> list[Redelivery]:
    """All turns of one machine."""
    turns = [redelivery]
    while turns[-1].outcome in GOES_ON:
        turns.append(wait_for(world, turns[-1]))
    return turns[1:]


def parked(world: World, before: int = 0) -> Redelivery:
    """The lane, waiting behind its head after three failures."""
    world.poster.answers[SHOPS] = [Answer(200)] * before + [Answer(500)] * 3
    world.service.ring(world.doorbells[-1])
    (redelivery,) = world.retries.started
    world.poster.posted.clear()
    return redelivery


class TestAlone:
    def test_redelivery_posts_the_one_event(self, world: World) -> None:
        result = world.service.redeliver(ALONE)
        assert result.outcome is Outcome.DELIVERED
        assert world.poster.posted == [(SHOPS, "101-2")]
        assert world.tallies.total("default") == Tally(delivered=1)
        assert world.made() == [("101-2", 2, 200)]

    def test_redelivery_that_fails_waits_longer_each_time(self, world: World) -> None:
        world.poster.answers[SHOPS] = [Answer(500)] * 20
        turns = carry(world, ALONE)
        delays = [ALONE.delay_seconds, *(one.delay_seconds for one in turns[:-1])]
        assert len(delays) == len(SCHEDULE_SECONDS) - 1
        waits = zip(delays, SCHEDULE_SECONDS[1:], strict=True)
        assert all(delay >= scheduled for delay, scheduled in waits)
        assert turns[-1].outcome is Outcome.UNDELIVERABLE
        assert world.announcer.types() == ["webhook.exhausted"]
        (_, data) = world.announcer.told[0]
        assert data == {
            "endpoint_id": "shop",
            "webhook_id": "101-2",
            "event_type": "room.started",
            "call_id": "call-1",
            "attempts": len(SCHEDULE_SECONDS),
        }
        newest, *older = world.failures.page("default", "shop", "", 99)
        assert newest.is_given_up and not any(one.is_given_up for one in older)
        assert world.tallies.total("default").given_up == 1

    def test_redelivery_to_an_endpoint_that_is_gone_ends(self, world: World) -> None:
        world.poster.answers[SHOPS] = [Answer(410)]
        result = world.service.redeliver(ALONE)
        assert result.outcome is Outcome.UNDELIVERABLE
        assert world.announcer.types() == ["webhook.endpoint_disabled"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"endpoint_id": "removed"},
            {"tenant": "other"},
            {"call_id": "expired"},
            {"webhook_id": "unknown"},
            {"attempt": len(SCHEDULE_SECONDS) + 1},
        ],
    )
    def test_redelivery_of_what_no_longer_exists_ends(
        self, world: World, changes: dict[str, str]
    ) -> None:
        result = world.service.redeliver(replace(ALONE, **changes))  # type: ignore[arg-type]
        assert result.outcome is Outcome.UNDELIVERABLE
        assert world.poster.posted == []

    def test_redelivery_to_a_disabled_endpoint_ends_without_an_attempt(
        self, world: World
    ) -> None:
        world.fare(Health(disabled=Disabled.ASKED))
        result = world.service.redeliver(ALONE)
        assert result.outcome is Outcome.UNDELIVERABLE
        assert world.poster.posted == []
        assert world.tallies.total("default") == Tally(given_up=1)
        world.service.redeliver(replace(ALONE, attempt=1))
        assert world.tallies.total("default").given_up == 1

    def test_open_breaker_lets_turns_pass_but_not_for_long(self, world: World) -> None:
        redelivery, waits = ALONE, []
        while not world.poster.posted:
            world.store.healths.clear()
            world.fare(Health(9, NOW_MS, world.clock.at_ms + 240_000))
            waits.append(redelivery.delay_seconds)
            redelivery = world.service.redeliver(redelivery)
            assert redelivery.attempt == 2
        assert waits == [5, 264, 581, 1278, 1800]
        assert redelivery.outcome is Outcome.DELIVERED
        assert world.fares().failures == 0

    def test_open_breaker_lets_the_last_turn_through(self, world: World) -> None:
        world.fare(Health(9, NOW_MS, NOW_MS + 240_000))
        last = replace(ALONE, attempt=len(SCHEDULE_SECONDS))
        assert world.service.redeliver(last).outcome is Outcome.DELIVERED
        assert world.fares().failures == 0

    def test_last_attempt_is_made_though_another_probes(self, world: World) -> None:
        world.fare(Health(9, NOW_MS - 9, NOW_MS - 1))
        world.health.keep = lambda *args: False  # type: ignore[method-assign]
        last = replace(ALONE, attempt=len(SCHEDULE_SECONDS))
        assert world.service.redeliver(last).outcome is Outcome.DELIVERED


class TestReplay:
    def test_range_is_told_in_order(self, world: World) -> None:
        replay = replace(ALONE, attempt=1, delay_seconds=0, through_seq=5)
        assert world.service.redeliver(replay).outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == IDS[1:5]
        assert world.tallies.total("default") == Tally(4, 4)

    def test_range_goes_on_at_what_failed(self, world: World) -> None:
        replay = replace(ALONE, attempt=1, delay_seconds=0, through_seq=5)
        world.poster.answers[SHOPS] = [Answer(200), Answer(500)]
        (first, second) = carry(world, replay)
        assert (first.seq, first.attempt, first.through_seq) == (3, 2, 5)
        assert second.outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == ["101-2", "101-3", *IDS[2:5]]

    def test_long_range_is_told_in_several_turns(self, world: World) -> None:
        world.poster.takes_ms = 30_000
        replay = replace(ALONE, attempt=1, delay_seconds=0, through_seq=7)
        assert len(carry(world, replay)) == 3
        assert world.poster.ids(SHOPS) == IDS[1:]

    def test_replay_to_who_never_had_a_lane_is_logged(self, world: World) -> None:
        world.service.redeliver(replace(ALONE, attempt=1, delay_seconds=0))
        assert world.made() == [("101-2", 1, 200)]
        assert world.lanes.progress(KEY).next_seq == 1


class TestLane:
    def test_lane_is_told_in_order_when_the_endpoint_is_back(
        self, world: World
    ) -> None:
        redelivery = parked(world, before=1)
        (turn,) = carry(world, redelivery)
        assert turn.outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == IDS[1:]
        assert world.lanes.progress(KEY).next_seq == 8
        tally = world.tallies.total("default")
        assert (tally.told, tally.delivered) == (7, 7)
        assert world.fares().failures == 0

    def test_lane_waits_on_while_the_endpoint_fails(self, world: World) -> None:
        redelivery = parked(world)
        world.poster.answers[SHOPS] = [Answer(500)] * 2
        turns = carry(world, redelivery)
        assert [one.attempt for one in turns] == [5, 6, 6]
        assert world.poster.ids(SHOPS) == ["101-1", "101-1", *IDS]

    def test_turn_that_comes_twice_tells_nothing_out_of_order(
        self, world: World
    ) -> None:
        redelivery = parked(world)
        world.poster.answers[SHOPS] = [Answer(500)]
        wait_for(world, redelivery)
        again = wait_for(world, redelivery)
        assert again.outcome is Outcome.DELIVERED
        assert wait_for(world, redelivery).outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == ["101-1", *IDS]

    def test_turn_of_a_lane_that_was_taken_over_ends(self, world: World) -> None:
        redelivery = parked(world)
        world.clock.at_ms = world.lanes.progress(KEY).held_until_ms
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids(SHOPS) == IDS
        assert wait_for(world, redelivery).outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == IDS

    def test_lane_of_a_disabled_endpoint_is_let_go_of(self, world: World) -> None:
        redelivery = parked(world, before=1)
        world.fare(Health(disabled=Disabled.ASKED))
        (turn,) = carry(world, redelivery)
        assert turn.outcome is Outcome.UNDELIVERABLE
        assert world.poster.posted == []
        assert world.lanes.progress(KEY).held_until_ms == 0
        assert world.lanes.progress(KEY).next_seq == 2
        assert world.service.redeliver(redelivery).outcome is Outcome.UNDELIVERABLE

    def test_lane_that_was_rung_while_it_is_let_go_of_is_let_go_of(
        self, world: World
    ) -> None:
        redelivery = parked(world, before=1)
        world.endpoints["default"] = ()
        resume = world.lanes.resume

        def rung(*args: object) -> object:
            lane = resume(*args)  # type: ignore[arg-type]
            world.lanes.lease(KEY, 7, NOW_MS, NOW_MS, "ring")
            return lane

        world.lanes.resume = rung  # type: ignore[assignment, method-assign]
        assert wait_for(world, redelivery).outcome is Outcome.UNDELIVERABLE
        assert world.lanes.progress(KEY).held_until_ms == 0

    def test_slow_endpoint_is_waited_for_longer_each_time(self, world: World) -> None:
        world.fare(Health(slow_until_ms=2**50))
        for slot in range(10):
            take = world.health.take_slot
            assert take("default", "shop", slot, "other", NOW_MS, 2**50)
        world.service.ring(world.doorbells[-1])
        (redelivery,) = world.retries.started
        delays = []
        for _ in range(6):
            delays.append(redelivery.delay_seconds)
            redelivery = wait_for(world, redelivery)
            assert redelivery.attempt == 1
        assert delays == [3, 6, 12, 24, 48, 60]
        world.health.free_slot("default", "shop", 4, "other")
        assert carry(world, redelivery)[-1].outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == IDS

    def test_head_that_is_one_of_several_goes_on_at_itself(self, world: World) -> None:
        shop = replace(SHOP, events=("participant.*", "call.*"))
        world.endpoints["default"] = (shop,)
        world.poster.answers[SHOPS] = [Answer(200), *[Answer(500)] * 3]
        world.service.ring(world.doorbells[-1])
        (redelivery,) = world.retries.started
        assert redelivery.webhook_id == "101-1-call"
        world.poster.posted.clear()
        carry(world, redelivery)
        assert world.poster.ids(SHOPS)[:2] == ["101-1-call", "101-3"]


class TestPoison:
    def poison(self, world: World, *ids: str) -> None:
        def decide(host: str, event_id: str) -> Answer | None:
            if event_id not in ids:
                return None
            # Others get through beside it.
            world.clock.pass_ms(1)
            world.fare(Health())
            return Answer(500)

        world.poster.decide = decide
        world.fare(Health())

    def test_what_fails_while_the_endpoint_comes_back_stays_in_its_lane(
        self, world: World
    ) -> None:
        """Others are taken while it is on its way: it is not alone in that."""
        redelivery = parked(world)

        def decide(host: str, event_id: str) -> Answer | None:
            world.poster.decide = lambda host, event_id: None
            world.fare(Health())
            return Answer(500)

        world.poster.decide = decide
        turn = wait_for(world, redelivery)
        assert (turn.outcome, turn.lease) == (Outcome.RETRY, redelivery.lease)
        assert wait_for(world, turn).outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == [IDS[0], *IDS]

    def test_who_waits_in_the_lane_hears_of_another_url(self, world: World) -> None:
        """When it finds that others have fared better."""
        moved = replace(world.endpoints["default"][0], url="https://moved.example/")

        def decide(host: str, event_id: str) -> Answer | None:
            if host != SHOPS:
                return None
            world.endpoints["default"] = (moved,)
            world.fare(Health(slow_until_ms=1))
            return Answer(500)

        world.poster.decide = decide
        world.service.ring(world.doorbells[-1])
        assert world.poster.ids(SHOPS) == IDS[:1]
        assert world.poster.ids("moved.example") == IDS

    def test_poison_leaves_the_lane_and_the_machine_goes_with_it(
        self, world: World
    ) -> None:
        redelivery = parked(world)
        self.poison(world, "101-1")
        apart = wait_for(world, redelivery)
        assert (apart.outcome, apart.lease) == (Outcome.APART, redelivery.lease)
        assert world.poster.ids(SHOPS) == IDS[:1]
        turn = wait_for(world, apart)
        assert (turn.webhook_id, turn.attempt, turn.lease) == ("101-1", 5, "")
        assert turn.outcome is Outcome.RETRY
        assert world.poster.ids(SHOPS) == IDS
        assert world.lanes.progress(KEY).next_seq == 8
        assert world.bus.doorbells == []
        world.poster.decide = lambda host, event_id: None
        assert wait_for(world, turn).outcome is Outcome.DELIVERED

    def test_poison_is_carried_on_though_its_turn_came_twice(
        self, world: World
    ) -> None:
        redelivery = parked(world)
        self.poison(world, "101-1")
        apart = wait_for(world, redelivery)
        assert wait_for(world, apart) == wait_for(world, apart)
        assert world.poster.ids(SHOPS) == IDS

    def test_lane_that_stops_again_is_rung_for(self, world: World) -> None:
        redelivery = parked(world)
        self.poison(world, "101-1", "101-3")
        turn = wait_for(world, wait_for(world, redelivery))
        assert (turn.webhook_id, turn.lease) == ("101-1", "")
        assert world.poster.ids(SHOPS) == IDS[:3]
        (bell,) = world.bus.doorbells
        assert bell.is_last and bell.seq == 3
        world.service.ring(bell)
        left = [one.webhook_id for one in world.retries.started]
        assert left == ["101-1", "101-3"]
        assert world.poster.ids(SHOPS)[-4:] == IDS[3:]

    def test_lane_that_another_holds_is_not_rung_for(self, world: World) -> None:
        redelivery = parked(world)
        self.poison(world, "101-1")
        apart = wait_for(world, redelivery)
        at_ms = world.clock.at_ms = world.lanes.progress(KEY).held_until_ms
        assert world.lanes.lease(KEY, 7, at_ms, at_ms + 1000, "another")
        assert wait_for(world, apart).lease == ""
        assert world.bus.doorbells == []


class TestExhausted:
    def test_lane_goes_on_when_its_head_is_given_up(self, world: World) -> None:
        redelivery = parked(world)
        world.poster.answers[SHOPS] = [Answer(500)] * (len(SCHEDULE_SECONDS) - 3)
        turns = carry(world, redelivery)
        (exhausted,) = (one for one in turns if one.outcome is Outcome.EXHAUSTED)
        assert exhausted.webhook_id == "101-1"
        assert world.lanes.progress(KEY).next_seq == 8
        assert turns[-1].outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS)[-6:] == IDS[1:]
        assert world.announcer.types() == ["webhook.exhausted"]
        tally = world.tallies.total("default")
        assert (tally.told, tally.delivered, tally.given_up) == (7, 6, 1)

    def test_next_one_has_a_schedule_of_its_own(self, world: World) -> None:
        redelivery = parked(world)
        world.poster.answers[SHOPS] = [Answer(500)] * (len(SCHEDULE_SECONDS) - 2)
        turns = carry(world, redelivery)
        place = next(
            place for place, one in enumerate(turns) if one.outcome is Outcome.EXHAUSTED
        )
        following = turns[place + 1]
        assert (following.webhook_id, following.attempt) == ("101-2", 1)
        assert turns[-1].outcome is Outcome.DELIVERED

    def test_short_schedule_that_ends_in_the_lane_leaves_a_dead_letter(
        self, world: World
    ) -> None:
        world.build(schedule=(0, 5))
        world.poster.answers[SHOPS] = [Answer(500)] * 2
        world.service.ring(world.doorbells[-1])
        (redelivery,) = world.retries.started
        assert (redelivery.attempt, redelivery.outcome) == (3, Outcome.RETRY)
        world.poster.posted.clear()
        letter, done = carry(world, redelivery)
        assert (letter.outcome, letter.webhook_id) == (Outcome.EXHAUSTED, "101-1")
        assert done.outcome is Outcome.DELIVERED
        assert world.poster.ids(SHOPS) == IDS[1:]
        assert world.announcer.types() == ["webhook.exhausted"]

    def test_exhausted_turn_that_comes_twice_goes_on_once(self, world: World) -> None:
        redelivery = parked(world)
        world.poster.answers[SHOPS] = [Answer(500)] * (len(SCHEDULE_SECONDS) - 3)
        turns = carry(world, redelivery)
        told = len(world.poster.posted)
        (exhausted,) = (one for one in turns if one.outcome is Outcome.EXHAUSTED)
        again = world.service.redeliver(exhausted)
        assert again.outcome is Outcome.DELIVERED
        assert len(world.poster.posted) == told
