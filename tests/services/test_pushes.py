"""Whom devices hear of, what they are told, and that nothing is told wrongly twice."""

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_devices import MemoryDevices
from chalicelib.domain.call import Call
from chalicelib.domain.commands import (
    Command,
    End,
    Invite,
    Join,
    Kick,
    Leave,
    Reject,
    Wake,
)
from chalicelib.protocol.client_events import Answered
from chalicelib.protocol.vocabulary import Dialect, Provider
from chalicelib.services import ports
from chalicelib.services.calls import CallService
from chalicelib.services.devices.devices import (
    Device,
    SocketGone,
    SocketRefused,
    SocketUnreachable,
)
from chalicelib.services.devices.pushes import pushes_of
from chalicelib.services.devices.pushing import (
    COMING_MS,
    MOST_AT_ONCE,
    NotPushed,
    PushService,
)
from chalicelib.services.media import Entrances, render_media
from chalicelib.services.ports import JoinCredentials, OutboxEvent
from chalicelib.services.stories import Story, story_of
from tests.builders import NOW_MS, RING_MS, FakeClock, FakeDraws, create
from tests.services.lines import FakeSockets, InTurn

CALL = "call-1"


class FakeProvider:
    """A `MediaProvider` whose token says whose it is."""

    has_failed = False

    def credentials(
        self,
        call: Call,
        uid: str,
        device_type: str,
        now_ms: int,
        seconds: int | None = None,
    ) -> JoinCredentials:
        if self.has_failed:
            raise RuntimeError("no key")
        return JoinCredentials("livekit", "wss://m", f"{uid}'s", call.id)


class World:
    """A call service that pushes, and devices that listen."""

    def __init__(self) -> None:
        self.store, self.clock = Store(), FakeClock()
        self.repository = MemoryCalls(self.store)
        self.devices, self.sockets = MemoryDevices(), FakeSockets()
        self.provider = FakeProvider()
        self.pushes = PushService(
            self.repository,
            self.devices,
            self.sockets,
            Entrances({Provider.LIVEKIT: self.provider}, self.clock),
            InTurn(),
            self.clock,
        )
        draws = FakeDraws()
        self.calls = CallService(self.repository, self.clock, draws, self.pushes)

    def connect(self, uid: str, device: str, device_type: str = "app") -> None:
        at_ms = self.clock.now_ms()
        name = f"{uid}-{device}"
        self.devices.connect(
            Device("default", uid, device, device_type, name, at_ms, at_ms)
        )

    def ring(self, creator: str = "alice", *invitees: str, **changes: Any) -> None:
        command = create(creator, *invitees, **changes)
        self.calls.act("default", command.call_id, command)

    def act(self, command: Command) -> None:
        self.clock.pass_ms(1000)
        self.calls.act("default", CALL, command)

    def told(self, connection_id: str) -> list[dict[str, Any]]:
        return self.sockets.told(connection_id)

    def events(self, connection_id: str) -> list[str]:
        return self.sockets.events(connection_id)

    def forget(self) -> None:
        self.sockets.posted.clear()

    def stories(self) -> list[Story]:
        """Every commit's, by the last of its events."""
        events = self.repository.outbox("default", CALL, 1)
        ends = [event for event in events if event.is_last]
        return [story_of(self.repository, end.doorbell) for end in ends]


@pytest.fixture
def world() -> World:
    world = World()
    world.connect("alice", "phone")
    world.connect("bob", "phone")
    world.connect("bob", "web", "web")
    return world


def test_ring_every_device_of_both(world: World) -> None:
    world.ring()
    (incoming,) = world.told("bob-phone")
    assert incoming == {
        "event": "call.ringing",
        "call_id": CALL,
        "seq": 1,
        "at_ms": NOW_MS,
        "dialect": "tgortc",
        "provider": "livekit",
        "media_type": "video",
        "caller": "alice",
        "uids": ["alice", "bob"],
        "direction": "incoming",
        "deadline_at_ms": NOW_MS + RING_MS,
        "ring_seconds": 30,
    }
    assert world.told("bob-web") == [incoming]
    assert world.told("alice-phone") == [{**incoming, "direction": "outgoing"}]


