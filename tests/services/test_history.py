"""Ended calls are kept once, and found; live ones are shown as they are."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_history import MemoryHistory, MemoryLiveCalls
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Cancel, Join, Leave, Wake
from chalicelib.domain.history import Entry
from chalicelib.protocol.vocabulary import EndReason, Initiator
from chalicelib.services import ports
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.history import HistoryService, Period
from chalicelib.services.retries import Unavailable
from chalicelib.services.stories import Story
from tests.builders import NOW_MS, RING_MS, FakeClock, FakeDraws, create


class ThrottledHistory(MemoryHistory):
    """Refuses so many times, then obeys."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times
        self.kept = 0

    def keep(self, entry: Entry) -> None:
        if self.times:
            self.times -= 1
            raise ports.Throttled()
        self.kept += 1
        super().keep(entry)


class World:
    def __init__(self, history: MemoryHistory | None = None) -> None:
        self.clock, draws = FakeClock(), FakeDraws()
        self.store = Store()
        self.repository = MemoryCalls(self.store)
        self.calls = CallService(self.repository, self.clock, draws)
        self.kept = history or MemoryHistory()
        live = MemoryLiveCalls(self.store)
        self.history = HistoryService(self.kept, live, self.clock, draws)

    def create(self, number: int, *uids: str, tenant: str = "default") -> Call:
        command = create(
            *uids,
            call_id=f"call-{number}",
            tenant=tenant,
            trace_id=number,
            room_number=number,
        )
        return self.calls.create(command, self._attempt(f"create-{tenant}-{number}"))

    def do(self, number: int, command: Join | Leave | Cancel | Wake) -> Call:
        attempt = self._attempt(f"{type(command).__name__}-{number}-{command}")
        return self.calls.execute("default", f"call-{number}", command, attempt)

    def story(self, number: int) -> Story:
        return self.repository.outbox("default", f"call-{number}", 1)

    def tell(self, number: int) -> None:
        """As it is heard: each commit by itself."""
        told: list[ports.OutboxEvent] = []
        for event in self.story(number):
            told.append(event)
            if event.is_last:
                self.history.hear(tuple(told))
                told.clear()

    def _attempt(self, command_id: str) -> Attempt:
        return Attempt(command_id, command_id)


def test_keep_call_that_was_answered() -> None:
    world = World()
    world.create(1, "alice", "bob")
    world.clock.pass_ms(3_000)
    world.do(1, Join("alice"))
    world.do(1, Join("bob"))
    world.clock.pass_ms(61_500)
    world.do(1, Leave("bob"))
    world.tell(1)
    (entry,) = world.history.of_user("default", "bob", Period()).entries
    assert entry.call_id == "call-1"
    assert entry.caller == "alice"
    assert entry.uids == ("alice", "bob")
    assert entry.created_at_ms == NOW_MS
    assert entry.answered_at_ms == NOW_MS + 3_000
    assert entry.ended_at_ms == NOW_MS + 64_500
    assert (entry.reason, entry.initiator) == (EndReason.HANGUP, Initiator.CALLEE)
    assert entry.duration_seconds == 61
    assert world.history.of_tenant("default", Period()).entries == (entry,)


def test_keep_call_that_nobody_answered() -> None:
    world = World()
    world.create(1, "alice", "bob")
    world.clock.pass_ms(RING_MS)
    world.do(1, Wake())
    world.tell(1)
    (entry,) = world.history.of_user("default", "alice", Period()).entries
    assert (entry.reason, entry.initiator) == (EndReason.MISSED, Initiator.SYSTEM)
    assert (entry.answered_at_ms, entry.duration_seconds) == (None, 0)


def test_keep_nothing_of_a_live_call() -> None:
    world = World()
    world.create(1, "alice", "bob")
    world.do(1, Join("bob"))
    world.tell(1)
    assert world.history.of_user("default", "bob", Period()).entries == ()


