"""Answers in a dictionary: the twin of DynamoDB's."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.services.calls import CommandReused
from chalicelib.services.ports import Clock
from chalicelib.services.repetition import KEPT_MS, RUNNING_MS, Reply, StillRunning


@dataclass(frozen=True, slots=True)
class _Entry:
    fingerprint: str
    until_ms: int
    reply: Reply | None = None
    """None while the first request runs."""


class MemoryRepetitions:
    """`Repetitions`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()

    def once(self, key: str, fingerprint: str, act: Callable[[], Reply]) -> Reply:
        begun = _Entry(fingerprint, self._clock.now_ms() + RUNNING_MS)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.until_ms <= self._clock.now_ms():
                self._entries[key] = entry = begun
        if entry is not begun:
            return _repeated(entry, key, fingerprint)
        try:
            reply = act()
        except BaseException:
            self._settle(key, begun, None)
            raise
        self._settle(key, begun, reply if reply.is_final else None)
        return reply

    def _settle(self, key: str, begun: _Entry, reply: Reply | None) -> None:
        """Keep the answer, or forget that there was a request.

        Whoever took too long has been replaced, and changes nothing.
        """
        with self._lock:
            if self._entries.get(key) is not begun:
                return
            del self._entries[key]
            if reply is not None:
                until_ms = self._clock.now_ms() + KEPT_MS
                self._entries[key] = _Entry(begun.fingerprint, until_ms, reply)


def _repeated(entry: _Entry, key: str, fingerprint: str) -> Reply:
    if entry.fingerprint != fingerprint:
        raise CommandReused(key)
    if entry.reply is None:
        raise StillRunning(key)
    return replace(entry.reply, is_repeated=True)
