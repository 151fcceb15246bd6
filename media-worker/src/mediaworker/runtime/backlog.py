"""Work that waits for the time between two ticks, and takes turns for it."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

BUDGET_SECONDS = 0.003
"""Of each step of the tick, of which a slot has two."""


class Worker(Protocol):
    """Somebody with work."""

    def work(self) -> bool:
        """Do one thing; whether there is more to do."""


class Backlog:
    """One thing of each in turn, so that who has much keeps nobody waiting."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.rung: Callable[[], None] = lambda: None
        """Called when there is something to do."""
        self._queue: deque[Worker] = deque()
        self._spent = 0.0

    def __len__(self) -> int:
        return len(self._queue)

    def add(self, worker: Worker) -> None:
        """Once, however much it has: it stays until it has no more."""
        self._queue.append(worker)
        self.rung()

    def renew(self) -> None:
        """A step is done: its whole budget is there to be spent."""
        self._spent = 0.0

    def drain(self) -> bool:
        """Work until nothing is left, or the budget is spent; whether some is left.

        At least one thing is done of each budget, so nothing waits for ever.
        """
        began = now = self._clock()
        while self._queue and self._spent + (now - began) < BUDGET_SECONDS:
            worker = self._queue.popleft()
            if worker.work():
                self._queue.append(worker)
            now = self._clock()
        self._spent += now - began
        return bool(self._queue)
