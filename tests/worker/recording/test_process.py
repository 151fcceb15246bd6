"""The recording process itself: what is heard of the files that it writes."""

import asyncio
import json
import os
import signal
import wave
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from pathlib import Path
from typing import Any

import numpy as np

from mediaworker.audio.arrays import Samples
from mediaworker.recording.messages import (
    Begin,
    Detail,
    Dump,
    DumpEnd,
    End,
    Failed,
    Reply,
    Stored,
)
from mediaworker.recording.process import RecordingProcessClient
from mediaworker.recording.ring import Side

SECONDS = 20.0
SLOT = 0.02


def on_a_loop(test: Callable[[Path], Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(tmp_path: Path) -> None:
        asyncio.run(test(tmp_path))

    return run


class Listener:
    """Hears all that the process tells."""

    def __init__(self, client: RecordingProcessClient) -> None:
        self.client = client
        self.replies: list[Reply] = []
        self.deaths = 0
        client.listen(self.replies.append, self._die)

    def _die(self) -> None:
        self.deaths += 1

    def of(self, kind: type[Stored] | type[Failed]) -> list[Stored | Failed]:
        return [one for one in self.replies if isinstance(one, kind)]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not is_so():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(folder: Path, **variables: str) -> AsyncIterator[Listener]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PARLEY_RECORDINGS": str(folder),
        "PARLEY_LOG_LEVEL": "WARNING",
        **variables,
    }
    client = RecordingProcessClient(environment, 4)
    listener = Listener(client)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(client.run())
        try:
            await until(lambda: client.ready is not None)
            yield listener
        finally:
            client.stop()


def tone(hertz: float, slot: int, rate: int) -> Samples:
    """20 ms of it, wherever it is."""
    at = (np.arange(rate // 50) + slot * (rate // 50)) / rate
    frame: Samples = (np.sin(2 * np.pi * hertz * at) * 12_000).astype(np.int16)
    return frame


def played(
    client: RecordingProcessClient, recording: int, slots: range, rate: int
) -> None:
    """440 Hz by the caller from the 10th slot to the 30th; 700 Hz back from the
    20th to the 40th."""
    for slot in slots:
        place = slot - slots.start
        if 10 <= place < 30:
            frame = tone(440, slot, rate).reshape(1, -1)
            assert client.put(Side.CALLER, slot, [recording], frame)
        if 20 <= place < 40:
            frame = tone(700, slot, rate).reshape(1, -1)
            assert client.put(Side.OTHERS, slot, [recording], frame)
        client.turn(slot)


def heard(path: Path) -> tuple[Samples, int]:
    with wave.open(str(path)) as file:
        octets = file.readframes(file.getnframes())
        return np.frombuffer(octets, np.int16).reshape(-1, 2), file.getframerate()


def begins_and_ends(side: Samples, rate: int) -> tuple[float, float]:
    """In seconds, of what is loud."""
    loud = np.flatnonzero(np.abs(side.astype(int)) > 3_000)
    return loud[0] / rate, loud[-1] / rate


def check_alignment(samples: Samples, rate: int) -> None:
    for side, (begin, end) in enumerate(((0.2, 0.6), (0.4, 0.8))):
        first, last = begins_and_ends(samples[:, side], rate)
        assert abs(first - begin) < 0.005 and abs(last - end) < 0.005


@on_a_loop
async def test_sides_are_aligned_at_every_rate(tmp_path: Path) -> None:
    async with running(tmp_path) as listener:
        client = listener.client
        cases = [(8_000, 8_000), (8_000, 16_000), (16_000, 16_000), (16_000, 44_100)]
        for number, (session_rate, rate) in enumerate(cases, 1):
            begin = Begin(number, f"s{number}", f"{number}.wav", rate, 200, 100)
            assert client.send(begin)
            played(client, number, range(101, 151), session_rate)
            assert client.send(End(number, 150))
        await until(lambda: len(listener.of(Stored)) == len(cases))
        for number, (_, rate) in enumerate(cases, 1):
            samples, read_rate = heard(tmp_path / f"{number}.wav")
            assert read_rate == rate
            assert abs(len(samples) / rate - 1.02) < 0.001
            check_alignment(samples[rate // 50 :], rate)
            left = samples[:, 0].astype(float)
            at = np.arange(len(left)) / rate
            spoken = slice(int(0.25 * rate), int(0.55 * rate))
            wave_of_it = np.exp(2j * np.pi * 440 * at)
            energy = (left[spoken] ** 2).sum() * (spoken.stop - spoken.start)
            match = abs((left * wave_of_it)[spoken].sum()) * 2**0.5 / energy**0.5
            assert match > 0.98
            assert abs(np.sqrt((left[spoken] ** 2).mean()) / 8_485 - 1) < 0.05


@on_a_loop
async def test_stored_recording_says_what_it_is(tmp_path: Path) -> None:
    async with running(tmp_path) as listener:
        client = listener.client
        client.send(Begin(1, "s1", "calls/a.opus", 16_000, 200, 0))
        played(client, 1, range(1, 51), 16_000)
        client.send(End(1, 50))
        await until(lambda: bool(listener.of(Stored)))
        (stored,) = listener.of(Stored)
        path = tmp_path / "calls" / "a.opus"
        assert stored == Stored(
            1, str(path), "calls/a.opus", path.stat().st_size, 1_020, "opus"
        )


@on_a_loop
async def test_name_that_is_taken_is_changed_and_links_are_refused(
    tmp_path: Path,
) -> None:
    (tmp_path / "out").symlink_to("/tmp")
    async with running(tmp_path) as listener:
        client = listener.client
        for number in (1, 2):
            client.send(Begin(number, f"s{number}", "a.wav", 8_000, 200, 0))
        client.send(Begin(3, "s3", "out/a.wav", 8_000, 200, 0))
        await until(lambda: bool(listener.of(Failed)))
        (failed,) = listener.of(Failed)
        assert failed.recording == 3
        assert isinstance(failed, Failed) and failed.code == 400
        for number in (1, 2):
            client.send(End(number, 1))
        await until(lambda: len(listener.of(Stored)) == 2)
    assert set(os.listdir(tmp_path)) == {"out", "a.wav", "a-2.wav"}


@on_a_loop
async def test_killed_process_leaves_what_can_be_heard_and_is_started_again(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as listener:
        client = listener.client
        client.send(Begin(1, "s1", "a.wav", 8_000, 200, 0))
        played(client, 1, range(1, 31), 8_000)
        client.advance()
        path = tmp_path / "a.wav"
        await until(lambda: path.is_file() and path.stat().st_size > 16_000)
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        await until(lambda: listener.deaths == 1)
        await until(lambda: client.ready is not None)
        assert client.starts == 2
        client.send(Begin(2, "s2", "b.wav", 8_000, 200, 50))
        played(client, 2, range(51, 101), 8_000)
        client.send(End(2, 100))
        await until(lambda: bool(listener.of(Stored)))
    samples, rate = heard(tmp_path / "a.wav")
    assert begins_and_ends(samples[:, 0], rate)[0] < 0.25
    check_alignment(heard(tmp_path / "b.wav")[0][160:], 8_000)


@on_a_loop
async def test_end_of_the_parent_makes_files_whole(tmp_path: Path) -> None:
    details = tmp_path / "details"
    async with running(tmp_path, PARLEY_CDR=str(details)) as listener:
        client = listener.client
        client.send(Begin(1, "s1", "a.wav", 8_000, 5_000, 0))
        played(client, 1, range(1, 51), 8_000)
        client.send(Detail("s1", "20231114/x.json", {"callId": "s1"}))
        client.send(Dump("s1", "s1.events.jsonl", "event", 5, '{"event":"nothing"}'))
    samples, rate = heard(tmp_path / "a.wav")
    check_alignment(samples[160:], rate)
    detail = json.loads((details / "20231114" / "x.json").read_text())
    size = (tmp_path / "a.wav").stat().st_size
    assert detail == {
        "callId": "s1",
        "recorder": [{"trackId": "s1", "path": "a.wav", "size": size}],
    }
    assert not (tmp_path / "s1.events.jsonl").exists()


@on_a_loop
async def test_dump_is_a_line_of_json_each(tmp_path: Path) -> None:
    invite = {"command": "invite", "option": {"tts": {"secretKey": "hush"}}}
    ping = {"event": "ping", "timestamp": 7}
    path = "s1.events.jsonl"
    async with running(tmp_path) as listener:
        client = listener.client
        client.send(Dump("s1", path, "command", 5, json.dumps(invite)))
        client.send(Dump("s1", path, "event", 7, json.dumps(ping)))
        client.send(DumpEnd("s1"))
        client.send(Dump("s1", path, "event", 9, json.dumps(ping)))
    lines = [json.loads(line) for line in (tmp_path / path).read_text().splitlines()]
    assert [(line["type"], line["timestamp"]) for line in lines] == [
        ("command", 5),
        ("event", 7),
        ("event", 9),
    ]
    assert json.loads(lines[0]["content"])["command"] == "invite"
    assert "hush" not in lines[0]["content"]
    assert json.loads(lines[1]["content"]) == ping
