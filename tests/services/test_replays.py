"""Webhooks that somebody asks for once more, and the log that tells what to ask for."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_delivery import MemoryRetries
from chalicelib.adapters.memory_endpoints import memory_ports
from chalicelib.adapters.memory_history import MemoryHistory, MemoryLiveCalls
from chalicelib.domain.commands import Command, Join, Leave
from chalicelib.domain.endpoints import Endpoint
from chalicelib.protocol.control import Redelivery
from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.services.history import HistoryService, entry_of
from chalicelib.services.ports import Answer
from chalicelib.services.webhooks import attempt_log, endpoints, replays
from chalicelib.services.webhooks.announcements import announcement
from chalicelib.services.webhooks.attempt_log import AttemptLog, AttemptsWanted
from chalicelib.services.webhooks.delivery import DeliveryService
from chalicelib.services.webhooks.endpoints import EndpointDisabled, EndpointService
from chalicelib.services.webhooks.lanes import Attempt, LaneKey
from chalicelib.services.webhooks.replays import (
    NothingToReplay,
    OfCall,
    OfEvent,
    OfPeriod,
    ReplayService,
    TooMany,
)
from tests.builders import (
    MAX_CALL_SECONDS,
    NOW_MS,
    FakeClock,
    FakeDraws,
    commit,
    create,
)
from tests.services.deliverers import FakePoster

SHOP = Endpoint("shop", "https://shop.example/hook", "secret-of-the-shop")
NAMES = ["participant.invited", "room.started", "participant.joined"]
HOUR_MS = 3_600_000
NOW = OfPeriod(NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)


class World:
    """Calls, an endpoint that hears of them, and who sends things once more."""

    def __init__(self, shop: Endpoint = SHOP) -> None:
        self.store, self.clock, self.draws = Store(), FakeClock(), FakeDraws()
        self.calls = MemoryCalls(self.store)
        self.poster = FakePoster()
        self.ports = memory_ports(
            self.store, {"default": (shop,)}, self.poster, self.clock, self.draws
        )
        self.kept = MemoryHistory()
        live = MemoryLiveCalls(self.store)
        history = HistoryService(self.kept, live, self.clock, self.draws)
        lanes, failures = self.ports.lanes, self.ports.failures
        self.endpoints = EndpointService(
            endpoints.Ports(
                endpoints=self.ports.endpoints,
                health=self.ports.health,
                failures=failures,
                poster=self.poster,
                policy=UrlPolicy(),
                requires_https=True,
                clock=self.clock,
                draws=self.draws,
            )
        )
        self.replays = ReplayService(
            replays.Ports(
                endpoints=self.endpoints,
                calls=self.calls,
                lanes=lanes,
                failures=failures,
                history=history,
                retries=self.ports.retries,
                clock=self.clock,
                draws=self.draws,
                longest_call_ms=MAX_CALL_SECONDS * 1000,
            )
        )
        self.attempts = AttemptLog(lanes, failures, history, self.clock, self.draws)

    def call(self, call_id: str = "call-1", at_ms: int = NOW_MS, **more: Any) -> str:
        """One that was answered, still live; six events."""
        number = len(self.store.calls) + 101
        users = (f"{call_id}-a", f"{call_id}-b")
        made = create(*users, call_id=call_id, trace_id=number, room_number=number)
        steps: list[Command] = [made, *map(Join, users)]
        before = None
        for place, step in enumerate(steps):
            one = commit(
                before, step, at_ms=at_ms + place, command_id=f"{call_id}-{place}"
            )
            self.calls.commit(one)
            before = one.after
        return call_id

    def end(self, call_id: str = "call-1", at_ms: int = NOW_MS) -> None:
        before = self.calls.load("default", call_id)
        one = commit(
            before, Leave(f"{call_id}-b"), at_ms=at_ms, command_id=f"{call_id}-end"
        )
        self.calls.commit(one)
        self.kept.keep(entry_of(one.events[-1]))

    def ids(self, call_id: str = "call-1") -> list[str]:
        told = self.calls.outbox("default", call_id, 1)
        return [event.event_id for event in told]

    def fail(self, webhook_id: str, call_id: str = "call-1", **more: Any) -> None:
        seq = int(webhook_id.split("-")[1])
        told = self.calls.outbox("default", call_id, seq)[0]
        made = Attempt(webhook_id, told.type, seq, 1, NOW_MS, 5, 500)
        made = replace(made, **more)
        add = self.ports.failures.add
        add("default", "shop", call_id, (made,), is_given_up=False)

    def take(self, webhook_id: str, call_id: str = "call-1") -> None:
        taken = Attempt(webhook_id, "room.started", 1, 2, NOW_MS, 5, 200)
        key = LaneKey("default", call_id, "shop")
        self.ports.lanes.note(key, (taken,))

    def start(self, wanted: replays.Wanted) -> int:
        return self.replays.start("default", "shop", wanted).webhooks

    @property
    def started(self) -> list[Redelivery]:
        retries = self.ports.retries
        assert isinstance(retries, MemoryRetries)
        return retries.started

    def runs(self) -> list[tuple[str, int, str, int]]:
        """(call, seq, first webhook, last seq)."""
        return sorted(
            (one.call_id, one.seq, one.webhook_id, one.through_seq)
            for one in self.started
        )


@pytest.fixture
def world() -> World:
    return World()


def test_replay_one_webhook_by_its_id(world: World) -> None:
    world.call()
    _, second, *_ = world.ids()
    assert world.start(OfEvent(second)) == 1
    assert world.runs() == [("call-1", 2, second, 0)]


def test_replay_one_of_those_invited_together() -> None:
    world = World()
    made = create("alice", "bob", "carol", max_participants=8)
    world.calls.commit(commit(None, made))
    assert world.start(OfEvent("101-1-1")) == 1
    assert world.runs() == [("call-1", 1, "101-1-1", 0)]
    with pytest.raises(NothingToReplay):
        world.start(OfEvent("101-1-2"))


def test_replay_an_event_whose_id_does_not_tell_the_call(world: World) -> None:
    told = announcement(
        "default", "webhook.exhausted", {"endpoint_id": "other"}, NOW_MS
    )
    world.store.events["default", told.call_id] = {1: told}
    hearing = replace(SHOP, events=("webhook.*",))
    heard = World(hearing)
    heard.store.events = world.store.events
    assert heard.start(OfEvent(told.event_id, told.call_id)) == 1
    with pytest.raises(NothingToReplay):
        heard.start(OfEvent(told.event_id))


@pytest.mark.parametrize("event_id", ["7-1", "101-9", f"{2**63}-1", "101", "101-1x"])
def test_replay_of_an_event_that_there_is_not(world: World, event_id: str) -> None:
    world.call()
    with pytest.raises(NothingToReplay):
        world.start(OfEvent(event_id))
    assert not world.started


def test_replay_a_call_from_an_event_on(world: World) -> None:
    world.call()
    ids = world.ids()
    assert world.start(OfCall("call-1", 2)) == len(ids) - 1
    assert world.runs() == [("call-1", 2, ids[1], len(ids))]
    with pytest.raises(NothingToReplay):
        world.start(OfCall("call-1", 99))
    with pytest.raises(NothingToReplay):
        world.start(OfCall("none"))


def test_replay_what_the_endpoint_hears_of_and_no_more() -> None:
    world = World(replace(SHOP, events=("room.started",)))
    world.call()
    assert world.start(OfCall("call-1")) == 1
    with pytest.raises(NothingToReplay):
        world.start(OfEvent(world.ids()[0]))


def test_replay_again_is_another_replay(world: World) -> None:
    world.call()
    world.start(OfCall("call-1"))
    world.start(OfCall("call-1"))
    assert len(world.started) == 2


def test_replay_at_a_disabled_endpoint_is_refused(world: World) -> None:
    world.call()
    world.endpoints.disable("default", "shop")
    with pytest.raises(EndpointDisabled):
        world.start(OfCall("call-1"))


def test_replay_what_failed_and_was_not_taken_since(world: World) -> None:
    world.call()
    ids = world.ids()
    for webhook_id in ids:
        world.fail(webhook_id)
        world.fail(webhook_id, number=2)
    world.take(ids[1])
    assert world.start(NOW) == len(ids) - 1
    assert world.runs() == [
        ("call-1", 1, ids[0], 0),
        ("call-1", 3, ids[2], len(ids)),
    ]
    assert [one.delay_seconds for one in world.started] == [0, 1]


def test_replay_what_failed_in_the_time(world: World) -> None:
    world.call()
    early, late, *_ = world.ids()
    world.fail(early, at_ms=NOW.from_ms - 1)
    world.fail(late, at_ms=NOW.to_ms + 1)
    assert world.start(NOW) == 0
    world.fail(early, at_ms=NOW.from_ms)
    world.fail(late, at_ms=NOW.to_ms)
    assert world.start(NOW) == 2


def test_replay_what_failed_of_some_types(world: World) -> None:
    world.call()
    for webhook_id in world.ids():
        world.fail(webhook_id)
    assert world.start(replace(NOW, events=("room.*",))) == 1
    assert world.runs() == [("call-1", 2, world.ids()[1], 0)]


def test_replay_one_of_several_webhooks_of_an_event(world: World) -> None:
    made = create("alice", "bob", "carol", max_participants=8)
    world.calls.commit(commit(None, made))
    world.fail("101-1-1")
    assert world.start(NOW) == 1
    assert world.runs() == [("call-1", 1, "101-1-1", 0)]
    world.fail("101-1")
    assert world.start(NOW) == 2
    assert world.started[-1].through_seq == 1


def test_replay_reads_failures_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "PAGE", 2)
    world.call()
    ids = world.ids()
    for webhook_id in ids:
        world.fail(webhook_id)
    assert world.start(NOW) == len(ids)
    assert world.runs() == [("call-1", 1, ids[0], len(ids))]


@pytest.mark.parametrize("limit", ["MOST_PAGES", "MOST_WEBHOOKS"])
@pytest.mark.parametrize("only_failed", [True, False])
def test_replay_of_too_much_asks_to_narrow(
    world: World, monkeypatch: pytest.MonkeyPatch, limit: str, only_failed: bool
) -> None:
    for number in range(4):
        world.fail(f"{world.ids(world.call(f'call-{number}'))[0]}", f"call-{number}")
    monkeypatch.setattr(replays, "PAGE", 2)
    monkeypatch.setattr(replays, limit, 1)
    with pytest.raises(TooMany):
        world.start(replace(NOW, only_failed=only_failed))
    for number in range(4):
        world.end(f"call-{number}")
    with pytest.raises(TooMany):
        world.start(replace(NOW, only_failed=only_failed))
    assert not world.started


def test_replay_of_a_long_story_asks_to_narrow(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.call()
    monkeypatch.setattr(replays, "MOST_WEBHOOKS", 3)
    with pytest.raises(TooMany):
        world.start(OfCall("call-1"))


def test_replay_all_that_was_told_in_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "PAGE", 1)
    world.call("live")
    world.call("ended")
    world.end("ended", NOW_MS + 5)
    world.call("ended-later", NOW_MS)
    world.end("ended-later", NOW.to_ms + 10)
    world.call("before", NOW.from_ms - HOUR_MS)
    world.end("before", NOW.from_ms - 1)
    world.call("after", NOW.to_ms + 1)
    world.end("after", NOW.to_ms + 2)
    world.call("after-and-live", NOW.to_ms + 1)
    world.clock.at_ms = NOW.to_ms + 20
    every = replace(NOW, only_failed=False)
    assert world.start(every) == 4 + 7 + 4
    assert {one.call_id for one in world.started} == {"live", "ended", "ended-later"}
    some = replace(every, events=("room.finished",))
    assert world.start(some) == 1


def test_replay_is_delivered_in_order(world: World) -> None:
    world.call()
    world.start(OfCall("call-1"))
    service = DeliveryService(world.ports)
    service.redeliver(world.started[0])
    assert world.poster.ids("shop.example") == world.ids()


def wanted(**changes: Any) -> AttemptsWanted:
    asked = AttemptsWanted(is_failed_only=False, call_id="", limit=3, after="")
    return replace(asked, **changes)


def numbers(page: attempt_log.Page) -> list[int]:
    return [one.attempt.number for one in page.attempts]


def note(world: World, call_id: str, *found: int) -> None:
    made = tuple(
        Attempt("w", "room.started", 1, number, NOW_MS, 1, 200 + number)
        for number in found
    )
    world.ports.lanes.note(LaneKey("default", call_id, "shop"), made)


def test_attempts_of_a_call_come_page_by_page(world: World) -> None:
    note(world, "call-1", 1, 2, 300, 301)
    asked = wanted(call_id="call-1")
    first = world.attempts.page("default", "shop", asked)
    assert numbers(first) == [1, 2, 300]
    asked = replace(asked, after=first.following)
    last = world.attempts.page("default", "shop", asked)
    assert (numbers(last), last.following) == ([301], "")
    failed = wanted(call_id="call-1", is_failed_only=True)
    assert numbers(world.attempts.page("default", "shop", failed)) == [300, 301]
    assert numbers(world.attempts.page("default", "bank", failed)) == []


def test_attempts_of_all_calls_come_page_by_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt_log, "MOST_CALLS", 2)
    for place in range(4):
        call_id = world.call(f"call-{place}")
        world.end(call_id, NOW_MS + place)
    note(world, "call-3", 1, 2, 3, 4, 5)
    note(world, "call-1", 6)
    note(world, "call-0", 7)
    pages, after = [], ""
    while True:
        page = world.attempts.page("default", "shop", wanted(after=after))
        pages.append(numbers(page))
        if not (after := page.following):
            break
    assert pages == [[1, 2, 3], [4, 5], [6, 7]]


def test_failed_attempts_come_page_by_page(world: World) -> None:
    world.call()
    for number, webhook_id in enumerate(world.ids()):
        world.fail(webhook_id, number=number, at_ms=NOW_MS + number)
    asked = wanted(is_failed_only=True)
    first = world.attempts.page("default", "shop", asked)
    assert numbers(first) == [3, 2, 1]
    asked = replace(asked, after=first.following)
    last = world.attempts.page("default", "shop", asked)
    assert (numbers(last), last.following) == ([0], "")


def test_forget_failures_of_all_endpoints(world: World) -> None:
    world.call()
    world.fail(world.ids()[0])
    world.endpoints.forget_failures("default", NOW_MS)
    assert world.ports.failures.page("default", "shop", "", 9)
    world.endpoints.forget_failures("default", NOW_MS + 1)
    assert not world.ports.failures.page("default", "shop", "", 9)
    assert world.poster.answers == dict[str, list[Answer]]()
