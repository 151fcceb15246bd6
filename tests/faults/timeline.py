"""Threads that run in the order of a time that each of them has for itself."""

import threading
from collections.abc import Sequence

from tests.faults.interleaving import Interleaving


class Timeline(Interleaving):
    """Whoever is earliest runs next, so that all seem to run at the same time.

    It is a clock, too: what a thread waits for costs it time, and no other.
    """

    def __init__(self, began_ms: int) -> None:
        super().__init__(lambda count: 0)
        self._began_ms = began_ms
        self._times_ms: dict[threading.Thread, float] = {}

    def now_ms(self) -> int:
        return round(self._time_ms(threading.current_thread()))

    def sleep_ms(self, duration_ms: float) -> None:
        thread = threading.current_thread()
        self._times_ms[thread] = self._time_ms(thread) + duration_ms
        self.pause()

    def _pick(self, threads: Sequence[threading.Thread]) -> int:
        return min(range(len(threads)), key=lambda place: self._time_ms(threads[place]))

    def _time_ms(self, thread: threading.Thread) -> float:
        return self._times_ms.get(thread, self._began_ms)
