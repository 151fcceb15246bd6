"""What the recording process does about what it is told, and what goes wrong."""

import asyncio
import json
import mmap
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.recording import desk as desks
from mediaworker.recording import dumps
from mediaworker.recording.desk import Desk, Unusable
from mediaworker.recording.dumps import line_of
from mediaworker.recording.formats import Track, Wav
from mediaworker.recording.messages import (
    Advanced,
    Begin,
    Consumed,
    Detail,
    Dump,
    DumpEnd,
    End,
    Failed,
    Reply,
    Stored,
)
from mediaworker.recording.ring import Reader, Side, Writer
from mediaworker.recording.s3 import Denied
from mediaworker.recording.shelves import Draft, Folder, Kept

RATE = 8_000
LINE = {"event": "ping", "timestamp": 7}


class BadShelf(Folder):
    """A folder that keeps nothing."""

    async def keep(self, draft: Draft) -> Kept:
        await super().keep(draft)
        raise Denied("no")


class Room:
    """A desk over a folder, and the other end of its ring."""

    def __init__(self, tasks: asyncio.TaskGroup, folder: Path, **other: Any) -> None:
        memory = mmap.mmap(-1, 1 << 20)
        self.writer = Writer(memory)
        self.told: list[Reply] = []
        self.make: Callable[[int, str, int], Track] = lambda fd, path, rate: Wav(
            fd, rate
        )
        self.folder = folder
        self.desk = Desk(
            tasks,
            self.told.append,
            Reader(memory),
            other.get("shelf", Folder(folder)),
            other.get("details", Folder(folder / "details")),
            lambda *of: self.make(*of),
        )

    def begin(self, number: int = 1, path: str = "a.wav", flush_ms: int = 200) -> None:
        self.desk.receive(Begin(number, f"s{number}", path, RATE, flush_ms, 0))

    def speak(self, slot: int, *numbers: int, rate: int = RATE) -> None:
        frames = np.full((len(numbers), rate // 50), 1_000, np.int16)
        assert self.writer.put(Side.CALLER, slot, numbers, frames)
        self.writer.put(Side.SLOT, slot)
        self.desk.receive(Advanced(self.writer.position))

    def end(self, number: int = 1, slot: int = 10) -> None:
        self.desk.receive(End(number, slot))

    async def settle(self) -> None:
        await self.desk.idle(10.0)

    def of(self, kind: type[Any]) -> list[Any]:
        return [reply for reply in self.told if isinstance(reply, kind)]

    def details(self) -> dict[str, Any]:
        (path,) = (self.folder / "details").rglob("*.json")
        found: dict[str, Any] = json.loads(path.read_text())
        return found


def in_a_room(
    test: Callable[[Room], Coroutine[Any, Any, None]], **other: Any
) -> Callable[[Path], None]:
    def run(tmp_path: Path) -> None:
        async def inside() -> None:
            async with asyncio.TaskGroup() as tasks:
                shelf = other.get("shelf", Folder)(tmp_path)
                room = Room(tasks, tmp_path, shelf=shelf)
                await test(room)
                room.desk.end_all()

        asyncio.run(inside())

    return run


@in_a_room
async def test_recording_is_stored_when_it_ends(room: Room) -> None:
    room.begin()
    for slot in range(11):
        room.speak(slot, 1)
    room.end()
    await room.settle()
    (stored,) = room.of(Stored)
    assert (stored.recording, stored.duration_ms, stored.form) == (1, 220, "wav")
    assert stored.size == 44 + 11 * 640 == (room.folder / "a.wav").stat().st_size
    assert room.of(Consumed)[-1].position == room.writer.position
    room.end()
    room.speak(12, 1)
    await room.settle()
    assert len(room.of(Stored)) == 1


@in_a_room
async def test_track_that_cannot_be_made_is_told_and_its_file_closed(
    room: Room,
) -> None:
    def refuse(descriptor: int, path: str, rate: int) -> Track:
        raise Unusable("ogg is not supported here: use wav")

    room.make = refuse
    room.begin()
    (failed,) = room.of(Failed)
    assert (failed.sentence, failed.code) == ("ogg is not supported here: use wav", 400)


@in_a_room
async def test_disk_that_is_full_ends_one_recording_and_is_named(room: Room) -> None:
    room.begin(1)
    room.begin(2, "b.wav")
    descriptor = os.open("/dev/full", os.O_WRONLY)

    class Full(Wav):
        def flush(self) -> None:
            os.write(descriptor, b"1")

    room.make = lambda fd, path, rate: Full(fd, rate)
    room.begin(3, "c.wav", 20)
    room.begin(4, "d.wav", 5_000)
    room.speak(1, 1, 3)
    room.end(4)
    os.close(descriptor)
    failed = room.of(Failed)
    assert [one.recording for one in failed] == [3, 4]
    assert {(one.sentence, one.code) for one in failed} == {
        ("no space left on device", 500)
    }
    room.end(1)
    room.end(2)
    await room.settle()
    assert {one.recording for one in room.of(Stored)} == {1, 2, 3, 4}


@in_a_room
async def test_rate_that_changes_ends_the_recording(room: Room) -> None:
    room.begin()
    room.speak(1, 1)
    room.speak(2, 1, rate=16_000)
    (failed,) = room.of(Failed)
    assert failed.code == 500


@in_a_room
async def test_detail_record_waits_for_its_recording(room: Room) -> None:
    room.begin()
    room.speak(1, 1)
    room.desk.receive(Detail("s1", "20231114/a.json", {"callId": "s1"}))
    assert not (room.folder / "details").exists()
    room.end(1, 1)
    size = (room.folder / "a.wav").stat().st_size
    assert room.details() == {
        "callId": "s1",
        "recorder": [{"trackId": "s1", "path": "a.wav", "size": size}],
    }


@in_a_room
async def test_detail_record_knows_a_recording_that_ended_before(room: Room) -> None:
    for number in range(1, desks.MOST_REMEMBERED // 500 + 2):
        room.begin(number, f"{number}.wav")
        room.end(number, 1)
    room.desk.receive(Detail("s1", "a.json", {"callId": "s1"}))
    assert room.details()["recorder"][0]["path"] == "1.wav"


@in_a_room
async def test_detail_record_without_a_recording(room: Room) -> None:
    room.desk.receive(Detail("s1", "a.json", {"callId": "s1"}))
    assert room.details() == {"callId": "s1", "recorder": []}
    room.desk.receive(Detail("s1", "x" * 300 + ".json", {}))


@in_a_room
async def test_what_is_left_at_the_end_is_made_whole(room: Room) -> None:
    room.begin(1, flush_ms=5_000)
    room.speak(1, 1)
    room.desk.receive(Detail("s1", "a.json", {"callId": "s1"}))
    room.desk.end_all()
    await room.settle()
    assert room.of(Stored) and room.details()["recorder"]


def test_store_that_keeps_nothing_is_told(tmp_path: Path) -> None:
    async def test(room: Room) -> None:
        room.begin()
        room.end(1, 1)
        room.desk.receive(Dump("s1", "s1.events.jsonl", "event", 1, json.dumps(LINE)))
        room.desk.receive(DumpEnd("s1"))
        await room.settle()
        assert [one.recording for one in room.of(Failed)] == [1]
        assert room.of(Stored) == []

    in_a_room(test, shelf=BadShelf)(tmp_path)


@in_a_room
async def test_dump_that_cannot_be_opened_or_is_full_is_left(room: Room) -> None:
    line = json.dumps(LINE)
    long = "x" * 300
    for _ in range(2):
        room.desk.receive(Dump("s1", long, "event", 1, line))
    room.desk.receive(DumpEnd("s1"))
    most, dumps.MOST_BYTES = dumps.MOST_BYTES, 150
    try:
        for _ in range(5):
            room.desk.receive(Dump("s2", "s2.events.jsonl", "event", 1, line))
    finally:
        dumps.MOST_BYTES = most
    lines = (room.folder / "s2.events.jsonl").read_text().splitlines()
    assert 1 <= len(lines) < 5 and all(json.loads(one) for one in lines)


@in_a_room
async def test_what_was_left_behind_is_kept(room: Room) -> None:
    draft = Draft(-1, room.folder / "x", "x", is_sealed=True)
    room.desk.carry(Folder(room.folder), draft)
    await room.desk.idle(1.0)


def content(kind: str, text: str) -> Any:
    line = line_of(Dump("s1", "", kind, 5, text))
    return None if line is None else json.loads(json.loads(line)["content"])


def test_secrets_and_descriptions_are_left_out_of_dumps() -> None:
    invite = {"command": "invite", "option": {"offer": "v=0", "sip": {"password": "p"}}}
    assert content("command", json.dumps(invite)) == {
        "command": "invite",
        "option": content("command", json.dumps(invite))["option"],
    }
    assert "v=0" not in json.dumps(content("command", json.dumps(invite)))
    assert '"p"' not in json.dumps(content("command", json.dumps(invite)))


def test_raw_audio_and_what_nobody_understands_is_in_no_dump() -> None:
    binary = {"event": "binary", "trackId": "s1", "timestamp": 1, "data": [1, 2]}
    assert content("event", json.dumps(binary)) is None
    for kind in ("command", "event"):
        for text in ("", "{", "[]", '{"event":"x"}', '{"command":"x","secret":"y"}'):
            assert content(kind, text) is None


@given(st.sampled_from(["command", "event"]), st.text())
def test_no_content_breaks_a_dump(kind: str, text: str) -> None:
    line = line_of(Dump("s1", "", kind, 5, text))
    assert line is None or "\n" not in line[:-1]