def test_tell_the_answer_to_the_caller_and_the_one_that_answered(world: World) -> None:
    world.ring()
    world.forget()
    world.act(Join("bob", "app", "phone"))
    (caller,) = world.told("alice-phone")
    assert (caller["event"], caller["uid"]) == ("call.answered", "bob")
    assert (caller["device"], caller["device_type"]) == ("phone", "app")
    assert caller["media"]["token"] == "alice's"
    (own,) = world.told("bob-phone")
    assert own["media"]["token"] == "bob's"
    (other,) = world.told("bob-web")
    assert other["event"] == "call.answered_elsewhere"
    assert (other["device"], "media" in other) == ("phone", False)
    assert other["seq"] == caller["seq"] == own["seq"]


@pytest.mark.parametrize(
    ("device", "device_type", "told"),
    [
        ("web", "", ["call.answered_elsewhere", "call.answered"]),
        ("", "web", ["call.answered_elsewhere", "call.answered"]),
        ("", "pad", ["call.answered_elsewhere"] * 2),
        ("", "", ["call.answered_elsewhere"] * 2),
        ("offline", "app", ["call.answered_elsewhere"] * 2),
    ],
)
def test_tell_devices_apart_as_far_as_they_are_known(
    world: World, device: str, device_type: str, told: list[str]
) -> None:
    world.ring()
    world.forget()
    world.act(Join("bob", device_type, device))
    assert world.events("bob-phone") + world.events("bob-web") == told


def test_two_devices_of_a_kind_are_not_told_apart_by_it(world: World) -> None:
    world.connect("bob", "second")
    world.ring()
    world.forget()
    world.act(Join("bob", "app"))
    for device in ("bob-phone", "bob-second", "bob-web"):
        assert world.events(device) == ["call.answered_elsewhere"]


def test_caller_s_own_coming_in_is_no_answer(world: World) -> None:
    world.ring()
    world.forget()
    world.act(Join("alice", "app", "phone"))
    assert world.sockets.posted == []


@pytest.mark.parametrize(
    ("command", "events", "reason", "initiator"),
    [
        (Leave("alice"), ["call.cancelled", "call.ended"], "cancelled", "caller"),
        (Leave("bob"), ["call.rejected", "call.ended"], "rejected", "callee"),
        (End(None), ["call.cancelled", "call.ended"], "cancelled", "system"),
    ],
)
def test_end_of_a_ring_is_told_to_everybody(
    world: World, command: Command, events: list[str], reason: str, initiator: str
) -> None:
    world.ring()
    world.forget()
    world.act(command)
    for connection_id in ("alice-phone", "bob-phone", "bob-web"):
        assert world.events(connection_id) == events
        ended = world.told(connection_id)[-1]
        assert (ended["reason"], ended["initiator"]) == (reason, initiator)
        assert ended["duration"] == 0


def test_missed_ring_is_told_to_everybody(world: World) -> None:
    world.ring()
    world.forget()
    world.clock.pass_ms(RING_MS)
    world.act(Wake())
    assert world.events("alice-phone") == ["call.missed", "call.ended"]
    assert world.events("bob-web") == ["call.missed", "call.ended"]
    assert world.told("bob-web")[0]["uid"] == "bob"


def test_hang_up_is_told_with_its_length(world: World) -> None:
    world.ring()
    world.act(Join("bob", "app", "phone"))
    world.act(Join("alice", "app", "phone"))
    world.forget()
    world.clock.pass_ms(9_000)
    world.act(Leave("bob"))
    (ended,) = world.told("alice-phone")
    assert (ended["event"], ended["duration"]) == ("call.ended", 10)
    assert (ended["reason"], ended["initiator"]) == ("hangup", "callee")