def test_keep_once_what_is_told_twice() -> None:
    kept = ThrottledHistory(2)
    world = World(kept)
    world.create(1, "alice", "bob")
    world.do(1, Cancel("alice"))
    world.tell(1)
    world.tell(1)
    assert kept.kept == 2
    (entry,) = world.history.of_tenant("default", Period()).entries
    assert entry.reason is EndReason.CANCELLED


def test_keep_an_end_that_was_told_before_it_knew_answers() -> None:
    world = World()
    world.create(1, "alice", "bob")
    world.do(1, Cancel("alice"))
    (*_, finished) = world.story(1)
    data = dict(finished.data)
    del data["answered_at_ms"]
    world.history.hear((replace(finished, data={**data, "initiator": None}),))
    (entry,) = world.history.of_tenant("default", Period()).entries
    assert (entry.answered_at_ms, entry.initiator) == (None, None)


def test_keep_gives_up_when_nothing_is_stored() -> None:
    world = World(ThrottledHistory(10_000))
    world.create(1, "alice", "bob")
    world.do(1, Cancel("alice"))
    with pytest.raises(Unavailable):
        world.tell(1)


def test_page_tells_whether_there_is_another() -> None:
    world = World()
    for number in range(5):
        world.create(number, "alice", "bob")
        world.clock.pass_ms(1_000)
        world.do(number, Cancel("alice"))
        world.tell(number)
    seen: list[str] = []
    period = Period(limit=2)
    for expected in (2, 2, 1):
        of_user = world.history.of_user("default", "bob", period)
        assert of_user == world.history.of_tenant("default", period)
        assert len(of_user.entries) == expected
        seen += (entry.call_id for entry in of_user.entries)
        period = replace(period, before=of_user.following)
    assert seen == [f"call-{number}" for number in (4, 3, 2, 1, 0)]
    assert period.before == ""


def test_full_page_that_is_the_last_says_so() -> None:
    world = World()
    world.create(1, "alice", "bob")
    world.do(1, Cancel("alice"))
    world.tell(1)
    assert world.history.of_user("default", "bob", Period(limit=1)).following == ""


def test_live_calls_are_shown_as_they_are_now() -> None:
    world = World()
    world.create(1, "alice", "bob")
    world.clock.pass_ms(1_000)
    world.create(2, "carol", "dave")
    world.do(2, Join("dave"))
    world.create(3, "erin", "frank")
    world.do(3, Cancel("erin"))
    world.create(4, "alice", "bob", tenant="other")
    live = world.history.live_of_tenant("default", "", 10)
    assert [call.id for call in live.calls] == ["call-2", "call-1"]
    assert live.following == ""
    world.clock.pass_ms(RING_MS)
    live = world.history.live_of_tenant("default", "", 10)
    assert [call.id for call in live.calls] == ["call-2"], "its ring is over by now"


def test_live_calls_come_in_pages() -> None:
    world = World()
    for number in range(1, 6):
        world.create(number, f"a-{number}", f"b-{number}")
    world.do(2, Cancel("a-2"))
    seen: list[str] = []
    pages, after = 0, ""
    while pages == 0 or after:
        page = world.history.live_of_tenant("default", after, 2)
        assert len(page.calls) <= 2
        seen += (call.id for call in page.calls)
        after = page.following
        pages += 1
    assert sorted(seen) == ["call-1", "call-3", "call-4", "call-5"]
    assert pages == 3


def test_nothing_is_loaded_where_nothing_lives() -> None:
    class Untouched(MemoryLiveCalls):
        def load(self, tenant: str, call_ids: Sequence[str]) -> tuple[Call, ...]:
            raise AssertionError("there is nothing to load")

    clock, draws = FakeClock(), FakeDraws()
    history = HistoryService(MemoryHistory(), Untouched(Store()), clock, draws)
    assert history.live_of_tenant("default", "", 10).calls == ()
