"""An exception in the step of all sessions ends the one that it is about, alone."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.voice.caller import Caller, Record, call
from tests.e2e.voice.files import noise, served, wav
from tests.e2e.voice.poisoned import POISON
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.models import speech

pytestmark = [pytest.mark.laptop, pytest.mark.alone]

SESSIONS = 6
VICTIM = 2
FRAME_SECONDS = 0.02
FRAME_SAMPLES = 320
SECONDS_PLAYED = 60
VAD = {"codec": "pcm", "vad": {"speechPadding": 100, "silencePadding": 100}}


def spoken() -> list[bytes]:
    """A person, a frame at a time, and a second of silence."""
    samples = np.concatenate([speech(16_000)[: 2 * 16_000], np.zeros(16_000, np.int16)])
    return [
        samples[at:][:FRAME_SAMPLES].tobytes()
        for at in range(0, len(samples), FRAME_SAMPLES)
    ]


async def say(caller: Caller, frames: Sequence[bytes]) -> None:
    for frame in frames:
        await caller.socket.send_bytes(frame)
        await asyncio.sleep(FRAME_SECONDS)


async def speak_and_be_heard(callers: Sequence[Caller]) -> None:
    """Each is heard to speak once more than before."""

    before = [len(caller.record.events("speaking")) for caller in callers]
    frames = spoken()
    async with asyncio.TaskGroup() as tasks:
        for caller in callers:
            tasks.create_task(say(caller, frames))
    for caller, times in zip(callers, before, strict=True):
        await caller.until(partial(has_spoken_more, times))


def has_spoken_more(times: int, record: Record) -> bool:
    return len(record.events("speaking")) > times


def test_who_chokes_the_step_of_all_ends_alone(tmp_path: Path) -> None:
    sound = noise(SECONDS_PLAYED, seed=2)

    async def talk(worker: MediaWorker) -> None:
        async with AsyncExitStack() as exits:
            url = await exits.enter_async_context(served(wav(sound)))
            opening = (call(worker.url(f"u{n}"), VAD) for n in range(SESSIONS))
            callers = list(
                await asyncio.gather(*map(exits.enter_async_context, opening))
            )
            for caller in callers:
                await caller.command("play", url=url)
                await caller.until(lambda record: record.playbacks())
            await speak_and_be_heard(callers)
            victim = callers.pop(VICTIM)
            poison = np.full(FRAME_SAMPLES, POISON, np.int16).tobytes()
            await victim.socket.send_bytes(6 * poison)
            await victim.until_closed()
            look_at_the_victim(victim)
            await speak_and_be_heard(callers)
            await look_at_others(callers, url, sound)

    with media_worker(tmp_path, module="tests.e2e.voice.poisoned") as worker:
        asyncio.run(talk(worker))
    (failed,) = worker.lines("error")
    assert failed["message"] == "session failed"
    assert "Choked" in failed["exception"]
    assert worker.lines("critical") == []


def look_at_the_victim(victim: Caller) -> None:
    (error,) = victim.record.events("error")
    assert (error["error"], error["code"]) == ("the session failed", 500)
    last = victim.record.events()[-1]
    assert (last["event"], last["reason"], last["initiator"]) == (
        "hangup",
        "failed",
        "system",
    )
    assert victim.socket.close_code == 1_000


async def look_at_others(callers: Sequence[Caller], url: str, sound: bytes) -> None:
    for caller in callers:
        await caller.command("interrupt")
        await caller.until(lambda record: record.events("trackEnd"))
        played = b"".join(caller.record.frames(url))
        assert 0 < len(played) < len(sound)
        assert played == sound[: len(played)]
        assert caller.record.events("error") == []
