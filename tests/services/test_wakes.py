"""Three triggers of one wake, each of which may come at any time, or never."""

from dataclasses import replace

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain.call import CHECK_MS, LIVENESS_MS
from chalicelib.domain.commands import Invite, Join, Leave
from chalicelib.protocol.vocabulary import EndReason, Provider
from chalicelib.services import agenda
from chalicelib.services.calls import CallService
from chalicelib.services.effects import Rooms
from chalicelib.services.providers import Present, ProviderUnreachable
from chalicelib.services.wakes import Ring, WakeService
from chalicelib.services.webhooks.delivery import DeliveryService
from tests.builders import NOW_MS, RING_MS, FakeClock, FakeDraws, create
from tests.services.deliverers import SHOP, FakePoster, ports

ALICE = Present("alice", "PA_alice", "app", NOW_MS)
BOB = Present("bob", "PA_bob", "web", NOW_MS)


class FakeRooms:
    """A `RoomControl` with whom a test puts there; None cannot be reached."""

    def __init__(self) -> None:
        self.there: tuple[Present, ...] | None = ()
        self.asked: list[str] = []

    def delete_room(self, room: str) -> None:
        raise AssertionError("a wake deletes nothing")

    def remove_participant(self, room: str, identity: str) -> None:
        raise AssertionError("a wake removes nobody")

    def list_participants(self, room: str) -> tuple[Present, ...]:
        self.asked.append(room)
        if self.there is None:
            raise ProviderUnreachable("refused")
        return self.there


class World:
    """Everything that a wake touches, in memory."""

    def __init__(self) -> None:
        self.store, self.clock, draws = Store(), FakeClock(), FakeDraws()
        self.repository = MemoryCalls(self.store)
        self.service = CallService(self.repository, self.clock, draws)
        self.rooms = FakeRooms()
        self.wakes = WakeService(
            self.service,
            self.repository,
            {Provider.LIVEKIT: Rooms(self.rooms, lambda tenant, call_id: call_id)},
            self.clock,
        )
        self.poster = FakePoster()
        self.deliveries = DeliveryService(
            ports(self.store, {"default": (SHOP,)}, self.poster, self.clock, draws)
        )

    def sweep(self) -> int:
        shards = range(agenda.SHARDS)
        return sum(self.wakes.sweep(shard, self.deliveries) for shard in shards)

    def types(self) -> list[str]:
        return [e.type for e in self.store.events["default", "call-1"].values()]

    def reason(self) -> EndReason | None:
        return self.store.calls["default", "call-1"].end_reason


@pytest.fixture
def world() -> World:
    world = World()
    world.service.act("default", "call-1", create())
    return world


MISSED = ["participant.missed", "room.finished"]


class TestRing:
    def test_ring_at_its_deadline_is_missed(self, world: World) -> None:
        world.clock.pass_ms(RING_MS)
        ring = world.wakes.ring("default", "call-1")
        assert ring.is_over and world.types()[-2:] == MISSED

    def test_ring_long_before_its_deadline_says_when_to_come_back(
        self, world: World
    ) -> None:
        world.clock.pass_ms(RING_MS - 5_000)
        ring = world.wakes.ring("default", "call-1")
        assert ring == Ring(NOW_MS + RING_MS, is_over=False)
        assert world.reason() is None

    def test_ring_a_little_before_its_deadline_waits_for_it(self, world: World) -> None:
        world.clock.pass_ms(RING_MS - 900)
        assert world.wakes.ring("default", "call-1").is_over
        assert world.clock.slept_ms == [900]
        assert world.types()[-2:] == MISSED

    def test_ring_again_changes_nothing(self, world: World) -> None:
        world.clock.pass_ms(RING_MS)
        for _ in range(3):
            assert world.wakes.ring("default", "call-1").is_over
        assert world.types().count("room.finished") == 1

    def test_ring_of_an_answered_call_is_over(self, world: World) -> None:
        world.service.act("default", "call-1", Join("bob"))
        assert world.wakes.ring("default", "call-1").is_over
        assert world.reason() is None

    def test_ring_of_no_call_is_over(self, world: World) -> None:
        assert world.wakes.ring("default", "nowhere").is_over

    def test_ring_of_one_of_several_comes_back_for_the_next(self) -> None:
        world = World()
        group = create("alice", "bob", max_participants=3)
        world.service.act("default", "call-1", group)
        world.service.act("default", "call-1", Join("alice"))
        world.clock.pass_ms(10_000)
        world.service.act("default", "call-1", Invite(("carol",), "alice"))
        world.clock.pass_ms(RING_MS - 10_000)
        ring = world.wakes.ring("default", "call-1")
        assert ring == Ring(NOW_MS + RING_MS + 10_000, is_over=False)
        assert world.types()[-1] == "participant.missed"


