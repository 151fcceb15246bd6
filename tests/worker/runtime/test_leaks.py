"""Sessions come and go by the thousand, and leave nothing."""

import gc
import random
from collections import Counter
from typing import Any

import pytest

from chalicelib.protocol.session.vocabulary import CallType, Codec
from mediaworker.runtime import life
from mediaworker.runtime.carriers import Carriers
from mediaworker.runtime.wires import WIRES
from mediaworker.session.legs import KeyPressed, LegEnded
from tests.worker.runtime.fake_leg import FakeLeg, FakeLegs
from tests.worker.runtime.sounds import LIBRARY
from tests.worker.runtime.world import LOUD, Application, World, pcm

OFFER = "v=0\r\n"
ROUNDS = 40
EACH = 50


class Idle:
    """A watcher."""

    def tell_event(self, text: str) -> None:
        """Nobody reads it."""

    def tell_command(self, text: bytes) -> None:
        """Nor that."""

    def end(self) -> None:
        """Nor that."""


def live(*, world: World, legs: FakeLegs, chance: random.Random) -> None:
    """So many sessions at once, of both kinds, some bridged; all end in some way."""
    callers = [opened(world, legs, chance) for _ in range(EACH)]
    for one, other in zip(callers[::2], callers[1::2], strict=True):
        if chance.random() < 0.5:
            one.command("bridge", targetSessionId=other.handle.session_id)
    for _ in range(3):
        for caller in callers:
            leg = legs.made.get(caller.handle.session_id)
            if leg is None:
                caller.handle.receive_audio(pcm(LOUD))
            else:
                leg.speak(leg.wire.silence)
        world.tick()
    for caller in callers:
        end(world, caller, legs.made.get(caller.handle.session_id), chance)
    assert all(leg.drops == 1 for leg in legs.made.values())
    legs.made.clear()
    world.facts.facts.clear()
    world.speech.requests.clear()


def opened(world: World, legs: FakeLegs, chance: random.Random) -> Application:
    legs.codec = chance.choice([Codec.OPUS, Codec.PCMU, Codec.PCMA])
    legs.wire = WIRES[Codec.PCM if legs.codec is Codec.OPUS else legs.codec]
    is_browser = chance.random() < 0.7
    codec = chance.choice(["pcm", "g722", "opus"])
    option: dict[str, Any] = {"offer": OFFER} if is_browser else {"codec": codec}
    option["denoise"] = chance.random() < 0.5
    option["subscribe"] = is_browser and chance.random() < 0.3
    if chance.random() < 0.5:
        option["agc"] = {}
    caller = world.open(call_type=CallType.WEBRTC if is_browser else CallType.WEBSOCKET)
    if is_browser:
        legs.last.has_keys = chance.random() < 0.5
    world.roster.watch(caller.handle.session_id, Idle())
    caller.invite(**option, vad={}, asr={}, tts={})
    caller.command("tts", text="Hello")
    return caller


def end(
    world: World, caller: Application, leg: FakeLeg | None, chance: random.Random
) -> None:
    match chance.randrange(4):
        case 0:
            caller.command("hangup")
        case 1 if leg is not None:
            leg.tell(KeyPressed("1"))
            leg.tell(LegEnded("byCaller", "caller"))
        case 2 if leg is not None:
            leg.errors["send_silence"] = leg.errors["send_audio"] = OSError()
            world.tick()
        case _:
            caller.handle.lose(True)


def kinds() -> Counter[str]:
    gc.collect()
    return Counter(
        type(one).__qualname__
        for one in gc.get_objects()
        if str(type(one).__module__).startswith(("mediaworker", "tests.worker"))
    )


def test_leave_nothing_of_thousands_of_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A record of the log keeps the frames of what failed.
    monkeypatch.setattr(life.logger, "disabled", True)
    legs, chance = FakeLegs(), random.Random(1)
    world = World(capacity=EACH, legs=legs.makers, carriers=Carriers(LIBRARY))
    live(world=world, legs=legs, chance=chance)
    before = kinds()
    for _ in range(ROUNDS):
        live(world=world, legs=legs, chance=chance)
    assert world.roster.opened == (ROUNDS + 1) * EACH
    assert len(world.roster) == 0
    left = kinds() - before
    assert not left, "objects that nobody needs"


def test_give_back_every_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(life.logger, "disabled", True)
    legs, chance = FakeLegs(), random.Random(2)
    world = World(capacity=EACH, legs=legs.makers, carriers=Carriers(LIBRARY))
    for _ in range(3):
        live(world=world, legs=legs, chance=chance)
    ears = world.engine._ears
    assert ears._places == {}
    assert all(rows == {} for rows in ears._rows.values())
    assert all(rows == {} for rows in ears._key_rows.values())
    enhancers = ears._enhancers
    benches = [*enhancers._denoisers.values()]
    benches += [bench for _, bench in enhancers._gains.values()]
    assert len(benches) == 4 and not any(map(len, benches))
    assert all(bench._numbers._next <= EACH for bench in benches)
    for bench in benches:
        parts = vars(bench._processor).get("_memory")
        kept = parts.parts if parts else (vars(bench._processor)["_state"],)
        assert not any(part.any() for part in kept), "a freed row is zero"
    assert not world.engine._subscribers.is_busy
    takes = [one.take_row for one in ears._detectors.values()]
    takes += [one.take_row for one in ears._key_detectors.values()]
    for take in takes:
        assert max(take() for _ in range(EACH)) < EACH
    assert world.engine._wires == {}
    assert len(world.backlog) == 0
    for of_desk in (world.desk._jobs, world.desk._streams, world.desk._listeners):
        assert of_desk == {}
