"""Who reads a session along, and must never hurt it."""

import logging
from collections.abc import Callable

from mediaworker.runtime.ports import Overloaded, Watcher

logger = logging.getLogger(__name__)

MOST_WATCHERS = 16


class Watchers:
    """Of one session. Who raises is dropped, and told the end."""

    def __init__(self) -> None:
        self._watchers: tuple[Watcher, ...] = ()

    def add(self, watcher: Watcher) -> Callable[[], None]:
        """From now on; the result drops it without a word. Raises `Overloaded`."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise Overloaded("too many read the session along")
        self._watchers = (*self._watchers, watcher)
        return lambda: self._drop(watcher)

    def tell_event(self, text: str) -> None:
        for watcher in self._watchers:
            try:
                watcher.tell_event(text)
            except Exception as error:
                self._lose(watcher, error)

    def tell_command(self, text: bytes) -> None:
        for watcher in self._watchers:
            try:
                watcher.tell_command(text)
            except Exception as error:
                self._lose(watcher, error)

    def end(self) -> None:
        """The session is over."""
        watchers, self._watchers = self._watchers, ()
        for watcher in watchers:
            _end(watcher)

    def _drop(self, watcher: Watcher) -> None:
        self._watchers = tuple(one for one in self._watchers if one is not watcher)

    def _lose(self, watcher: Watcher, error: Exception) -> None:
        logger.warning("watcher lost", exc_info=error)
        self._drop(watcher)
        _end(watcher)


def _end(watcher: Watcher) -> None:
    try:
        watcher.end()
    except Exception as error:
        logger.warning("watcher cut", exc_info=error)