class TestSweep:
    def test_sweep_alone_misses_a_ring(self, world: World) -> None:
        assert world.sweep() == 0
        world.clock.pass_ms(RING_MS)
        assert world.sweep() == 1
        assert world.types()[-2:] == MISSED

    def test_sweep_looks_at_an_ended_call_once_more_and_tells_what_was_not(
        self, world: World
    ) -> None:
        world.service.act("default", "call-1", Leave("bob"))
        assert world.sweep() == 0
        world.clock.pass_ms(agenda.AUDIT_MS)
        assert world.sweep() == 1
        assert len(world.poster.ids("shop.example")) == 3
        assert world.sweep() == 1
        assert world.sweep() == 0
        assert len(world.poster.ids("shop.example")) == 3

    def test_sweep_asks_the_provider_who_is_there(self, world: World) -> None:
        self.talk(world)
        world.rooms.there = (ALICE, BOB)
        world.clock.pass_ms(CHECK_MS)
        assert world.sweep() == 1
        assert world.rooms.asked == ["call-1"]
        assert world.sweep() == 0
        world.rooms.there = (ALICE,)
        world.clock.pass_ms(CHECK_MS)
        world.sweep()
        assert world.reason() is EndReason.HANGUP

    def test_sweep_fails_a_call_that_nobody_proves_alive(self, world: World) -> None:
        self.talk(world)
        for _ in range(LIVENESS_MS // CHECK_MS):
            world.clock.pass_ms(CHECK_MS)
            world.sweep()
        assert world.reason() is EndReason.FAILED

    def test_sweep_does_not_blame_the_call_for_its_provider(self, world: World) -> None:
        self.talk(world)
        world.rooms.there = None
        for _ in range(10):
            world.clock.pass_ms(CHECK_MS)
            assert world.sweep() == 1
        assert world.reason() is None

    def test_sweep_leaves_other_providers_calls_alone(self) -> None:
        world = World()
        peer = replace(create(), provider=Provider.P2P)
        world.service.act("default", "call-1", peer)
        self.talk(world)
        world.clock.pass_ms(CHECK_MS)
        world.sweep()
        assert world.rooms.asked == [] and world.reason() is None

    def test_sweep_of_one_that_cannot_be_looked_at_goes_on(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = create("carol", "dave", call_id="call-2", trace_id=102, room_number=8)
        world.service.act("default", "call-2", other)
        world.clock.pass_ms(RING_MS)
        act = world.service.act

        def broken(tenant: str, call_id: str, command: object) -> object:
            if call_id == "call-2":
                raise RuntimeError("broken")
            return act(tenant, call_id, command)  # type: ignore[arg-type]

        monkeypatch.setattr(world.service, "act", broken)
        assert world.sweep() == 2
        assert world.reason() is EndReason.MISSED

    def talk(self, world: World) -> None:
        for uid in ("alice", "bob"):
            world.service.act("default", "call-1", Join(uid))


class TestExpired:
    def test_expiry_alone_misses_a_ring(self, world: World) -> None:
        world.clock.pass_ms(RING_MS + 60_000)
        world.wakes.expired("default", "call-1")
        assert world.types()[-2:] == MISSED

    def test_expiry_before_the_time_arms_it_again(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        armed: list[str] = []
        monkeypatch.setattr(
            world.repository, "rearm", lambda call: armed.append(call.id)
        )
        world.wakes.expired("default", "call-1")
        assert armed == ["call-1"] and world.reason() is None
        world.clock.pass_ms(RING_MS)
        world.wakes.expired("default", "call-1")
        world.wakes.expired("default", "nowhere")
        assert armed == ["call-1"]
