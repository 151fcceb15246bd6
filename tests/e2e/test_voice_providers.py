"""A whole call whose ears and mouth are a provider's, through the real worker."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from tests.e2e.voice.caller import Caller, call
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.speech.providers.contract import FRAME, HEARD, SPEECH, TEXT
from tests.worker.speech.providers.fakes.deepgram import FakeDeepgram
from tests.worker.speech.providers.fakes.server import SECRET, Fault

pytestmark = pytest.mark.laptop

SPEECH_FRAMES = len(SPEECH) // 640


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    with media_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running
    assert running.lines("error") == running.lines("critical") == []
    assert SECRET not in running.log.read_text()


def option(fake: FakeDeepgram, **others: object) -> dict[str, object]:
    return {
        "provider": "deepgram",
        "secretKey": SECRET,
        "endpoint": fake.http,
        **others,
    }


async def speak(caller: Caller, frames: int) -> None:
    for _ in range(frames):
        await caller.socket.send_bytes(FRAME)
        await asyncio.sleep(0.02)


def test_be_heard_and_answered_by_a_provider(worker: MediaWorker) -> None:
    async def talk() -> None:
        async with FakeDeepgram() as fake:
            said = {"asr": option(fake), "tts": option(fake), "codec": "pcm"}
            async with call(worker.url(codec="pcm"), said) as caller:
                await speak(caller, 75)
                await caller.until(lambda record: record.events("asrFinal"))
                await caller.command("tts", text=TEXT, playId="a")
                await caller.until(lambda record: record.events("trackEnd"))
                record = caller.record
                await caller.command("hangup")
                await caller.until_closed()
            assert fake.wrongs == [] and fake.texts == [TEXT]
            assert FRAME * 50 in bytes(fake.audio)
            (final,) = record.events("asrFinal")
            assert final["text"] == HEARD and final["index"] == 1
            assert 900 <= final["endTime"] - final["startTime"] <= 1_100
            deltas = [event["text"] for event in record.events("asrDelta")]
            assert deltas[0] == "hel" and deltas[-1] == HEARD
            keys = [event["key"] for event in record.events("metrics")]
            assert "ttfb.asr.deepgram" in keys and "completed.asr.deepgram" in keys
            assert "completed.tts.deepgram" in keys
            assert record.events("error") == []
            played = b"".join(record.frames("a"))
            assert played.startswith(SPEECH) and not any(played[len(SPEECH) :])

    asyncio.run(talk())


def test_go_on_when_the_provider_fails(worker: MediaWorker) -> None:
    async def talk() -> None:
        async with FakeDeepgram(Fault.REFUSE) as fake, FakeDeepgram() as other:
            said = {"asr": option(fake), "tts": option(fake), "codec": "pcm"}
            async with call(worker.url(codec="pcm"), said) as caller:
                await caller.until(lambda record: record.events("error"))
                await caller.command("tts", text="One", playId="a")
                await caller.until(lambda record: len(record.events("error")) == 2)
                good = option(other)
                await caller.command("tts", text="Two", playId="b", option=good)
                await caller.until(
                    lambda record: (
                        "b"
                        in [event.get("playId") for event in record.events("trackEnd")]
                    )
                )
                asr, tts = caller.record.events("error")
                await caller.command("hangup")
                await caller.until_closed()
            assert (asr["sender"], asr["code"]) == ("asr", 401)
            assert asr["error"] == "deepgram: the provider answered 401"
            assert (tts["sender"], tts["code"]) == ("tts", 401)
            assert tts["error"] == asr["error"]
            assert np.frombuffer(b"".join(caller.record.frames("b")), "<i2").any()

    asyncio.run(talk())


def test_go_on_without_credentials(worker: MediaWorker) -> None:
    async def talk() -> None:
        said = {"asr": {"provider": "deepgram"}, "tts": {"provider": "deepgram"}}
        async with call(worker.url(), said) as caller:
            await caller.until(lambda record: record.events("error"))
            await caller.command("tts", text="One")
            await caller.until(lambda record: len(record.events("error")) == 2)
            for event, sender in zip(
                caller.record.events("error"), ("asr", "tts"), strict=True
            ):
                assert (event["sender"], event["code"]) == (sender, 401)
                assert event["error"].endswith("has no credentials")

    asyncio.run(talk())
