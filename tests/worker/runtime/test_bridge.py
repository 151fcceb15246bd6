"""Sessions that hear each other."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chalicelib.protocol.claims import Principal
from chalicelib.protocol.session.vocabulary import CallType, Codec
from chalicelib.protocol.vocabulary import Role
from mediaworker.audio.arrays import Samples
from mediaworker.runtime.batches import Batch
from mediaworker.runtime.bridge import MOST_FRAMES, Lane
from mediaworker.runtime.occupant import Occupant
from mediaworker.runtime.wires import WIRES
from mediaworker.session.legs import KeyPressed
from mediaworker.speech.requests import Heard, Synthesize
from tests.worker.runtime.fake_leg import FakeLeg, FakeLegs
from tests.worker.runtime.world import LOUD, Application, World, pcm

OFFER = "v=0\r\n"
QUICK_VAD = {"speechPadding": 40, "silencePadding": 100}


def call(world: World, **option: Any) -> Application:
    return world.open().invite(codec="pcm", **option)


def browser(world: World, **option: Any) -> Application:
    return world.open(call_type=CallType.WEBRTC).invite(offer=OFFER, **option)


def leg_of(legs: FakeLegs, caller: Application) -> FakeLeg:
    return legs.made[caller.handle.session_id]


def bridge(one: Application, other: Application) -> None:
    one.command("bridge", targetSessionId=other.handle.session_id)


def unbridge(one: Application, other: Application) -> None:
    one.command("unbridge", targetSessionId=other.handle.session_id)


def code_of(caller: Application) -> int:
    """Of the last error, which is of the bridge."""
    error = caller.named("error")[-1]
    assert error["sender"] == "bridge"
    return int(error["code"])


def test_hear_each_other_in_the_next_slot() -> None:
    world = World()
    one, other = call(world), call(world)
    bridge(one, other)
    one.handle.receive_audio(pcm(11))
    other.handle.receive_audio(pcm(22))
    world.tick()
    assert one.peer.audio == other.peer.audio == []
    world.tick()
    assert one.peer.audio == [pcm(22)]
    assert other.peer.audio == [pcm(11)]


def test_tell_both() -> None:
    world = World()
    one, other = call(world), call(world)
    told = len(one.names), len(other.names)
    bridge(one, other)
    joined = len(one.names), len(other.names)
    unbridge(other, one)
    assert told[0] < joined[0] < len(one.names)
    assert told[1] < joined[1] < len(other.names)
    assert one.named("error") == other.named("error") == []


def test_message_goes_to_the_other_end_and_nowhere_else() -> None:
    world = World()
    one, other = call(world), call(world)
    one.command("message", body="too early")
    error = one.named("error")[-1]
    assert (error["sender"], error["code"]) == ("message", 409)
    bridge(one, other)
    one.command("message", body="Hello")
    assert [told["body"] for told in other.named("message")] == ["Hello"]
    assert one.named("message") == []


def test_hear_it_over_what_plays() -> None:
    world = World()
    one, other = call(world, tts={}), call(world)
    bridge(one, other)
    one.command("tts", text="Hello")
    (request,) = world.speech.asked(Synthesize)
    world.speech.speak(request.job, pcm(30_000, 4))
    world.tick()
    other.handle.receive_audio(pcm(5) + pcm(9_000))
    world.tick(3)
    levels = [np.frombuffer(frame, np.int16)[0] for frame in one.peer.audio]
    assert levels == [30_000, 30_000, 30_005, 32_767]


class Nobody:
    """An occupant that only a batch knows."""


@given(
    levels=st.lists(st.integers(-32_768, 32_767), min_size=1, max_size=9),
    over=st.dictionaries(st.integers(0, 8), st.integers(-32_768, 32_767)),
    bounds=st.tuples(st.integers(0, 8), st.integers(1, 9)),
)
def test_mix_without_wrapping(
    levels: list[int], over: dict[int, int], bounds: tuple[int, int]
) -> None:
    batch = Batch(WIRES[Codec.PCM])
    for member, level in enumerate(levels):
        other = pcm(over[member]) if member in over else None
        batch.add(cast(Occupant, Nobody()), pcm(level), other)
    members = range(len(levels))[bounds[0] : bounds[1]] or range(len(levels))
    wanted = [
        pcm(min(32_767, max(-32_768, levels[one] + over.get(one, 0))))
        for one in members
    ]
    assert batch.encoded(members) == wanted


def test_hear_each_other_through_legs_of_other_rates() -> None:
    legs = FakeLegs(Codec.PCMU, WIRES[Codec.PCMU])
    world = World(legs=legs.makers)
    phone, wide = browser(world), call(world)
    bridge(phone, wide)
    leg = leg_of(legs, phone)
    times = np.arange(8_000) / 8_000
    spoken = np.rint(8_000 * np.sin(2 * np.pi * 440 * times)).astype(np.int16)
    octets = WIRES[Codec.PCMU].encode(spoken.reshape(50, 160))
    for frame in octets:
        leg.speak(frame.tobytes())
        wide.handle.receive_audio(pcm(500))
        world.tick()
    heard = np.frombuffer(b"".join(wide.peer.audio), np.int16)
    assert len(heard) == 49 * 320
    wanted = 8_000 * np.sin(2 * np.pi * 440 * (np.arange(len(heard)) / 16_000 - 0.002))
    assert np.abs(heard - wanted)[640:].max() < 400
    sent = WIRES[Codec.PCMU].decode(np.frombuffer(leg.audio[-1], np.uint8))
    assert len(sent) == 160
    assert np.abs(sent.astype(int) - 500).max() < 20
    assert sorted(leg.sent) == list(range(1, 51)), "and silence before it"


def test_keep_hearing_what_is_said_to_the_application() -> None:
    world = World()
    one, other = call(world, vad=QUICK_VAD, asr={}), call(world, vad=QUICK_VAD)
    bridge(one, other)
    for _ in range(20):
        one.handle.receive_audio(pcm(LOUD))
        world.tick()
    assert "speaking" in one.names
    assert "speaking" not in other.names, "it is the other's far end that spoke"
    heard = b"".join(message.samples for message in world.speech.asked(Heard))
    assert heard == pcm(LOUD, 20)


def test_hear_nothing_of_who_is_muted() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    one, other = browser(world), browser(world)
    bridge(one, other)
    one.command("mute", trackId=one.handle.session_id)
    leg_of(legs, one).speak(pcm(LOUD), pcm(LOUD))
    leg_of(legs, one).tell(KeyPressed("1"))
    world.tick(3)
    assert leg_of(legs, other).audio == [pcm(0), pcm(0)]
    assert leg_of(legs, other).pressed == ""


def test_pass_keys_on_to_the_other_leg() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    one, other = browser(world), browser(world)
    bridge(one, other)
    for digit in ("1", "a", "no key", "#"):
        leg_of(legs, one).tell(KeyPressed(digit))
    assert leg_of(legs, other).pressed == "1A#"
    assert leg_of(legs, one).pressed == ""
    assert [event["digit"] for event in one.named("dtmf")] == ["1", "A", "#"]
    assert other.named("dtmf") == []
    unbridge(one, other)
    leg_of(legs, one).tell(KeyPressed("2"))
    assert leg_of(legs, other).pressed == "1A#"


def test_pass_no_keys_on_to_who_has_no_leg() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    one, other = browser(world), call(world)
    bridge(one, other)
    leg_of(legs, one).tell(KeyPressed("1"))
    world.tick()
    assert "error" not in other.names


def test_end_who_cannot_press_the_other_s_keys() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    one, other = browser(world), browser(world)
    bridge(one, other)
    leg_of(legs, other).errors["PressKeys"] = ZeroDivisionError()
    leg_of(legs, one).tell(KeyPressed("1"))
    assert other.names[-1] == "hangup"
    assert "hangup" not in one.names
    assert len(world.roster) == 1


def test_part_from_who_ends() -> None:
    world = World()
    one, other, third = call(world), call(world), call(world)
    bridge(one, other)
    told = len(other.names)
    one.handle.receive_audio(pcm(11, 2))
    world.tick()
    one.command("hangup")
    assert len(other.names) == told + 1
    world.tick(3)
    assert other.peer.audio == []
    bridge(other, third)
    assert "error" not in other.names


def test_part_from_who_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    one, other = call(world), call(world)
    bridge(one, other)
    seat = world.roster.find(one.handle.session_id)
    assert seat is not None
    monkeypatch.setattr(seat.session, "end", None)
    monkeypatch.setattr(seat.session, "receive", None)
    one.command("hangup")
    survivor = world.roster.find(other.handle.session_id)
    assert survivor is not None
    assert survivor.side is None


@pytest.mark.parametrize(
    ("principal", "code"),
    [
        (Principal("acme", "bob"), 403),
        (Principal("acme", "bob", Role.SERVER), 403),
        (Principal("other", "alice"), 404),
        (Principal("other", "alice", Role.ADMIN), 404),
    ],
)
def test_refuse_to_join_what_is_somebody_else_s(
    principal: Principal, code: int
) -> None:
    world = World()
    mine = call(world)
    theirs = world.open(principal).invite(codec="pcm")
    bridge(theirs, mine)
    assert code_of(theirs) == code
    assert "error" not in mine.names
    mine.handle.receive_audio(pcm(11))
    world.tick(3)
    assert theirs.peer.audio == []


def test_let_an_administrator_join_sessions_of_the_tenant() -> None:
    world = World()
    mine = call(world)
    boss = Principal("acme", "boss", Role.ADMIN)
    theirs = world.open(boss).invite(codec="pcm")
    bridge(theirs, mine)
    assert "error" not in theirs.names
    mine.handle.receive_audio(pcm(11))
    world.tick(2)
    assert theirs.peer.audio == [pcm(11)]


def test_refuse_to_join_what_is_not_there() -> None:
    world = World()
    one = call(world)
    one.command("bridge", targetSessionId="nobody")
    assert code_of(one) == 404
    one.command("unbridge", targetSessionId="nobody")
    assert code_of(one) == 404


def test_refuse_to_join_who_has_no_call() -> None:
    world = World()
    one, other = call(world), world.open()
    bridge(one, other)
    assert code_of(one) == 409
    other.invite(codec="pcm")
    bridge(one, other)
    assert one.named("error")[1:] == []


def test_refuse_to_join_oneself() -> None:
    world = World()
    one = call(world)
    bridge(one, one)
    assert one.names[-1] == "error"
    seat = world.roster.find(one.handle.session_id)
    assert seat is not None
    world.roster._house.bridges.join(seat, seat.session_id)
    assert code_of(one) == 409


def test_refuse_a_second_partner() -> None:
    world = World()
    one, other, third = (call(world) for _ in range(3))
    bridge(one, other)
    bridge(one, third)
    assert code_of(one) == 409
    bridge(third, other)
    assert code_of(third) == 409
    unbridge(one, third)
    assert code_of(one) == 404
    one.handle.receive_audio(pcm(11))
    world.tick(2)
    assert other.peer.audio == [pcm(11)]
    assert third.peer.audio == []


def test_never_let_delay_grow() -> None:
    lane = Lane(16_000, 16_000)
    for level in range(50):
        lane.put(samples(level))
    left = [lane.take() for _ in range(MOST_FRAMES + 1)]
    assert left == [pcm(48), pcm(49), None]


def samples(level: int) -> Samples:
    return np.full(320, level, np.int16)


def test_end_the_session_that_cannot_be_bridged_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    pairs = [(call(world), call(world)) for _ in range(2)]
    for one, other in pairs:
        bridge(one, other)
    seat = world.roster.find(pairs[0][0].handle.session_id)
    assert seat is not None and seat.side is not None
    monkeypatch.setattr(seat.side.says, "put", None)
    for one, _ in pairs:
        one.handle.receive_audio(pcm(11))
    world.tick(2)
    assert pairs[0][0].names[-1] == "hangup"
    assert pairs[1][1].peer.audio == [pcm(11)]
    seat = world.roster.find(pairs[1][1].handle.session_id)
    assert seat is not None and seat.side is not None
    monkeypatch.setattr(seat.side.hears, "take", None)
    world.tick()
    assert pairs[1][1].names[-1] == "hangup"
    assert len(world.roster) == 2


class Parties(RuleBasedStateMachine):
    """Each says its own levels; nobody may hear whom it is not bridged with."""

    def __init__(self) -> None:
        super().__init__()
        self.legs = FakeLegs(Codec.PCMU, WIRES[Codec.PCMU])
        self.world = World(legs=self.legs.makers)
        self.wide = [call(self.world) for _ in range(3)]
        self.phones = [browser(self.world) for _ in range(2)]
        self.partner: dict[int, int] = {}
        self.callers = [*self.wide, *self.phones]
        self.heard = [0] * len(self.callers)

    @rule(one=st.integers(0, 4), other=st.integers(0, 4))
    def join(self, one: int, other: int) -> None:
        bridge(self.callers[one], self.callers[other])
        if one != other and not self.partner.keys() & {one, other}:
            self.partner |= {one: other, other: one}

    @rule(one=st.integers(0, 4), other=st.integers(0, 4))
    def part(self, one: int, other: int) -> None:
        unbridge(self.callers[one], self.callers[other])
        if self.partner.get(one) == other:
            del self.partner[one], self.partner[other]

    @rule(slots=st.integers(1, 4))
    def speak(self, slots: int) -> None:
        for _ in range(slots):
            for number, caller in enumerate(self.wide):
                caller.handle.receive_audio(pcm(1_000 + 4_000 * number))
            for number, caller in enumerate(self.phones, 3):
                tone = np.full((1, 160), 1_000 + 4_000 * number, np.int16)
                octets = WIRES[Codec.PCMU].encode(tone).tobytes()
                leg_of(self.legs, caller).speak(octets)
            self.world.tick()

    @invariant()
    def hear_nobody_else(self) -> None:
        for number, caller in enumerate(self.callers):
            for frame in self.new_frames(number, caller):
                partner = self.partner.get(number)
                assert partner is not None, "somebody is heard after the parting"
                # The filter rings at the step where somebody begins.
                settled, level = int(frame[-1]), 1_000 + 4_000 * partner
                assert abs(settled - level) <= 0.05 * level, "somebody else is heard"

    def new_frames(self, number: int, caller: Application) -> list[Samples]:
        if number < 3:
            decoded = [np.frombuffer(one, np.int16) for one in caller.peer.audio]
        else:
            wire = WIRES[Codec.PCMU]
            decoded = [
                wire.decode(np.frombuffer(one, np.uint8))
                for one in leg_of(self.legs, caller).audio
            ]
        fresh = decoded[self.heard[number] :]
        self.heard[number] = len(decoded)
        return fresh


TestParties = Parties.TestCase
TestParties.settings = settings(max_examples=30, stateful_step_count=20)
