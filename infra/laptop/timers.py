"""One thread that does things later."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Timers:
    """Calls actions when their time has come; what is due after `stop` is dropped."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._is_stopped = False
        self._thread = threading.Thread(target=self._run, name="timers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """``action`` must be quick: it runs in the timers' own thread."""
        with self._changed:
            due_at = time.monotonic() + seconds
            heapq.heappush(self._due, (due_at, next(self._order), action))
            self._changed.notify()

    def stop(self, timeout_seconds: float) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while (action := self._next()) is not None:
            try:
                action()
            except Exception:
                logger.exception("a timer's action failed")

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._is_stopped:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None
