"""A worker's recordings, listened to: who says what, how loud, and when."""

import asyncio
import base64
import json
import os
import signal
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from mediaworker.audio.opus import OpusLibrary
from mediaworker.opus_path import opus_paths
from tests.e2e.voice.caller import Caller, call
from tests.e2e.voice.hearing import Samples
from tests.e2e.voice.likeness import likeness, sweep
from tests.e2e.voice.worker import MediaWorker, media_worker
from tests.worker.recording.ogg_reading import decoded

pytestmark = pytest.mark.laptop

RATE = 16_000
SAID = sweep(2.0, RATE)
MOST_ECHO_MS = 100
"""An echo takes a slot; the machine may be shared."""


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MediaWorker]:
    folder = tmp_path_factory.mktemp("worker")
    records = str(folder / "records")
    with media_worker(folder, PARLEY_CDR=records, PARLEY_SIP_PORT="0") as running:
        yield running


def recordings(worker: MediaWorker) -> Path:
    return worker.log.parent / "recordings"


async def echo(caller: Caller) -> None:
    """Have a tone played that rises, and say back what is heard, at once."""
    text = base64.b64encode(SAID.tobytes()).decode()
    await caller.command("tts", text=text, base64=True, playId="tone")
    said = 0
    while not caller.record.events("trackEnd"):
        frames = [one for one in caller.record.entries if isinstance(one, bytes)]
        for frame in frames[said:]:
            await caller.socket.send_bytes(frame)
        said = len(frames)
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.2)
    await caller.command("hangup")
    await caller.until_closed()


async def recorded(worker: MediaWorker, name: str) -> str:
    """The session's id."""
    option = {
        "codec": "pcm",
        "recorder": {"recorderFile": name, "samplerate": RATE},
        "tts": {},
    }
    async with call(worker.url(ping="0"), option) as caller:
        await echo(caller)
        assert caller.record.events("error") == []
        return caller.session_id


async def kept(path: Path) -> bytes:
    """As soon as it does not grow any more."""
    size = -1

    def is_kept() -> bool:
        nonlocal size
        before, size = size, size_of(path)
        return before == size > 0

    await until(is_kept, 0.3)
    return await asyncio.to_thread(path.read_bytes)


async def until(is_so: Callable[[], bool], pause: float = 0.02) -> None:
    async with asyncio.timeout(20):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(pause)


def size_of(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def check(both: Samples, rate: int, least: float) -> None:
    """Left says what right has said, a little later, and as loud."""
    tone = SAID if rate == RATE else sweep(2.0, rate)
    (match, at), (echoed, back) = (likeness(tone, both[:, side]) for side in (1, 0))
    assert match > least and echoed > least
    assert 0 <= (back - at) * 1_000 / rate <= MOST_ECHO_MS
    for side, begin in ((1, at), (0, back)):
        said = both[begin : begin + len(tone), side].astype(float)
        level = np.sqrt((said**2).mean() / (tone.astype(float) ** 2).mean())
        assert 0.8 < level < 1.25
    assert not both[: max(0, at - rate // 50), 1].any()


def test_both_sides_are_heard_in_the_file(worker: MediaWorker) -> None:
    async def talk() -> tuple[str, str, bytes]:
        first, second = await asyncio.gather(
            recorded(worker, "calls/{id}.wav"), recorded(worker, "calls/{id}.opus")
        )
        folder = recordings(worker) / "calls"
        octets = await kept(folder / f"{second}.opus")
        await kept(folder / f"{first}.wav")
        return first, second, octets

    first, second, octets = asyncio.run(talk())
    with wave.open(str(recordings(worker) / "calls" / f"{first}.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (RATE, 2)
        sound = file.readframes(file.getnframes())
    check(np.frombuffer(sound, np.int16).reshape(-1, 2), RATE, 0.97)
    check(decoded(octets, OpusLibrary(*opus_paths())), 48_000, 0.9)

    (path,) = (worker.log.parent / "records").glob(f"*/*_{first}.json")
    record = json.loads(path.read_text())
    assert record["recorder"] == [
        {
            "trackId": first,
            "path": f"calls/{first}.wav",
            "size": (recordings(worker) / "calls" / f"{first}.wav").stat().st_size,
        }
    ]
    dump = (recordings(worker) / f"{second}.events.jsonl").read_text()
    told = [json.loads(json.loads(line)["content"]) for line in dump.splitlines()]
    assert told[0]["command"] == "invite" and told[-1]["event"] == "hangup"


def test_call_goes_on_when_the_recording_process_is_killed(
    worker: MediaWorker,
) -> None:
    async def talk() -> list[str]:
        option = {"codec": "pcm", "recorder": {"recorderFile": "cut.wav"}}
        async with call(worker.url(ping="0"), option) as caller:
            await caller.socket.send_bytes(SAID.tobytes())
            path = recordings(worker) / "cut.wav"
            await until(lambda: size_of(path) > 20_000)
            os.kill(_child_of(worker.process.pid), signal.SIGKILL)
            await caller.until(lambda record: record.events("error"))
            await caller.command("history", speaker="a", text="still here")
            await caller.until(lambda record: record.events("addHistory"))
            return [event["sender"] for event in caller.record.events("error")]

    assert asyncio.run(talk()) == ["recorder"]
    with wave.open(str(recordings(worker) / "cut.wav")) as file:
        assert file.getnframes() > 4_000


def _child_of(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for child in children:
        if b"mediaworker.recording" in Path(f"/proc/{child}/cmdline").read_bytes():
            return int(child)
    raise AssertionError("there is no recording process")
