"""What is done to the audio of callers, before anybody hears it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.protocol.session.options import AgcOption
from chalicelib.protocol.session.vocabulary import CallType
from mediaworker.audio.denoising import Denoiser
from mediaworker.audio.gain import GainRule
from mediaworker.recording.ring import Side
from mediaworker.runtime.enhancers import Bench, Enhancers, rule_of
from mediaworker.runtime.wires import Samples
from mediaworker.session.effects import Treatment
from mediaworker.speech.requests import Heard
from tests.worker.runtime.fake_leg import FakeLegs
from tests.worker.runtime.sounds import tone
from tests.worker.runtime.world import POISON, Application, World, pcm

FILE = {"recorderFile": "{id}.wav"}
OFFER = "v=0\r\n"
HISS = np.random.default_rng(7).standard_normal(16_000 * 4) * 300
LAST = 100
"""Frames, after which all is learnt."""


def hiss(frame: int) -> bytes:
    return HISS[frame * 320 : frame * 320 + 320].astype(np.int16).tobytes()


def power(samples: bytes) -> float:
    return float((np.frombuffer(samples, np.int16).astype(float) ** 2).mean())


def heard(world: World) -> bytes:
    """What the speech process was sent of the only session that it hears."""
    return b"".join(message.samples for message in world.speech.asked(Heard))


def hissing(world: World, *callers: Application, frames: int = 200) -> None:
    for frame in range(frames):
        for caller in callers:
            caller.handle.receive_audio(hiss(frame))
        world.tick()


@pytest.mark.covers("CallOption.denoise")
def test_denoise_what_the_recognizer_hears() -> None:
    world = World()
    hissing(world, world.open().invite(codec="pcm", asr={}, denoise=True))
    late, plain = heard(world)[LAST * 640 :], b"".join(map(hiss, range(LAST, 200)))
    assert power(late) < power(plain) / 10
    assert len(late) == len(plain)


def test_denoise_what_is_recorded_bridged_and_judged() -> None:
    world = World()
    caller = world.open().invite(
        codec="pcm", recorder=FILE, vad={}, asr={}, denoise=True
    )
    other = world.open().invite(codec="pcm")
    caller.command("bridge", targetSessionId=other.handle.session_id)
    hissing(world, caller)
    clean = heard(world)
    slots = world.recording.frames[1, Side.CALLER]
    recorded = np.concatenate([frames[0] for frames in slots.values()])
    assert recorded.tobytes() == clean
    bridged = b"".join(other.peer.audio)
    assert clean.startswith(bridged) or bridged in clean


def test_hear_keys_in_the_audio_as_it_came() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.WEBRTC)
    legs.last.has_keys = False
    caller.invite(offer=OFFER, denoise=True, agc={}, recorder=FILE)
    legs.last.speak(pcm(20_001), pcm(20_002))
    world.tick(3)
    assert [event["digit"] for event in caller.named("dtmf")] == ["1", "2"]
    levels = world.recording.levels(1, Side.CALLER)
    assert 20_001 not in sum(levels.values(), [])


def test_even_out_what_is_heard_and_judge_it_as_it_came() -> None:
    judged: list[int] = []

    class Judge:
        def take_row(self) -> int:
            return 0

        def free_row(self, row: int) -> None:
            """It has one."""

        def hear(self, samples: Any, rows: Sequence[int], failed: Any) -> list[Any]:
            judged.extend(int(np.abs(frame).max()) for frame in samples)
            return []

    world = World(detector_of=lambda rate, kind: Judge())
    option = {"initialGainDb": 20, "maxOutputNoiseLevelDbfs": 0}
    caller = world.open().invite(codec="pcm", asr={}, vad={}, agc=option)
    for frame in tone(16_000, 5).reshape(-1, 320):
        caller.handle.receive_audio((frame // 100).tobytes())
        world.tick()
    loudest = np.abs(np.frombuffer(heard(world), np.int16)).max()
    assert loudest == pytest.approx(800, rel=0.05)
    assert max(judged) == 80


def test_leave_who_did_not_ask_as_they_are() -> None:
    world = World()
    plain = world.open().invite(codec="pcm", recorder=FILE)
    clean = world.open().invite(codec="pcm", recorder=FILE, denoise=True, agc={})
    hissing(world, plain, clean, frames=20)
    slots = world.recording.frames[1, Side.CALLER]
    assert np.concatenate([f[0] for f in slots.values()]).tobytes() == b"".join(
        map(hiss, range(20))
    )
    other = world.recording.frames[2, Side.CALLER]
    assert len(other) == 20 and other.keys() == slots.keys()
    assert any((other[slot][0] != slots[slot][0]).any() for slot in slots)


def test_begin_with_silence_for_the_next_call() -> None:
    """Nothing of a former caller is left in the row that the next one gets."""
    world = World()
    first = world.open().invite(codec="pcm", asr={}, denoise=True, agc={})
    hissing(world, first, frames=30)
    first.command("hangup")
    world.speech.requests.clear()
    second = world.open().invite(codec="pcm", asr={}, denoise=True, agc={})
    for _ in range(10):
        second.handle.receive_audio(pcm(0))
        world.tick()
    assert len(heard(world)) == 6_400
    assert not np.frombuffer(heard(world), np.int16).any()


def test_join_twice_and_leave_twice() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", denoise=True, agc={})
    seat: Any = world.roster.find(caller.handle.session_id)
    enhancers = Enhancers()
    treatment = Treatment(True, AgcOption())
    enhancers.leave(seat, 16_000)
    for _ in range(2):
        enhancers.join(seat, 16_000, treatment)
    assert len(enhancers._denoisers[16_000]) == 1
    for _ in range(2):
        enhancers.leave(seat, 16_000)
    frames = np.full((1, 320), 900, np.int16)
    assert enhancers.denoise(16_000, [seat], frames) is frames
    assert enhancers.level(16_000, [seat], frames) is frames
    assert enhancers.denoise(8_000, [seat], frames) is frames


class Fragile:
    """Doubles; a poisoned frame fails the whole step."""

    def __init__(self) -> None:
        self.cleared: list[int] = []

    def reserve(self, capacity: int) -> None:
        """It keeps nothing."""

    def clear(self, row: int) -> None:
        self.cleared.append(row)

    def process(self, frames: Samples, rows: Any) -> Samples:
        if (frames == POISON).any():
            raise FloatingPointError("poisoned")
        return frames * 2


class Sitter:
    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def fail(self, error: Exception) -> None:
        self.errors.append(error)


@settings(max_examples=60)
@given(st.data())
def test_end_who_fails_and_nobody_else(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 12))
    seats: list[Any] = [Sitter() for _ in range(count)]
    ours = data.draw(st.sets(st.integers(0, count - 1)))
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    bench = Bench(Fragile())
    for place in ours:
        bench.join(seats[place])
    samples = np.arange(1, count + 1, dtype=np.int16)[:, None] * np.ones(4, np.int16)
    samples[list(bad)] = POISON
    samples.flags.writeable = False
    made = bench.process(seats, samples)
    for place, seat in enumerate(seats):
        is_ended = place in ours and place in bad
        assert len(seat.errors) == is_ended
        times = 2 if place in ours and not is_ended else 1
        assert (made[place] == samples[place] * times).all()


def test_end_the_session_that_cannot_be_cleaned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process = Denoiser.process

    def fragile(self: Denoiser, frames: Samples, rows: Any) -> Samples:
        if (frames[:, 0] == POISON).any():
            raise FloatingPointError("poisoned")
        return process(self, frames, rows)

    monkeypatch.setattr(Denoiser, "process", fragile)
    world = World()
    callers = [world.open().invite(codec="pcm", asr={}, denoise=True) for _ in "abc"]
    for caller, level in zip(callers, (1, POISON, 3), strict=True):
        caller.handle.receive_audio(pcm(level))
    world.tick()
    assert [caller.names[-1] for caller in callers] == ["answer", "hangup", "answer"]
    (sent,) = world.speech.asked(Heard)
    assert len(sent.streams) == 2, "the others are heard"


def test_rule_is_the_options_where_it_says_anything() -> None:
    assert rule_of(AgcOption()) == GainRule()
    option = AgcOption(3.0, 20.0, 6.0, 12.0, -40.0, 9, enable_limiter=False)
    assert rule_of(option) == GainRule(3.0, 20.0, 6.0, 12.0, -40.0, 5, False)
    assert rule_of(AgcOption(adjacent_speech_frames_threshold=0)).speech_frames == 0


def test_gain_control_is_set_as_the_option_says() -> None:
    world = World()
    caller = world.open().invite(codec="pcm", asr={}, agc={"initialGainDb": 6})
    caller.handle.receive_audio(pcm(100))
    world.tick()
    frame = np.frombuffer(heard(world), np.int16)
    assert 180 <= frame[-1] <= 210
