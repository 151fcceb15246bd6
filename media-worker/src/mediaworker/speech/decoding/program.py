"""``python -IS program.py LIBRARY CONTAINER``: a file in, samples out.

Alone in a process: it imports nothing of ours, opens nothing once it has read a byte,
and may use so much of memory and of processor, no more. To standard output go two
32-bit numbers, rate and channels, and then 32-bit floats, from -1 to 1, interleaved.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from collections.abc import Callable
from typing import Any

MEMORY_BYTES = 768 << 20
"""Of addresses; what is really used stays below a tenth."""
CPU_SECONDS = 120
FRAMES_AT_ONCE = 2_048
FLOAT_BYTES = 4
HEAD = struct.Struct("<II")
LOWEST_RATE, HIGHEST_RATE = 4_000, 384_000
MOST_CHANNELS = 16
UNREADABLE, UNFIT = 65, 66
"""Exit statuses: it is not such a file, or none that may be played."""

REWINDS = "flac"
"""The container whose decoder wants to read the beginning twice."""
MODE_READ = 0x10
REWINDABLE_BYTES = 1 << 20
ENDLESS = 1 << 60
PR_SET_PDEATHSIG = 1

Read = Callable[[int], bytes]


class Info(ctypes.Structure):
    """``SF_INFO``."""

    _fields_ = [
        ("frames", ctypes.c_int64),
        ("rate", ctypes.c_int),
        ("channels", ctypes.c_int),
        ("format", ctypes.c_int),
        ("sections", ctypes.c_int),
        ("seekable", ctypes.c_int),
    ]


Ask = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)
Seek = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int, ctypes.c_void_p)
Move = ctypes.CFUNCTYPE(
    ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p
)


class Callbacks(ctypes.Structure):
    """``SF_VIRTUAL_IO``."""

    _fields_ = [
        ("length", Ask),
        ("seek", Seek),
        ("read", Move),
        ("write", Move),
        ("tell", Ask),
    ]


class Rewindable:
    """A pipe whose first bytes can be read again."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._kept = bytearray()
        self._at = 0
        self._came = 0

    def callbacks(self) -> Callbacks:
        """To be kept for as long as they may be called."""
        return Callbacks(
            Ask(lambda _: ENDLESS),
            Seek(lambda offset, whence, _: self.seek(offset, whence)),
            Move(self._move),
            Move(lambda *_: 0),
            Ask(lambda _: self._at),
        )

    def seek(self, offset: int, whence: int) -> int:
        """Where it is then; -1 where it cannot go."""
        target = (0, self._at, ENDLESS)[whence % 3] + offset
        is_kept = len(self._kept) == self._came and 0 <= target <= self._came
        if target != self._at and not is_kept:
            return -1
        self._at = target
        return target

    def take(self, count: int) -> bytes:
        """At most so many bytes; none at the end."""
        data = bytes(self._kept[self._at : self._at + count])
        if not data:
            data = self._read(count)
            self._came += len(data)
            if self._came <= REWINDABLE_BYTES:
                self._kept += data
        self._at += len(data)
        return data

    def _move(self, pointer: int, count: int, _: object) -> int:
        data = self.take(count)
        while data and len(data) < count and (more := self.take(count - len(data))):
            data += more
        ctypes.memmove(pointer, data, len(data))
        return len(data)


class Library:
    """libsndfile, as much of it as is needed."""

    def __init__(self, path: str) -> None:
        """Raises `OSError`."""
        self._library: Any = ctypes.CDLL(path)
        self._library.sf_open_fd.restype = ctypes.c_void_p
        self._library.sf_open_virtual.restype = ctypes.c_void_p
        self._library.sf_readf_float.restype = ctypes.c_int64
        self._kept: object = None

    def open(self, container: str, source: int) -> "Sound | None":
        """Of an open file or pipe; None when it is not such a file."""
        info = Info()
        where = ctypes.byref(info)
        if container == REWINDS:
            callbacks = Rewindable(lambda count: os.read(source, count)).callbacks()
            self._kept = callbacks
            given = ctypes.byref(callbacks)
            handle = self._library.sf_open_virtual(given, MODE_READ, where, None)
        else:
            handle = self._library.sf_open_fd(source, MODE_READ, where, 0)
        if not handle:
            return None
        return Sound(self._library, ctypes.c_void_p(handle), info.rate, info.channels)


class Sound:
    """An open file's."""

    def __init__(self, library: Any, handle: Any, rate: int, channels: int) -> None:
        self._library = library
        self._handle = handle
        self.rate = rate
        self.channels = channels
        self._buffer = (ctypes.c_float * (FRAMES_AT_ONCE * max(1, channels)))()

    def read(self) -> memoryview:
        """The next samples; empty at the end."""
        count = ctypes.c_int64(FRAMES_AT_ONCE)
        frames = self._library.sf_readf_float(self._handle, self._buffer, count)
        size = max(0, frames) * self.channels * FLOAT_BYTES
        return memoryview(self._buffer).cast("B")[:size]


def main(path: str, container: str) -> int:
    """The exit status."""
    _die_with_parent()
    library = Library(path)
    _confine()
    return decode(library, container, sys.stdin.fileno(), sys.stdout.fileno())


def decode(library: Library, container: str, source: int, sink: int) -> int:
    """From one descriptor to the other; the exit status."""
    sound = library.open(container, source)
    if sound is None:
        return UNREADABLE
    is_fit = 1 <= sound.channels <= MOST_CHANNELS
    if not is_fit or not LOWEST_RATE <= sound.rate <= HIGHEST_RATE:
        return UNFIT
    _write(sink, memoryview(HEAD.pack(sound.rate, sound.channels)))
    while samples := sound.read():
        _write(sink, samples)
    return 0


def _write(sink: int, data: memoryview) -> None:
    while data:
        data = data[os.write(sink, data) :]


def _confine() -> None:
    """What it needs is open and loaded."""
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 0),
    ):
        resource.setrlimit(what, (most, most))
    # Whoever reads has gone: there is nobody to tell.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
