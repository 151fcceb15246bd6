"""Where files are while they grow, and where they are kept: a folder, or a bucket."""

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path, PurePosixPath
from typing import Protocol

from mediaworker.recording import places

LOCK = ".lock"
TICKET = ".json"
"""Beside a file that is to be uploaded: what it is to be called."""


@dataclass(slots=True)
class Draft:
    """A file that is being written."""

    descriptor: int
    path: Path
    """On this machine."""
    key: str
    """Below where it is to be kept."""
    is_sealed: bool = False
    grown: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there is more of it, and when it is sealed."""
    size: int = 0
    """As far as it does not change any more, but for its first bytes."""

    def grow(self, size: int) -> None:
        self.size = size
        self.grown.set()

    def seal(self, is_synced: bool = True) -> None:
        """Nothing is written any more; raises OSError. Again: nothing."""
        if self.descriptor < 0:
            return
        descriptor, self.descriptor = self.descriptor, -1
        try:
            if is_synced:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def finish(self) -> None:
        """It was sealed, and whoever carries it may take the rest."""
        self.size = self.path.stat().st_size
        self.is_sealed = True
        self.grown.set()


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a file is to be found now."""

    key: str
    url: str


class Shelf(Protocol):
    """Makes files, and keeps them."""

    def create(self, path: str) -> Draft:
        """A new one of that name, or nearly; raises OSError."""

    def append(self, path: str) -> Draft:
        """One that may go on where it ended; raises OSError."""

    async def keep(self, draft: Draft) -> Kept:
        """From its first byte on, until it is sealed and kept. Raises OSError, or
        `mediaworker.recording.s3.StoreError`."""


class Folder:
    """Files are written where they are kept."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def create(self, path: str) -> Draft:
        descriptor, key = places.create(self._root, path)
        return Draft(descriptor, self._root / key, key)

    def append(self, path: str) -> Draft:
        descriptor = places.append(self._root, path)
        return Draft(descriptor, self._root / path, path)

    async def keep(self, draft: Draft) -> Kept:
        while not draft.is_sealed:
            draft.grown.clear()
            await draft.grown.wait()
        return Kept(draft.key, str(draft.path))


class Carrier(Protocol):
    """Brings files to a bucket."""

    async def carry(self, draft: Draft) -> Kept:
        """Raises `mediaworker.recording.s3.StoreError`, or OSError."""


class Spool:
    """Files are here until they are where they are kept.

    What a process left behind is taken by the next one, as soon as it is dead.
    """

    def __init__(self, root: Path, name: Callable[[], str], carrier: Carrier) -> None:
        """``name`` is drawn: of a folder that nobody else has. Raises OSError."""
        self._carrier = carrier
        self._root = root
        self._folder = root / name()
        self._folder.mkdir(places.FOLDER_MODE, parents=True)
        self._lock = _locked(self._folder)
        self._files = 0

    def create(self, path: str) -> Draft:
        self._files += 1
        name = f"{self._files}{PurePosixPath(path).suffix}"
        ticket = self._folder / f"{name}{TICKET}"
        ticket.write_text(json.dumps({"v": 1, "key": path}))
        descriptor, _ = places.create(self._folder, name)
        return Draft(descriptor, self._folder / name, path)

    append = create

    async def keep(self, draft: Draft) -> Kept:
        kept = await self._carrier.carry(draft)
        _forget(draft.path)
        return kept

    def left_behind(self) -> list[Draft]:
        """Sealed, to be kept; by processes that are dead."""
        found: list[Draft] = []
        for folder in sorted(self._root.iterdir()):
            if folder != self._folder and _is_abandoned(folder):
                found += _drafts_of(folder)
        return found


def _drafts_of(folder: Path) -> list[Draft]:
    drafts = []
    for ticket in sorted(folder.glob(f"*{TICKET}")):
        path = ticket.with_name(ticket.name.removesuffix(TICKET))
        try:
            key = json.loads(ticket.read_text())["key"]
            size = path.stat().st_size
        except (OSError, ValueError, KeyError, TypeError):
            continue
        drafts.append(Draft(-1, path, str(key), is_sealed=True, size=size))
    if not drafts:
        _remove(folder)
    return drafts


def _forget(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(path.name + TICKET).unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    try:
        (folder / LOCK).unlink(missing_ok=True)
        folder.rmdir()
    except OSError:
        return


def _locked(folder: Path) -> int:
    """Held as long as the process lives; raises OSError where another has it."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _is_abandoned(folder: Path) -> bool:
    """Nobody else has it, who is alive; then it is ours as long as we live."""
    if not folder.is_dir():
        return False
    try:
        _locked(folder)
    except OSError:
        return False
    return True
