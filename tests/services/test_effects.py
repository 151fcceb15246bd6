"""What providers are told after commands, and what they tell of rooms."""

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain.commands import (
    Appear,
    CloseRoom,
    End,
    Join,
    Kick,
    Leave,
    OpenRoom,
    Vanish,
)
from chalicelib.protocol.control import Doorbell
from chalicelib.protocol.vocabulary import Provider
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.effects import EffectService, Rooms
from chalicelib.services.facts import DELETE_ROOM, REMOVE_PARTICIPANT
from chalicelib.services.providers import Present, ProviderUnreachable
from chalicelib.services.reports import Report, ReportService
from tests.builders import NOW_MS, FakeClock, FakeDraws, create


class FakeRooms:
    """A `RoomControl` that remembers, or cannot be reached."""

    def __init__(self) -> None:
        self.done: list[tuple[str, ...]] = []
        self.is_reachable = True

    def delete_room(self, room: str) -> None:
        self._do("delete", room)

    def remove_participant(self, room: str, identity: str) -> None:
        self._do("remove", room, identity)

    def list_participants(self, room: str) -> tuple[Present, ...]:
        raise AssertionError("an effect asks nothing")

    def _do(self, *what: str) -> None:
        if not self.is_reachable:
            raise ProviderUnreachable("refused")
        self.done.append(what)


class World:
    def __init__(self) -> None:
        self.store, clock, draws = Store(), FakeClock(), FakeDraws()
        repository = MemoryCalls(self.store)
        self.calls = CallService(repository, clock, draws)
        self.rooms = FakeRooms()
        named = Rooms(self.rooms, lambda tenant, call_id: f"{tenant}/{call_id}")
        rooms = {Provider.LIVEKIT: named}
        self.effects = EffectService(repository, rooms, clock, draws)
        self.reports = ReportService(self.calls, self.effects)
        self.count = 0

    def hear(self, report: Report, call_id: str = "call-1") -> None:
        self.count += 1
        attempt = Attempt(f"livekit#{self.count}", "")
        self.reports.hear("default", call_id, Provider.LIVEKIT, report, attempt)

    def requested(self) -> list[tuple[str, str]]:
        return [(e.type, e.data.get("uid", "")) for e in self.store.effects.values()]


@pytest.fixture
def world() -> World:
    world = World()
    world.calls.act("default", "call-1", create())
    return world


def effect(kind: str, provider: Provider = Provider.LIVEKIT, **data: str) -> Doorbell:
    facts = {"provider": provider.value, **data}
    return Doorbell("default", "call-1", 0, "e1", kind, NOW_MS, facts)


def test_effects_of_a_kick_and_of_an_end_are_stored_with_them(world: World) -> None:
    group = create(
        "carol",
        "dave",
        "erin",
        call_id="call-2",
        trace_id=102,
        room_number=8,
        max_participants=4,
    )
    world.calls.act("default", "call-2", group)
    for uid in ("carol", "dave"):
        world.calls.act("default", "call-2", Join(uid))
    world.calls.act("default", "call-2", Kick("dave", "carol"))
    world.calls.act("default", "call-2", End(None))
    assert world.requested() == [(REMOVE_PARTICIPANT, "dave"), (DELETE_ROOM, "")]


class TestPerform:
    def test_perform_does_what_was_asked(self, world: World) -> None:
        world.effects.perform(effect(DELETE_ROOM))
        world.effects.perform(effect(REMOVE_PARTICIPANT, uid="bob"))
        assert world.rooms.done == [
            ("delete", "default/call-1"),
            ("remove", "default/call-1", "bob"),
        ]

    def test_perform_on_a_provider_out_of_reach_is_to_be_repeated(
        self, world: World
    ) -> None:
        world.rooms.is_reachable = False
        with pytest.raises(ProviderUnreachable):
            world.effects.perform(effect(DELETE_ROOM))

    def test_perform_of_what_nobody_knows_does_nothing(self, world: World) -> None:
        world.effects.perform(effect(DELETE_ROOM, Provider.P2P))
        world.effects.perform(effect("effect.of_a_later_release"))
        assert world.rooms.done == []


class TestReports:
    def test_report_is_a_command_on_its_call(self, world: World) -> None:
        world.hear(OpenRoom("RM_1"))
        world.hear(Appear("bob", "web", "PA_bob"))
        types = [e.type for e in world.store.events["default", "call-1"].values()]
        assert types[1:] == ["room.started", "participant.joined"]

    def test_report_heard_twice_is_one(self, world: World) -> None:
        for _ in range(2):
            attempt = Attempt("livekit#EV_1", "")
            report = Appear("bob", "web", "PA_bob")
            where = ("default", "call-1", Provider.LIVEKIT)
            world.reports.hear(*where, report, attempt)
        assert world.store.calls["default", "call-1"].version == 2

    @pytest.mark.parametrize("call_id", ["call-1", "unknown"])
    def test_who_appears_where_there_is_no_call_loses_the_room(
        self, world: World, call_id: str
    ) -> None:
        world.calls.act("default", "call-1", Leave("bob"))
        world.store.effects.clear()
        world.hear(Appear("bob", "web", "PA_bob"), call_id)
        assert world.requested() == [(DELETE_ROOM, "")]

    def test_who_is_not_wanted_is_removed(self, world: World) -> None:
        world.hear(Appear("eve", "", "PA_eve"))
        assert world.requested() == [(REMOVE_PARTICIPANT, "eve")]

    @pytest.mark.parametrize(
        "report", [OpenRoom("RM_1"), CloseRoom("RM_1"), Vanish("bob", "PA_bob")]
    )
    def test_other_words_of_no_call_are_nothing(
        self, world: World, report: Report
    ) -> None:
        world.hear(report, "unknown")
        assert world.requested() == []

    def test_leaving_of_a_stranger_is_nothing(self, world: World) -> None:
        world.hear(Vanish("eve", "PA_eve"))
        assert world.requested() == []
