"""A worker's call whose other side is the example's media server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from examples.media_server.listener import TONE_HZ
from examples.media_server.server import application
from tests.e2e.voice.caller import Caller, call
from tests.e2e.voice.worker import MediaWorker, media_worker

pytestmark = pytest.mark.laptop

RATE = 16_000
LOUD = np.full(RATE // 50, 4_000, np.int16).tobytes()
QUIET = bytes(len(LOUD))
SECRET = "not-to-be-told"


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    folder = tmp_path_factory.mktemp("worker")
    with media_worker(folder, PARLEY_SIP_PORT="0") as running:
        yield running


@asynccontextmanager
async def example(lines: list[str]) -> AsyncIterator[int]:
    runner = web.AppRunner(application(lines.append), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def option(url: str, rate: int = 24_000) -> dict[str, Any]:
    rates = {"inputSampleRate": rate, "outputSampleRate": rate}
    return {"codec": "pcm", "mediaPass": {"url": url, **rates}}


def frames(caller: Caller) -> list[bytes]:
    return [one for one in caller.record.entries if isinstance(one, bytes)]


async def say(caller: Caller, frame: bytes, count: int) -> None:
    for _ in range(count):
        await caller.socket.send_bytes(frame)
        await asyncio.sleep(0.02)


def test_example_answers_who_has_spoken(worker: MediaWorker) -> None:
    lines: list[str] = []

    async def run() -> Caller:
        async with example(lines) as port:
            url = f"ws://127.0.0.1:{port}/beep?key={SECRET}"
            async with call(worker.url(ping="0"), option(url)) as caller:
                await say(caller, LOUD, 30)
                await say(caller, QUIET, 70)
                await caller.command("hangup")
                await caller.until_closed()
                return caller

    caller = asyncio.run(run())
    told = [event["event"] for event in caller.record.events()]
    assert told == [
        "trackStart",
        "trackStart",
        "answer",
        "trackEnd",
        "trackEnd",
        "hangup",
    ]
    assert caller.record.events("trackStart")[0]["trackId"] == "serverSideTrack"
    heard = np.frombuffer(b"".join(frames(caller)), np.int16).astype(float)
    assert 0.39 <= len(heard) / RATE <= 0.45
    loudness = np.abs(np.fft.rfft(heard))
    assert abs(int(loudness.argmax()) * RATE / len(heard) - TONE_HZ) < 5
    assert f'{caller.session_id}: {{"event":"mark","name":"beep"}}' in lines
    assert f'{caller.session_id}: {{"event":"stop"}}' in lines
    assert SECRET not in worker.log.read_text()
    assert SECRET not in str(worker.ask("call/lists"))


def test_server_that_is_not_there_is_an_error_and_the_call_goes_on(
    worker: MediaWorker,
) -> None:
    async def run() -> Caller:
        given = option(f"ws://127.0.0.1:9/media?key={SECRET}")
        async with call(worker.url(ping="0"), given) as caller:
            await say(caller, QUIET, 20)
            await caller.command("hangup")
            await caller.until_closed()
            return caller

    caller = asyncio.run(run())
    told = [event["event"] for event in caller.record.events()]
    assert told[:2] == ["trackStart", "trackStart"]
    assert sorted(told[2:5]) == ["answer", "error", "trackEnd"]
    (error,) = caller.record.events("error")
    assert (error["sender"], error["code"]) == ("media_pass", 502)
    assert told[-2:] == ["trackEnd", "hangup"]
    assert SECRET not in worker.log.read_text()
