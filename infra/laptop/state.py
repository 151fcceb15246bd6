"""What the table holds, kept over restarts: a journal of the items' changes.

One line of JSON for each commit, in one write, so that a process that is killed
leaves whole commits behind and at most one torn line, which was never answered.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from infra.laptop import attributes
from infra.laptop.change import Change

logger = logging.getLogger(__name__)

LOCK_FILE = "lock"
JOURNAL_FILE = "items.jsonl"


class StateUnavailable(Exception):
    """One sentence that says which folder, and what to do."""


class State:
    """One folder, which is this process's alone from `open` to `close`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writing = threading.Lock()
        self._lock: int | None = None
        self._journal: int | None = None
        self._size = 0
        self.kept: tuple[Change, ...] = ()
        """What was there at the `open`: each item as the change that put it there."""

    def open(self) -> None:
        """Read what is kept and make the journal short again."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked(self._folder / LOCK_FILE)
            self.kept = _read(self._folder / JOURNAL_FILE)
            self._begin(self.kept)
        except OSError as error:
            self.close()
            raise StateUnavailable(
                f"The state in {self._folder} cannot be used ({error.strerror}): "
                "mend that, or set PARLEY_STATE to another folder."
            ) from error
        except StateUnavailable:
            self.close()
            raise

    def write(self, commit: Sequence[Change]) -> None:
        """Keep all changes of one commit, or none."""
        with self._writing:
            if self._journal is None:
                return
            try:
                self._size += _write(self._journal, _line(commit))
            except OSError as error:
                # Half a line would spoil all that follow it.
                os.ftruncate(self._journal, self._size)
                logger.error("state not kept", extra={"reason": str(error)})

    def forget(self) -> None:
        """Keep nothing of what was written until now."""
        with self._writing:
            self.kept = ()
            self._begin(())

    def close(self) -> None:
        with self._writing:
            for opened in (self._journal, self._lock):
                if opened is not None:
                    os.close(opened)
            self._journal = self._lock = None

    def _begin(self, items: Iterable[Change]) -> None:
        path = self._folder / JOURNAL_FILE
        draft = path.with_suffix(".draft")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
        journal = os.open(draft, flags, 0o600)
        self._size = _write(journal, b"".join(_line([item]) for item in items))
        os.fsync(journal)
        draft.replace(path)
        if self._journal is not None:
            os.close(self._journal)
        self._journal = journal


def _locked(path: Path) -> int:
    """The lock goes with the process, however that ends."""
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise StateUnavailable(
            f"The state in {path.parent} is in use by another stack: "
            "stop it, or set PARLEY_STATE to another folder."
        ) from None
    return opened


def _read(path: Path) -> tuple[Change, ...]:
    """What is there after every change."""
    held: dict[str, Change] = {}
    for number, line in enumerate(_whole_lines(path), 1):
        try:
            for change in _parse(line):
                place = repr([change.table, sorted(change.keys.items())])
                held[place] = change
        except (ValueError, TypeError, AttributeError) as error:
            raise StateUnavailable(
                f"Line {number} of {path} cannot be read: remove that file to begin "
                "anew, or set PARLEY_STATE to another folder."
            ) from error
    return tuple(change for change in held.values() if change.new is not None)


def _whole_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _line(commit: Iterable[Change]) -> bytes:
    changes = [[change.table, change.keys, change.new] for change in commit]
    return attributes.render(changes).encode() + b"\n"


def _parse(line: bytes) -> Iterator[Change]:
    for table, keys, new in attributes.parse(line):
        yield Change(table=table, keys=keys, old=None, new=new)


def _write(opened: int, data: bytes) -> int:
    left = memoryview(data)
    while left:
        left = left[os.write(opened, left) :]
    return len(data)
