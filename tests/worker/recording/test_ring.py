"""Frames through shared memory: all, in order, or none."""

import mmap
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from mediaworker.recording.ring import (
    HEADER,
    BrokenRing,
    Entry,
    Reader,
    Side,
    Writer,
    memory_of,
    new_memory,
)

Frames = dict[int, int]
"""Recording -> the level of its frame."""


def ends(size: int) -> tuple[Writer, Reader]:
    memory = mmap.mmap(-1, size)
    return Writer(memory), Reader(memory)


def put(writer: Writer, slot: int, frames: Frames, width: int = 160) -> bool:
    levels = np.array([*frames.values()], np.int16).reshape(-1, 1)
    samples = np.repeat(levels, width, axis=1)
    return writer.put(Side.CALLER, slot, list(frames), samples)


def levels_of(entry: Entry) -> Frames:
    rows = zip(entry.recordings, entry.samples, strict=True)
    return {recording: int(row[0]) for recording, row in rows}


def test_frames_come_out_as_they_went_in() -> None:
    writer, reader = ends(1 << 16)
    assert put(writer, 7, {1: 11, 2: -22})
    assert writer.put(Side.SLOT, 7)
    frame, turn = reader.read(writer.position)
    assert (frame.side, frame.slot, frame.rate) == (Side.CALLER, 7, 8_000)
    assert levels_of(frame) == {1: 11, 2: -22}
    assert (turn.side, turn.slot, turn.recordings) == (Side.SLOT, 7, ())


def test_what_was_read_is_not_changed_by_what_is_written_over_it() -> None:
    writer, reader = ends(1024)
    assert put(writer, 1, {1: 5})
    (entry,) = reader.read(writer.position)
    writer.consumed(reader.position)
    for slot in range(2, 5):
        assert put(writer, slot, {2: 9})
        list(reader.read(writer.position))
        writer.consumed(reader.position)
    assert levels_of(entry) == {1: 5}


def test_full_ring_takes_nothing_and_breaks_nothing() -> None:
    writer, reader = ends(1024)
    taken = 0
    while put(writer, taken, {1: taken}):
        taken += 1
    assert taken and not put(writer, 99, {1: 99})
    read = [levels_of(entry)[1] for entry in reader.read(writer.position)]
    assert read == list(range(taken))
    writer.consumed(reader.position)
    assert put(writer, 100, {1: 100})


def test_other_end_that_is_new_begins_anew() -> None:
    writer, reader = ends(4096)
    put(writer, 1, {1: 1})
    writer.restart()
    put(writer, 2, {2: 2})
    assert [levels_of(entry) for entry in reader.read(writer.position)] == [{2: 2}]


@pytest.mark.parametrize(
    "head", [(1, 8_000, 1, 8, 0), (1, 8_000, 1, 9_999, 0), (1, 16_000, 1, 352, 0)]
)
def test_what_is_no_entry_is_refused(head: tuple[int, ...]) -> None:
    memory = mmap.mmap(-1, 1024)
    HEADER.pack_into(memory, 0, *head)
    with pytest.raises(BrokenRing):
        list(Reader(memory).read(1024))


@given(st.binary(max_size=256))
def test_garbage_is_refused_or_read_and_nothing_else(octets: bytes) -> None:
    memory = mmap.mmap(-1, 512)
    memory[: len(octets)] = octets
    try:
        for _ in Reader(memory).read(512):
            pass
    except (BrokenRing, ValueError, struct.error):
        return


def test_memory_is_shared_by_its_descriptor() -> None:
    descriptor, ours = new_memory(4096)
    theirs = memory_of(descriptor)
    writer, reader = Writer(ours), Reader(theirs)
    put(writer, 3, {9: 1234})
    assert [levels_of(entry) for entry in reader.read(writer.position)] == [{9: 1234}]


class TwoEnds(RuleBasedStateMachine):
    """Whatever the sizes and the order of reading: no frame is lost, doubled, torn,
    or another recording's."""

    @initialize(size=st.sampled_from([1024, 2048, 4096]))
    def begin(self, size: int) -> None:
        self.writer, self.reader = ends(size)
        self.expected: list[tuple[int, Frames]] = []
        self.slot = 0

    @rule(
        frames=st.dictionaries(
            st.integers(1, 6), st.integers(-32_768, 32_767), max_size=3
        ),
        width=st.sampled_from([160, 320]),
    )
    def write(self, frames: Frames, width: int) -> None:
        self.slot += 1
        if put(self.writer, self.slot, frames, width):
            self.expected.append((self.slot, frames))

    @rule()
    def read(self) -> None:
        entries = self.reader.read(self.writer.position)
        found = [(entry.slot, levels_of(entry)) for entry in entries]
        assert found == self.expected
        self.expected = []

    @rule()
    def acknowledge(self) -> None:
        self.writer.consumed(self.reader.position)

    @invariant()
    def never_ahead(self) -> None:
        if hasattr(self, "writer"):
            assert self.reader.position <= self.writer.position


TestTwoEnds = TwoEnds.TestCase
