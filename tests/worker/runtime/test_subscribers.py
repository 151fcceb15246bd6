"""Applications that listen in on calls which go over a leg."""

from typing import Any

import numpy as np
import pytest

from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.runtime.wires import WIRES
from mediaworker.speech.requests import Synthesize
from tests.worker.runtime.fake_leg import FakeLegs
from tests.worker.runtime.sounds import share, tone
from tests.worker.runtime.world import Application, World, pcm

OFFER = "v=0\r\n"


def listening(
    codec: Codec = Codec.OPUS, **option: Any
) -> tuple[World, Application, FakeLegs]:
    wire = WIRES[codec if codec in WIRES else Codec.PCM]
    legs = FakeLegs(codec, wire)
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.WEBRTC)
    caller.invite(offer=OFFER, subscribe=True, tts={}, **option)
    return world, caller, legs


def say(world: World, caller: Application, samples: bytes) -> None:
    caller.command("tts", text="Hello")
    world.speech.speak(world.speech.asked(Synthesize)[-1].job, samples)


def tracks(caller: Application) -> dict[int, bytes]:
    """The samples of each, by its first octet."""
    found: dict[int, bytes] = {}
    for payload in caller.peer.audio:
        found[payload[0]] = found.get(payload[0], b"") + payload[1:]
    return found


def test_send_both_sides() -> None:
    world, caller, legs = listening()
    say(world, caller, pcm(7, 2))
    legs.last.speak(pcm(5), pcm(6))
    world.tick(3)
    assert tracks(caller) == {0: pcm(7, 2), 1: pcm(5) + pcm(6)}
    assert {len(payload) for payload in caller.peer.audio} == {641}
    assert caller.named("error") == []


@pytest.mark.parametrize("codec", [Codec.PCMU, Codec.PCMA])
def test_send_16_khz_of_a_telephone_call(codec: Codec) -> None:
    world, caller, legs = listening(codec)
    sound = tone(8_000, 50)
    say(world, caller, sound.tobytes())
    octets = WIRES[codec].encode(sound.reshape(50, 160))
    legs.last.speak(*[row.tobytes() for row in octets])
    world.tick(51)
    for samples in tracks(caller).values():
        wide = np.frombuffer(samples, np.int16)
        assert len(wide) == 16_000
        assert share(wide[1_600:], 16_000) > 0.98


def test_send_what_is_heard_after_it_was_denoised_and_muted() -> None:
    world, caller, legs = listening(denoise=True)
    noisy = np.random.default_rng(1).integers(-300, 300, 320 * 200).astype(np.int16)
    legs.last.speak(*[frame.tobytes() for frame in noisy.reshape(-1, 320)])
    world.tick(200)
    heard = np.frombuffer(tracks(caller)[1], np.int16)
    assert heard[-8_000:].astype(float).std() < noisy.std() / 3
    caller.command("mute", trackId=caller.handle.session_id)
    legs.last.speak(*[pcm(9_000)] * 5)
    world.tick(5)
    assert not np.frombuffer(caller.peer.audio[-1][1:], np.int16).any()


def test_drop_and_count_what_the_socket_does_not_take() -> None:
    world, caller, legs = listening()
    caller.peer.is_slow = True
    legs.last.speak(pcm(5), pcm(6))
    world.tick(2)
    assert caller.peer.audio == []
    assert world.engine.counts.frames_dropped == 2
    caller.peer.is_slow = False
    legs.last.speak(pcm(7))
    world.tick()
    assert tracks(caller) == {1: pcm(7)}


def test_send_nothing_to_who_did_not_ask() -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    caller = world.open(call_type=CallType.WEBRTC).invite(offer=OFFER, vad={})
    legs.last.speak(pcm(5))
    world.tick()
    assert caller.peer.audio == []


def test_end_who_fails_at_it_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    legs = FakeLegs()
    world = World(legs=legs.makers)
    callers = [
        world.open(call_type=CallType.WEBRTC).invite(offer=OFFER, subscribe=True)
        for _ in range(2)
    ]

    def fail(payload: bytes) -> bool:
        raise OSError("gone")

    monkeypatch.setattr(callers[0].peer, "send_audio", fail)
    for caller in callers:
        legs.made[caller.handle.session_id].speak(pcm(5))
    world.tick()
    assert callers[0].names[-1] == "hangup"
    assert tracks(callers[1]) == {1: pcm(5)}
    callers[1].command("hangup")
    assert len(world.roster) == 0
    assert not world.engine._subscribers.is_busy
