"""Files of stereo sound that grow, and can be heard up to wherever they are cut."""

import os
import struct
from collections.abc import Callable
from typing import Protocol

import numpy as np

from mediaworker.audio.arrays import Samples
from mediaworker.audio.opus import OpusLibrary
from mediaworker.recording.ogg import OggOpus

CHANNELS = 2
HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
RIFF_SIZE_AT = 4
DATA_SIZE_AT = HEADER.size - 4
MOST_SIZE = 0xFFFFFFFE
"""What a size can say; more makes readers read to the end."""


class Track(Protocol):
    """A file; whatever it raises is an OSError, or an `OpusError`."""

    form: str
    size: int

    def write(self, samples: Samples) -> None:
        """A row of the two sides for each instant."""

    def flush(self) -> None:
        """What was written can be heard when nothing follows."""

    def finish(self) -> None:
        """The same, and nothing follows."""


class Wav:
    """PCM of 16 bits. Its header says at each flush how long it is by now: a reader
    of one that was cut takes what is there."""

    form = "wav"

    def __init__(self, descriptor: int, rate: int) -> None:
        self._descriptor = descriptor
        self._rate = rate
        self._pending: list[bytes] = []
        self.size = 0
        self._append(self._header(0))

    def write(self, samples: Samples) -> None:
        self._pending.append(np.ascontiguousarray(samples, "<i2").tobytes())

    def flush(self) -> None:
        if not self._pending:
            return
        self._append(b"".join(self._pending))
        self._pending.clear()
        # After what they count: a file is never shorter than it says, but when cut.
        data = min(self.size - HEADER.size, MOST_SIZE)
        riff = min(self.size - RIFF_SIZE_AT - 4, MOST_SIZE)
        os.pwrite(self._descriptor, struct.pack("<I", riff), RIFF_SIZE_AT)
        os.pwrite(self._descriptor, struct.pack("<I", data), DATA_SIZE_AT)

    def finish(self) -> None:
        self.flush()

    def _append(self, octets: bytes) -> None:
        write_all(self._descriptor, octets)
        self.size += len(octets)

    def _header(self, data: int) -> bytes:
        block = 2 * CHANNELS
        return HEADER.pack(
            *(b"RIFF", HEADER.size - 8 + data, b"WAVE"),
            *(b"fmt ", 16, 1, CHANNELS, self._rate, self._rate * block, block, 16),
            *(b"data", data),
        )


class Opus:
    """Ogg with Opus in it, a page for each flush."""

    form = "opus"

    def __init__(
        self, descriptor: int, rate: int, library: OpusLibrary, serial: int
    ) -> None:
        self._descriptor = descriptor
        self._stream = OggOpus(library, rate, serial)
        self.size = 0
        self._append(self._stream.head())

    def write(self, samples: Samples) -> None:
        self._append(self._stream.feed(samples))

    def flush(self) -> None:
        self._append(self._stream.page())

    def finish(self) -> None:
        self._append(self._stream.finish())

    def _append(self, octets: bytes) -> None:
        write_all(self._descriptor, octets)
        self.size += len(octets)


MakeTrack = Callable[[int, str, int], Track]
"""Of a descriptor, the file's name and the rate."""


def write_all(descriptor: int, octets: bytes) -> None:
    """Raises OSError."""
    left = memoryview(octets)
    while left:
        left = left[os.write(descriptor, left) :]
