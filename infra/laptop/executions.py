"""Executions of state machines that run or wait, by the cloud's own clock."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from infra.laptop.outstanding import Outstanding

LONGEST_NAP_SECONDS = 5.0
"""A wait looks at the clock and at its execution this often, were it told nothing."""


@dataclass(eq=False, slots=True)
class _Wait:
    execution: str
    due_at: float
    signal: threading.Event
    is_released: bool = False


class Executions:
    """What runs is outstanding; what waits is not, until its time has come."""

    def __init__(
        self, now_seconds: Callable[[], float], outstanding: Outstanding
    ) -> None:
        self._now_seconds = now_seconds
        self._outstanding = outstanding
        self._lock = threading.Lock()
        self._is_running: dict[str, bool] = {}
        self._waits: set[_Wait] = set()

    def begin(self, execution: str) -> None:
        """Told before its thread starts, so that nobody misses it."""
        with self._lock:
            self._is_running[execution] = True
            self._outstanding.began()

    def end(self, execution: str) -> None:
        with self._lock:
            if self._is_running.pop(execution, False):
                self._outstanding.ended()

    def wait(
        self,
        execution: str,
        seconds: float,
        signal: threading.Event,
        is_wanted: Callable[[], bool],
    ) -> None:
        """Block until the time has passed or the execution is not wanted any more.

        ``signal`` makes the wait look again at both.
        """
        wait = _Wait(execution, self._now_seconds() + seconds, signal)
        with self._lock:
            self._waits.add(wait)
            self._pause(execution)
        while not wait.is_released and is_wanted():
            left = wait.due_at - self._now_seconds()
            if left <= 0:
                break
            signal.wait(min(left, LONGEST_NAP_SECONDS))
        with self._lock:
            self._waits.discard(wait)
            self._resume(execution)
        if wait.is_released:
            signal.clear()

    def look_at_the_clock(self) -> None:
        """End every wait that is due; its execution is outstanding from now on."""
        now = self._now_seconds()
        with self._lock:
            for wait in self._waits:
                if wait.due_at <= now and not wait.is_released:
                    wait.is_released = True
                    self._resume(wait.execution)
                    wait.signal.set()

    def _pause(self, execution: str) -> None:
        if self._is_running.get(execution):
            self._is_running[execution] = False
            self._outstanding.ended()

    def _resume(self, execution: str) -> None:
        # One that has ended while it waited stays ended.
        if self._is_running.get(execution) is False:
            self._is_running[execution] = True
            self._outstanding.began()
