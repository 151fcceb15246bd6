"""Speech that was made before, in memory and on disk."""

import contextlib
import hashlib
import json
import logging
import os
import tempfile
import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

SUFFIX = ".speech"
MEMORY_BYTES = 32 << 20
ENTRY_BYTES = 8 << 20
"""What is longer is not kept: four minutes at 16 kHz."""
KEPT_SHARE = 0.9
"""Of what may be kept, after making room."""
HEADER_MAX = 1 << 18


@dataclass(frozen=True, slots=True)
class Speech:
    """Made of a text, at the rate that its key was made with."""

    speaker: str
    samples: bytes = field(repr=False)
    marks: tuple[tuple[int, int], ...] = ()
    """When words of it begin, as its provider said."""


def key_of(scope: str, *parts: object) -> str:
    """A name for the file, which tells nothing of what it was made from.

    Two tenants never share one.
    """
    whole = json.dumps([scope, *parts], ensure_ascii=False, default=str)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


class Memory:
    """The latest that were used. Lives on the loop."""

    def __init__(self, limit: int = MEMORY_BYTES) -> None:
        self._limit = limit
        self._size = 0
        self._kept: OrderedDict[str, Speech] = OrderedDict()

    def get(self, key: str) -> Speech | None:
        speech = self._kept.get(key)
        if speech is not None:
            self._kept.move_to_end(key)
        return speech

    def put(self, key: str, speech: Speech) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self._size -= len(before.samples)
        self._kept[key] = speech
        self._size += len(speech.samples)
        while self._size > self._limit:
            _, oldest = self._kept.popitem(last=False)
            self._size -= len(oldest.samples)


class Disk:
    """A folder of bounded size, in which what was used last stays longest.

    Others may use it too. What cannot be read or written is as if it was not there.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._lock = threading.Lock()
        self._size: int | None = None
        """None until it was first looked at."""
        self._is_broken = False

    def get(self, key: str) -> Speech | None:
        path = self._path(key)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(handle, "rb") as file:
                header = json.loads(file.readline(HEADER_MAX))
                samples = file.read(ENTRY_BYTES + 1)
            if len(samples) != header["size"]:
                return None
            os.utime(path)
            marks = tuple((int(at), int(to)) for at, to in header.get("marks", ()))
            return Speech(str(header["speaker"]), samples, marks)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, key: str, speech: Speech) -> None:
        """All of it or nothing, whoever reads it meanwhile."""
        size = len(speech.samples)
        about = {"speaker": speech.speaker, "size": size, "marks": speech.marks}
        data = json.dumps(about).encode() + b"\n" + speech.samples
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write(path, data)
        except OSError as error:
            if not self._is_broken:
                logger.warning("cache not written", extra={"why": error.strerror})
            self._is_broken = True
            return
        self._is_broken = False
        with self._lock:
            self._make_room(len(data))

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / (key + SUFFIX)

    def _make_room(self, added: int) -> None:
        self._size = None if self._size is None else self._size + added
        if self._size is not None and self._size <= self._limit:
            return
        found = _files(self._folder)
        self._size = sum(size for _, size, _ in found)
        if self._size <= self._limit:
            return
        for _, size, path in sorted(found):
            if self._size <= self._limit * KEPT_SHARE:
                break
            with contextlib.suppress(OSError):
                path.unlink()
            self._size -= size


def _write(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-", suffix=SUFFIX)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(name, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _files(folder: Path) -> list[tuple[int, int, Path]]:
    """When each was last used, and its size; unfinished ones too."""
    found = []
    for path in folder.glob(f"*/*{SUFFIX}"):
        with contextlib.suppress(OSError):
            about = path.lstat()
            found.append((about.st_mtime_ns, about.st_size, path))
    return found
