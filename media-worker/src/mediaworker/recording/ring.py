"""Shared memory through which frames go from one process to another.

One end writes, the other reads; how far each has come they tell each other elsewhere,
so that no order of memory accesses has to be relied upon. Positions only grow.
"""

import mmap
import os
import struct
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from mediaworker.audio.arrays import Samples

HEADER = struct.Struct("<IIIIQ")
"""Side, rate, frames, bytes of the whole entry, slot."""
ALIGNMENT = 8
FRAMES_A_SECOND = 50
MOST_FRAMES = 65_536
MOST_RATE = 48_000


class BrokenRing(ValueError):
    """What was read is no entry: the ends have lost each other."""


class Side(IntEnum):
    """What an entry is."""

    PADDING = 0
    """Nothing: the next is at the beginning of the memory."""
    CALLER = 1
    OTHERS = 2
    SLOT = 3
    """Nothing more comes of the slot, and of those before it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A frame each of some recordings, in one slot."""

    side: Side
    rate: int
    slot: int
    recordings: tuple[int, ...]
    samples: Samples
    """A row for each; not the ring's own memory."""


class Ring:
    """The memory; both ends have one of these over the same."""

    def __init__(self, memory: mmap.mmap) -> None:
        self._octets: NDArray[np.uint8] = np.frombuffer(memory, np.uint8)
        self._memory = memory
        self.capacity = len(memory)


class Writer(Ring):
    """The end that never waits."""

    position = 0
    _consumed = 0

    def put(
        self,
        side: Side,
        slot: int,
        recordings: Sequence[int] = (),
        samples: Samples | None = None,
    ) -> bool:
        """A row of samples for each recording; False when there is no room."""
        count = len(recordings)
        width = 0 if samples is None else samples.shape[1]
        size = _size(count, width)
        at = self.position % self.capacity
        padding = self.capacity - at if at + size > self.capacity else 0
        if self.position + padding + size - self._consumed > self.capacity:
            return False
        if padding:
            # Where there is no room for it, the reader knows it by that.
            if padding >= HEADER.size:
                HEADER.pack_into(self._memory, at, Side.PADDING, 0, 0, padding, 0)
            at = 0
        rate = width * FRAMES_A_SECOND
        HEADER.pack_into(self._memory, at, side, rate, count, size, slot)
        if samples is not None:
            begin = at + HEADER.size
            middle, end = begin + 4 * count, begin + 4 * count + 2 * count * width
            self._octets[begin:middle].view(np.uint32)[:] = recordings
            rows = self._octets[middle:end].view(np.int16).reshape(count, width)
            rows[:] = samples
        self.position += padding + size
        return True

    def consumed(self, position: int) -> None:
        """The other end has read so far."""
        self._consumed = max(self._consumed, min(position, self.position))

    def restart(self) -> None:
        """The other end is a new one, which has read nothing."""
        self.position = self._consumed = 0


class Reader(Ring):
    """The other end."""

    position = 0

    def read(self, until: int) -> Iterator[Entry]:
        """All up to there; raises `BrokenRing`."""
        while self.position < until:
            at = self.position % self.capacity
            if self.capacity - at < HEADER.size:
                self.position += self.capacity - at
                continue
            side, rate, count, size, slot = _header(self._memory, at)
            if (
                not HEADER.size
                <= size
                <= min(self.capacity - at, until - self.position)
            ):
                raise BrokenRing(f"an entry of {size} bytes")
            if side != Side.PADDING:
                yield self._entry(Side(side), at, rate, count, size, slot)
            self.position += size

    def _entry(
        self, side: Side, at: int, rate: int, count: int, size: int, slot: int
    ) -> Entry:
        width = rate // FRAMES_A_SECOND
        is_sane = count <= MOST_FRAMES and rate <= MOST_RATE
        if not is_sane or _size(count, width) != size:
            raise BrokenRing(f"{count} frames at {rate} Hz in {size} bytes")
        begin = at + HEADER.size
        middle, end = begin + 4 * count, begin + 4 * count + 2 * count * width
        recordings = self._octets[begin:middle].view(np.uint32)
        rows = self._octets[middle:end].view(np.int16).reshape(count, width).copy()
        return Entry(side, rate, slot, tuple(recordings.tolist()), rows)


def new_memory(size: int) -> tuple[int, mmap.mmap]:
    """Memory that a child may inherit, by its descriptor, and its map of ours.

    Its pages cost nothing until they are written.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("parley-recordings")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor, mmap.mmap(descriptor, size)


def memory_of(descriptor: int) -> mmap.mmap:
    """The child's map of it; the descriptor is closed."""
    try:
        return mmap.mmap(descriptor, os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)


def _size(count: int, width: int) -> int:
    whole = HEADER.size + 4 * count + 2 * count * width
    return whole + -whole % ALIGNMENT


def _header(memory: mmap.mmap, at: int) -> tuple[int, int, int, int, int]:
    side, rate, count, size, slot = HEADER.unpack_from(memory, at)
    return side, rate, count, size, slot