def test_group_hears_of_its_members_while_they_are_in_it() -> None:
    world = World()
    for uid in ("alice", "bob", "carol", "dave"):
        world.connect(uid, "phone")
    world.ring("alice", "bob", "carol", "dave", max_participants=9)
    world.forget()
    world.act(Reject("bob"))
    assert world.events("bob-phone") == ["call.rejected"]
    assert world.events("carol-phone") == ["call.rejected"]
    world.forget()
    world.act(Join("carol", "app"))
    assert world.told("bob-phone") == []
    assert world.events("dave-phone") == ["call.answered"]
    assert "media" not in world.told("dave-phone")[0]
    world.forget()
    world.act(Kick("dave", None))
    assert world.events("dave-phone") == ["call.cancelled"]
    assert world.told("alice-phone")[0]["uid"] == "dave"
    world.forget()
    world.act(Invite(("bob",), None))
    assert world.told("bob-phone")[0]["direction"] == "incoming"
    assert world.told("alice-phone")[0]["direction"] == "outgoing"
    assert world.told("carol-phone") == []
    world.forget()
    world.act(Leave("carol"))
    assert world.sockets.posted == []


def test_caller_who_is_rung_again_is_rung_like_others() -> None:
    world = World()
    world.connect("alice", "phone")
    world.ring("alice", "bob", "carol", max_participants=9, dialect=Dialect.OPENCHAT)
    world.act(Join("bob"))
    world.act(Leave("alice"))
    world.forget()
    world.act(Invite(("alice",), "bob"))
    (ringing,) = world.told("alice-phone")
    assert ringing["direction"] == "incoming"


def test_bus_tells_the_same_again(world: World) -> None:
    world.ring()
    world.act(Join("bob", "app", "phone"))
    world.act(Leave("alice"))
    first = list(world.sockets.posted)
    world.forget()
    for story in world.stories():
        world.pushes.hear(story)
    ended = [
        (to, {key: value for key, value in frame.items() if key != "media"})
        for to, frame in first
    ]
    assert world.sockets.posted == ended


def test_credentials_are_told_only_while_the_call_lives(world: World) -> None:
    world.ring()
    world.act(Join("bob", "app", "phone"))
    world.forget()
    _, answered = world.stories()
    world.pushes.hear(answered)
    assert world.told("alice-phone")[0]["media"]["token"] == "alice's"
    for event in answered:
        assert "token" not in str(event.data)


def test_provider_that_fails_keeps_no_answer_back(world: World) -> None:
    world.provider.has_failed = True
    world.ring()
    world.act(Join("bob", "app", "phone"))
    media = world.told("alice-phone")[-1]["media"]
    assert media["error"] == "livekit cannot be entered now"


def test_provider_that_is_not_set_up_says_so() -> None:
    world = World()
    world.connect("alice", "phone")
    world.ring(provider=Provider.TRTC)
    world.act(Join("bob"))
    media = world.told("alice-phone")[-1]["media"]
    assert media["error"] == "trtc is not set up"


def test_media_is_rendered_with_what_its_clients_need() -> None:
    credentials = JoinCredentials("p2p", "", "", "call-1", {"iceServers": []})
    assert render_media(credentials) == {
        "provider": "p2p",
        "url": "",
        "token": "",
        "roomId": "call-1",
        "iceServers": [],
    }


def test_device_that_is_gone_is_forgotten(world: World) -> None:
    world.clock.pass_ms(COMING_MS)
    world.sockets.failures["bob-web"] = SocketGone("bob-web")
    world.ring()
    names = [one.device for one in world.devices.of_user("default", "bob")]
    assert names == ["phone"]
    assert world.events("bob-phone") == ["call.ringing"]


def test_device_that_is_only_coming_is_not_forgotten(world: World) -> None:
    world.clock.pass_ms(COMING_MS - 1)
    world.sockets.failures["bob-web"] = SocketGone("bob-web")
    world.ring()
    assert len(world.devices.of_user("default", "bob")) == 2


