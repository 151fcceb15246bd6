"""Devices register; phones ring, and stop, and never late."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_history import MemoryPushTokens
from chalicelib.domain.commands import (
    Cancel,
    Command,
    Invite,
    Join,
    Kick,
    Leave,
    Reject,
    ReplyBusy,
    Wake,
)
from chalicelib.protocol.mobile_push import Platform, Push, PushToken
from chalicelib.services import ports
from chalicelib.services.calls import Attempt, CallService
from chalicelib.services.devices.push_tokens import (
    MOST_DEVICES,
    DeviceService,
    Sent,
    TokenRefused,
    TooManyDevices,
    UnknownDevice,
)
from chalicelib.services.devices.ring_pushes import RingPushes
from chalicelib.services.retries import Unavailable
from chalicelib.services.stories import Story
from tests.builders import NOW_MS, RING_MS, FakeClock, FakeDraws, create


@dataclass
class FakeSender:
    """A `PushSender` that keeps what it was given."""

    name: str = "fake"
    answers: list[Sent] = field(default_factory=list)
    """What it says next; taken, when it has nothing to say."""
    sent: list[tuple[PushToken, Push, str]] = field(default_factory=list)
    refusal: Exception | None = None

    @property
    def is_set_up(self) -> bool:
        return bool(self.name)

    def carrier(self, token: PushToken) -> str:
        return self.name

    def enlist(self, token: PushToken) -> PushToken:
        if self.refusal is not None:
            raise self.refusal
        return replace(token, endpoint=f"endpoint of {token.token}")

    def send(self, token: PushToken, push: Push, push_id: str) -> Sent:
        self.sent.append((token, push, push_id))
        return self.answers.pop(0) if self.answers else Sent.TAKEN


def token(uid: str, device: str = "phone", **changes: Any) -> PushToken:
    first = PushToken(
        "default", uid, device, Platform.FCM, f"{uid}-{device}", "com.example.app"
    )
    changed: PushToken = replace(first, **changes)
    return changed


class World:
    def __init__(self, sender: FakeSender | None = None) -> None:
        self.clock, self.draws = FakeClock(), FakeDraws()
        self.store = Store()
        self.repository = MemoryCalls(self.store)
        self.calls = CallService(self.repository, self.clock, self.draws)
        self.tokens = MemoryPushTokens()
        self.sender = sender or FakeSender()
        ports = (self.sender, self.clock, self.draws)
        self.devices = DeviceService(self.tokens, *ports)
        self.pushes = RingPushes(self.repository, self.tokens, *ports)
        self._done = 0
        self._heard = 0

    def create(self, *uids: str, **changes: Any) -> None:
        self.calls.create(create(*uids, **changes), self._attempt())

    def do(self, command: Command) -> None:
        self.calls.execute("default", "call-1", command, self._attempt())

    def stories(self) -> list[Story]:
        """What was told since the last time, by commits."""
        found: list[Story] = []
        told: list[ports.OutboxEvent] = []
        for event in self.repository.outbox("default", "call-1", self._heard + 1):
            told.append(event)
            self._heard = event.seq
            if event.is_last:
                found.append(tuple(told))
                told.clear()
        return found

    def hear(self, stories: Sequence[Story] | None = None) -> list[tuple[str, ...]]:
        """(uid, device, event, reason) of what is pushed because of it."""
        self.sender.sent.clear()
        for story in self.stories() if stories is None else stories:
            self.pushes.hear(story)
        return sorted(map(_gist, self.sender.sent))

    def _attempt(self) -> Attempt:
        self._done += 1
        return Attempt(f"command-{self._done}", "fingerprint")


def _gist(sent: tuple[PushToken, Push, str]) -> tuple[str, ...]:
    to, push, _ = sent
    told = push.payload
    if to.platform is Platform.FCM:
        told = push.payload["message"]["data"]
    event = str(told["event"]).removeprefix("call.")
    return (to.uid, to.device, event, *([told["reason"]] if "reason" in told else []))


def group(**changes: Any) -> dict[str, Any]:
    return {"max_participants": 8, **changes}


# What is registered.


def test_register_device_keeps_what_the_sender_needs() -> None:
    world = World()
    assert world.devices.register(token("bob")) == "fake"
    (held,) = world.devices.of_user("default", "bob")
    assert held.endpoint == "endpoint of bob-phone"
    assert held.registered_at_ms == NOW_MS


def test_register_device_where_nothing_is_sent() -> None:
    world = World(FakeSender(name=""))
    assert world.devices.register(token("bob")) == ""
    assert len(world.devices.of_user("default", "bob")) == 1


def test_register_device_again_replaces_its_token() -> None:
    world = World()
    world.devices.register(token("bob"))
    world.devices.register(token("bob", token="renewed"))
    (held,) = world.devices.of_user("default", "bob")
    assert held.token == "renewed"


def test_register_no_more_devices_than_there_may_be() -> None:
    world = World()
    for number in range(MOST_DEVICES):
        world.devices.register(token("bob", f"phone-{number}"))
    with pytest.raises(TooManyDevices):
        world.devices.register(token("bob", "one too many"))
    world.devices.register(token("bob", "phone-3", token="renewed"))
    world.devices.register(token("bob", "phone-3", platform=Platform.APNS, token="ab"))
    world.devices.register(token("carol"))
    held = world.devices.of_user("default", "bob")
    assert len({one.device for one in held}) == MOST_DEVICES


def test_register_no_more_devices_at_the_same_time() -> None:
    class Crowded(MemoryPushTokens):
        """Another device comes in between."""

        def keep(self, token: PushToken) -> None:
            super().keep(token)
            if token.device == "mine":
                other = replace(token, device="another", token="another")
                super().keep(other)

    world = World()
    world.tokens = Crowded()
    world.devices = DeviceService(world.tokens, world.sender, world.clock, world.draws)
    for number in range(MOST_DEVICES - 1):
        world.devices.register(token("bob", f"phone-{number}"))
    with pytest.raises(TooManyDevices):
        world.devices.register(token("bob", "mine"))
    held = {one.device for one in world.devices.of_user("default", "bob")}
    assert "mine" not in held and len(held) == MOST_DEVICES


@pytest.mark.parametrize("refusal", [TokenRefused("bad"), Unavailable("down")])
def test_register_nothing_that_the_sender_does_not_take(refusal: Exception) -> None:
    world = World(FakeSender(refusal=refusal))
    with pytest.raises(type(refusal)):
        world.devices.register(token("bob"))
    assert world.devices.of_user("default", "bob") == ()


def test_forget_device_with_all_its_tokens() -> None:
    world = World()
    world.devices.register(token("bob"))
    world.devices.register(token("bob", platform=Platform.APNS, token="ab"))
    world.devices.register(token("bob", "tablet"))
    world.devices.forget("default", "bob", "phone")
    (held,) = world.devices.of_user("default", "bob")
    assert held.device == "tablet"
    with pytest.raises(UnknownDevice):
        world.devices.forget("default", "bob", "phone")


# What rings.


def test_ring_phones_of_who_is_rung_alone() -> None:
    world = World()
    for uid in ("alice", "bob"):
        world.devices.register(token(uid))
    world.devices.register(token("bob", "tablet"))
    world.create("alice", "bob")
    assert world.hear() == [("bob", "phone", "ringing"), ("bob", "tablet", "ringing")]


def test_ring_has_the_same_id_however_often_it_is_told() -> None:
    world = World()
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    stories = world.stories()
    world.hear(stories)
    ((_, _, first),) = world.sender.sent
    world.hear(stories)
    ((_, _, second),) = world.sender.sent
    assert first == second


def test_ring_nobody_after_the_deadline() -> None:
    world = World()
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    world.clock.pass_ms(RING_MS)
    assert world.hear() == []


def test_ring_nobody_whose_turn_comes_after_the_deadline() -> None:
    world = World()
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    world.clock.pass_ms(RING_MS - 1)

    class Slow(MemoryPushTokens):
        def of_user(self, tenant: str, uid: str) -> tuple[PushToken, ...]:
            world.clock.pass_ms(1)
            return world.tokens.of_user(tenant, uid)

    pushes = RingPushes(
        world.repository, Slow(), world.sender, world.clock, world.draws
    )
    for story in world.stories():
        pushes.hear(story)
    assert world.sender.sent == []


@pytest.mark.parametrize("command", [Join("bob"), Reject("bob"), Cancel("alice")])
def test_ring_nobody_who_does_not_ring_any_more(command: Command) -> None:
    world = World()
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    late = world.stories()
    world.do(command)
    assert world.hear(late) == []


def test_ring_wakes_a_device_once_where_pushkit_does() -> None:
    world = World()
    voip = token("bob", platform=Platform.APNS_VOIP, token="ab")
    world.devices.register(voip)
    world.devices.register(replace(voip, platform=Platform.APNS, token="cd"))
    alone = token("bob", "tablet", platform=Platform.APNS, token="ef")
    world.devices.register(alone)
    world.create("alice", "bob")
    assert world.hear() == [("bob", "phone", "ringing"), ("bob", "tablet", "ringing")]
    assert {sent.platform for sent, _, _ in world.sender.sent} == {
        Platform.APNS_VOIP,
        Platform.APNS,
    }
    world.do(Cancel("alice"))
    ended = [
        ("bob", device, "ring_ended", "cancelled") for device in ("phone", "tablet")
    ]
    assert world.hear() == ended
    assert {sent.platform for sent, _, _ in world.sender.sent} == {Platform.APNS}


def test_ring_again_after_it_was_missed() -> None:
    world = World()
    world.devices.register(token("bob"))
    world.create("alice", "bob", "carol", **group())
    world.do(Join("alice"))
    world.do(Join("carol"))
    world.clock.pass_ms(RING_MS)
    world.do(Wake())
    missed = world.stories()
    world.do(Invite(("bob",), "alice"))
    assert world.hear() == [("bob", "phone", "ringing")]
    assert world.hear(missed) == [], "what is late does not end the new ring"


# What stops ringing.


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (Cancel("alice"), "cancelled"),
        (Leave("alice"), "cancelled"),
        (Reject("bob"), "rejected"),
        (ReplyBusy("bob"), "rejected"),
        (Join("bob"), "answered_elsewhere"),
        (Wake(), "missed"),
    ],
)
def test_ring_ends_for_the_reason_that_ended_it(command: Command, reason: str) -> None:
    world = World()
    for uid in ("alice", "bob"):
        world.devices.register(token(uid))
    world.create("alice", "bob")
    world.hear()
    world.clock.pass_ms(RING_MS if isinstance(command, Wake) else 1_000)
    world.do(command)
    assert world.hear() == [("bob", "phone", "ring_ended", reason)]


def test_ring_ends_elsewhere_than_where_it_was_answered() -> None:
    world = World()
    for device in ("phone", "tablet"):
        world.devices.register(token("bob", device))
    world.create("alice", "bob")
    world.hear()
    world.do(Join("bob", "ios", "phone"))
    assert world.hear() == [("bob", "tablet", "ring_ended", "answered_elsewhere")]


def test_ring_ends_for_all_who_were_still_rung() -> None:
    world = World()
    for uid in ("bob", "carol", "dave"):
        world.devices.register(token(uid))
    world.create("alice", "bob", "carol", "dave", **group())
    world.do(Join("alice"))
    world.do(Join("bob"))
    world.do(Reject("carol"))
    assert world.hear()
    world.do(Kick("dave", "alice"))
    assert world.hear() == [("dave", "phone", "ring_ended", "cancelled")]
    world.do(Invite(("carol", "dave"), "alice"))
    world.hear()
    world.do(Leave("alice"))
    world.do(Leave("bob"))
    assert world.hear() == []
    world.do(Cancel("alice"))


def test_ring_ends_when_the_call_fails() -> None:
    world = World()
    for uid in ("bob", "carol"):
        world.devices.register(token(uid))
    world.create("alice", "bob", "carol", **group(max_call_seconds=60))
    world.do(Join("alice"))
    world.do(Join("bob"))
    world.hear()
    world.clock.pass_ms(40_000)
    world.do(Wake())
    world.do(Invite(("carol",), "alice"))
    world.hear()
    world.clock.pass_ms(20_000)
    world.do(Wake())
    assert world.hear() == [("carol", "phone", "ring_ended", "ended")]


def test_ring_ends_for_nobody_who_was_busy() -> None:
    world = World()
    for uid in ("bob", "carol"):
        world.devices.register(token(uid))
    busy = create("alice", "bob", "carol", **group(), busy_uids=frozenset({"carol"}))
    world.calls.create(busy, Attempt("create", "f"))
    world.do(Cancel("alice"))
    stories = world.stories()
    assert world.hear(stories) == [("bob", "phone", "ring_ended", "cancelled")]


def test_hang_up_is_pushed_to_nobody() -> None:
    world = World()
    for uid in ("alice", "bob"):
        world.devices.register(token(uid))
    world.create("alice", "bob")
    world.do(Join("alice"))
    world.do(Join("bob"))
    world.hear()
    world.do(Leave("bob"))
    assert world.hear() == []


# How it is sent.


def test_push_that_fails_is_sent_once_more() -> None:
    world = World(FakeSender(answers=[Sent.FAILED, Sent.TAKEN]))
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    world.hear()
    assert len(world.sender.sent) == 2


def test_push_that_fails_again_is_given_up() -> None:
    world = World(FakeSender(answers=[Sent.FAILED] * 5))
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    world.hear()
    assert len(world.sender.sent) == 2
    assert len(world.devices.of_user("default", "bob")) == 1


def test_carrier_that_hangs_is_not_waited_for() -> None:
    class Hanging(FakeSender):
        def send(self, token: PushToken, push: Push, push_id: str) -> Sent:
            world.clock.pass_ms(3_000)
            super().send(token, push, push_id)
            return Sent.FAILED

    world = World(Hanging())
    for number in range(MOST_DEVICES):
        world.devices.register(token("bob", f"phone-{number}"))
    world.create("alice", "bob")
    world.hear()
    assert len(world.sender.sent) < 2 * MOST_DEVICES


def test_ring_that_fails_is_not_sent_again_after_the_deadline() -> None:
    class Slow(FakeSender):
        def send(self, token: PushToken, push: Push, push_id: str) -> Sent:
            world.clock.pass_ms(RING_MS)
            super().send(token, push, push_id)
            return Sent.FAILED

    world = World(Slow())
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    world.hear()
    assert len(world.sender.sent) == 1


def test_token_of_nobody_is_forgotten() -> None:
    world = World(FakeSender(answers=[Sent.GONE]))
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    world.hear()
    assert world.devices.of_user("default", "bob") == ()


def test_nothing_is_read_where_nothing_is_sent() -> None:
    class Untouched(MemoryCalls):
        def load(self, tenant: str, call_id: str) -> None:
            raise AssertionError("a read that nobody needs")

    world = World(FakeSender(name=""))
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    pushes = RingPushes(
        Untouched(world.store), world.tokens, world.sender, world.clock, world.draws
    )
    for story in world.stories():
        pushes.hear(story)
    assert world.sender.sent == []


def test_call_that_is_forgotten_by_now_rings_nobody() -> None:
    world = World()
    world.devices.register(token("bob"))
    world.create("alice", "bob")
    stories = world.stories()
    del world.store.calls["default", "call-1"]
    assert world.hear(stories) == []


def test_push_is_tried_again_when_the_table_is_slow() -> None:
    class Throttled(MemoryPushTokens):
        is_throttled = True

        def of_user(self, tenant: str, uid: str) -> tuple[PushToken, ...]:
            if self.is_throttled:
                self.is_throttled = False
                raise ports.Throttled()
            return super().of_user(tenant, uid)

    world = World()
    tokens = Throttled()
    tokens.keep(token("bob"))
    world.pushes = RingPushes(
        world.repository, tokens, world.sender, world.clock, world.draws
    )
    world.create("alice", "bob")
    assert world.hear() == [("bob", "phone", "ringing")]
