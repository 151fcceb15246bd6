"""The ends of a person's turns, through a worker as an operator has it."""

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.recordings import recording
from tests.e2e.voice.caller import Caller, Event, Record, call
from tests.e2e.voice.worker import MediaWorker, media_worker

pytestmark = pytest.mark.laptop

RATE = 16_000
SAID_MS = 2_690
"""A person says: Ever tried. Ever failed."""
SILENT_MS = 4_000
OPTION = {
    "vad": {"silencePadding": 200},
    "asr": {"language": "en"},
    "eou": {"type": "smart-turn"},
}


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    with media_worker(tmp_path_factory.mktemp("worker")) as running:
        yield running
    assert running.lines("error") == running.lines("critical") == []


def test_tell_that_a_person_has_finished(worker: MediaWorker) -> None:
    record = asyncio.run(talk(worker))
    assert record.events("error") == []
    completed = _turns(record)[-1]
    assert completed["completed"] is completed["complete"] is True
    assert completed["trackId"] == record.events("answer")[0]["trackId"]
    ended_at = record.events("silence")[-1]["startTime"]
    assert 200 <= completed["timestamp"] - ended_at < 3_000
    finals = " ".join(each["text"] for each in record.events("asrFinal")).lower()
    assert "tried" in finals
    judged = [each for each in record.events("metrics") if each["key"] == "eou"]
    assert judged and all(0 <= each["data"]["probability"] <= 1 for each in judged)


async def talk(worker: MediaWorker) -> Record:
    said = recording(RATE, "beckett.wav")[: SAID_MS * RATE // 1_000]
    silence = np.zeros(SILENT_MS * RATE // 1_000, np.int16)
    async with call(worker.url(codec="pcm"), OPTION) as caller:
        await say(caller, np.concatenate([said, silence]))
        await caller.until(_has_finished)
        await caller.until(lambda record: record.events("asrFinal"))
        return caller.record


async def say(caller: Caller, samples: NDArray[np.int16]) -> None:
    loop = asyncio.get_running_loop()
    began_at, size = loop.time(), RATE // 50
    for place in range(len(samples) // size):
        await asyncio.sleep(began_at + place * 0.02 - loop.time())
        frame = samples[place * size : (place + 1) * size]
        await caller.socket.send_bytes(frame.tobytes())


def _turns(record: Record) -> list[Event]:
    return record.events("eou")


def _has_finished(record: Record) -> bool:
    return any(each["completed"] for each in _turns(record))