def test_command_goes_on_whatever_its_pushes_do(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_user(*about: Any) -> tuple[Device, ...]:
        raise ports.Throttled("too much")

    monkeypatch.setattr(world.devices, "of_user", of_user)
    world.ring()
    monkeypatch.setattr(world.pushes, "_push", None)
    world.act(Leave("alice"))
    assert world.sockets.posted == []
    assert not world.store.calls["default", CALL].is_live


def test_nothing_is_waited_for_when_the_time_is_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = world.devices.of_user

    def slowly(*about: Any) -> tuple[Device, ...]:
        world.clock.pass_ms(200)
        return looked(*about)

    monkeypatch.setattr(world.devices, "of_user", slowly)
    world.ring()
    assert world.sockets.posted == []


def test_bus_comes_again_for_who_was_not_reached(world: World) -> None:
    world.sockets.failures["bob-web"] = SocketUnreachable("slow")
    world.ring()
    (story,) = world.stories()
    world.forget()
    with pytest.raises(NotPushed):
        world.pushes.hear(story)
    assert world.events("bob-phone") == ["call.ringing"]
    world.sockets.failures["bob-web"] = SocketRefused("too large")
    world.pushes.hear(story)


def test_bus_comes_again_when_devices_are_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ring()
    (story,) = world.stories()

    def of_user(*about: Any) -> tuple[Device, ...]:
        raise ports.Throttled("too much")

    monkeypatch.setattr(world.devices, "of_user", of_user)
    with pytest.raises(NotPushed):
        world.pushes.hear(story)


def test_command_pushes_to_so_many_and_the_bus_to_all() -> None:
    world = World()
    invitees = [f"u{number:02}" for number in range(80)]
    for uid in invitees:
        world.connect(uid, "phone")
    world.ring("alice", *invitees, max_participants=90)
    assert len(world.sockets.posted) == MOST_AT_ONCE
    world.forget()
    (story,) = world.stories()
    world.pushes.hear(story)
    assert len(world.sockets.posted) == len(invitees)


def test_no_event_is_two_pushes_to_a_device(world: World) -> None:
    world.ring()
    world.act(Join("bob", "app", "phone"))
    world.act(Leave("bob"))
    for connection_id in ("alice-phone", "bob-phone", "bob-web"):
        seqs = [frame["seq"] for frame in world.told(connection_id)]
        assert len(seqs) == len(set(seqs))


def test_facts_of_old_rows_are_read() -> None:
    world = World()
    world.ring()
    world.act(Join("bob", "app", "phone"))
    (joined,) = (
        event
        for event in world.repository.outbox("default", CALL, 1)
        if event.type == "participant.joined"
    )
    old = {key: value for key, value in joined.data.items() if key != "device"}
    told = pushes_of(replace(joined, data=old))
    assert [one.uid for one in told] == ["alice", "bob"]
    assert isinstance(told[0].push, Answered) and told[0].push.device == ""


def test_other_events_are_no_pushes() -> None:
    event = OutboxEvent("default", CALL, 1, "e", "room.started", NOW_MS, {})
    assert pushes_of(event) == ()
    assert pushes_of(replace(event, type="session.started")) == ()


def test_story_is_what_one_commit_told() -> None:
    world = World()
    world.ring("alice", "bob", "carol", max_participants=9, dialect=Dialect.OPENCHAT)
    world.act(Join("bob"))
    world.act(End(None))
    stories = world.stories()
    assert [[event.type for event in story] for story in stories] == [
        ["participant.invited", "room.started", "participant.joined"],
        ["participant.joined"],
        ["participant.left", "participant.left", "room.finished"],
    ]


def test_long_story_is_read_from_its_beginning() -> None:
    world = World()
    invitees = [f"u{number}" for number in range(12)]
    world.ring("alice", *invitees, max_participants=20)
    world.clock.pass_ms(RING_MS)
    world.act(Wake())
    *_, story = world.stories()
    assert len(story) == 13
    first = story[0].doorbell
    assert story_of(world.repository, replace(first, seq=0)) == ()
    assert story_of(world.repository, replace(first, call_id="none")) == ()
