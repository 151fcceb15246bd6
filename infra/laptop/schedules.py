"""EventBridge's schedules."""

import math
import threading
from collections.abc import Callable, Sequence

from infra.laptop.functions import Functions
from infra.parts import Schedule

LONGEST_NAP_SECONDS = 1.0


class Schedules:
    """Invokes each function at the start, and from then on as its schedule says."""

    def __init__(
        self,
        schedules: Sequence[Schedule],
        functions: Functions,
        now_seconds: Callable[[], float],
        minute_seconds: float,
    ) -> None:
        self._schedules = schedules
        self._functions = functions
        self._now_seconds = now_seconds
        self._minute_seconds = minute_seconds
        self._due_at: dict[str, float] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="schedules", daemon=True)

    def start(self) -> None:
        self.look_at_the_clock()
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        self._stopped.set()
        self._thread.join(timeout_seconds)

    def look_at_the_clock(self) -> None:
        """Invoke what is due, once, however often its time has come."""
        with self._lock:
            now = self._now_seconds()
            for schedule in self._schedules:
                period = schedule.every_minutes * self._minute_seconds
                due_at = self._due_at.get(schedule.name, now)
                if due_at <= now:
                    # A run that fails is not repeated: the next one is at hand.
                    self._functions.submit(schedule.function, b"{}", retries=0)
                    due_at += period * (math.floor((now - due_at) / period) + 1)
                # A clock that was set back must not make anybody wait for longer.
                self._due_at[schedule.name] = min(due_at, now + period)

    def _run(self) -> None:
        while not self._stopped.wait(self._nap_seconds()):
            self.look_at_the_clock()

    def _nap_seconds(self) -> float:
        left = min(self._due_at.values(), default=math.inf) - self._now_seconds()
        return min(max(0.0, left), LONGEST_NAP_SECONDS)
