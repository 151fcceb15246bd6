"""Every codec of a WebSocket call, through a worker as an operator has it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from chalicelib.protocol.session.vocabulary import Codec
from tests.e2e.voice.caller import Caller, Record, call
from tests.e2e.voice.files import served, wav
from tests.e2e.voice.likeness import likenesses, sweep
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.runtime.sounds import FarSide, Sound

pytestmark = pytest.mark.laptop

SECONDS = 2.0
PCM_RATE = 16_000
LEAST_LIKE = 0.9
"""Of half a second. Over a bridge one of them has to be: a machine that is shared
delays frames, and what comes too late is dropped."""
EACH = pytest.mark.parametrize("codec", list(Codec))


@dataclass(frozen=True)
class Heard:
    """What came of one codec, at the pcm session's end and at its own."""

    by_other: Sound
    by_caller: Sound
    played: Sound
    errors: list[str]


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    with media_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running
    assert running.lines("error") == running.lines("critical") == []


@pytest.fixture(scope="module")
def heard(worker: MediaWorker) -> dict[Codec, Heard]:
    """All at the same time."""

    async def all_of_them() -> list[Heard]:
        sound = sweep(SECONDS, PCM_RATE)
        async with served(wav(sound.tobytes())) as url:
            talks = (talk(worker, codec, url) for codec in Codec)
            return await asyncio.gather(*talks)

    return dict(zip(Codec, asyncio.run(all_of_them()), strict=True))


async def talk(worker: MediaWorker, codec: Codec, url: str) -> Heard:
    """A file is played; then it is bridged, and both sides say the same at once."""
    far = FarSide(codec)
    there = FarSide(codec)
    async with (
        call(worker.url(), {"codec": codec}) as caller,
        call(worker.url(codec="pcm"), {}) as other,
    ):
        await caller.command("play", url=url)
        await caller.until(_has_ended)
        played = there.heard(_audio(caller.record))
        await caller.command("bridge", targetSessionId=other.session_id)
        await caller.until(_is_bridged)
        count = len(_audio(caller.record))
        await asyncio.gather(
            say(caller, far.says(sweep(SECONDS, far.rate))),
            say(other, FarSide(Codec.PCM).says(sweep(SECONDS, PCM_RATE))),
        )
        await asyncio.sleep(0.3)
        return Heard(
            np.frombuffer(b"".join(_audio(other.record)), np.int16),
            there.heard(_audio(caller.record)[count:]),
            played,
            [event["error"] for event in caller.record.events("error")],
        )


async def say(caller: Caller, payloads: list[bytes]) -> None:
    loop = asyncio.get_running_loop()
    began_at = loop.time()
    for place, payload in enumerate(payloads):
        await asyncio.sleep(began_at + place * 0.02 - loop.time())
        await caller.socket.send_bytes(payload)


def _audio(record: Record) -> list[bytes]:
    return [entry for entry in record.entries if isinstance(entry, bytes)]


def _is_bridged(record: Record) -> bool:
    return any("bridged" in event["extra"] for event in record.events("other"))


def _has_ended(record: Record) -> bool:
    return any("playId" in event for event in record.events("trackEnd"))


def _likenesses(sound: Sound, rate: int) -> list[float]:
    """But of the last half second: a codec's delay leaves its end behind."""
    return likenesses(sweep(SECONDS, rate), sound, rate)[0][:-1]


@EACH
def test_bridge_what_it_says(heard: dict[Codec, Heard], codec: Codec) -> None:
    assert max(_likenesses(heard[codec].by_other, PCM_RATE)) >= LEAST_LIKE


@EACH
def test_hear_what_is_bridged(heard: dict[Codec, Heard], codec: Codec) -> None:
    rate = FarSide(codec).rate
    assert max(_likenesses(heard[codec].by_caller, rate)) >= LEAST_LIKE


@EACH
def test_hear_what_is_played(heard: dict[Codec, Heard], codec: Codec) -> None:
    rate = FarSide(codec).rate
    assert len(heard[codec].played) == pytest.approx(SECONDS * rate, rel=0.03)
    assert min(_likenesses(heard[codec].played, rate)) >= LEAST_LIKE


@EACH
def test_find_nothing_wrong(heard: dict[Codec, Heard], codec: Codec) -> None:
    assert heard[codec].errors == []


def test_play_as_text_in_each_codec(worker: MediaWorker) -> None:
    async def listen(codec: Codec, url: str) -> Sound:
        async with call(worker.url(binary="json"), {"codec": codec}) as caller:
            await caller.command("play", url=url)
            await caller.until(_has_ended)
            assert _audio(caller.record) == []
            events = caller.record.events("binary")
            return FarSide(codec).heard([bytes(event["data"]) for event in events])

    async def all_of_them() -> list[Sound]:
        async with served(wav(sweep(SECONDS, PCM_RATE).tobytes())) as url:
            return await asyncio.gather(*(listen(codec, url) for codec in Codec))

    for codec, sound in zip(Codec, asyncio.run(all_of_them()), strict=True):
        assert min(_likenesses(sound, FarSide(codec).rate)) >= LEAST_LIKE


def test_treat_a_caller_who_is_transcribed(worker: MediaWorker) -> None:
    """The options are taken, and speech is told, over a codec with a state."""

    async def speak() -> Record:
        option = {
            "codec": "opus",
            "denoise": True,
            "agc": {"headroomDb": 6},
            "vad": {"type": "silero"},
        }
        async with call(worker.url(), option) as caller:
            noise = np.random.default_rng(1).normal(0, 200, PCM_RATE * 2)
            await say(caller, FarSide(Codec.OPUS).says(noise.astype(np.int16)))
            await caller.command("hangup")
            await caller.until_closed()
            return caller.record

    record = asyncio.run(speak())
    assert record.events("error") == []
    assert record.events("speaking") == [], "noise is no speech"
    assert record.events("hangup")
