"""Whether one more session can be carried, told by the ticks and not by mean load."""

from collections import deque
from dataclasses import dataclass, field

WORST_TICK_SECONDS = 0.012
MEMORY_SECONDS = 10


@dataclass(slots=True)
class Ticks:
    """How long the ticks of the last seconds took, from when they were due."""

    _worst: deque[tuple[int, float]] = field(default_factory=deque)
    """(second, the worst tick in it)"""

    def add(self, now: float, seconds: float) -> None:
        second = int(now)
        if self._worst and self._worst[-1][0] == second:
            _, worst = self._worst.pop()
            seconds = max(worst, seconds)
        self._worst.append((second, seconds))
        self._forget(second)

    def forget(self) -> None:
        """What was before says nothing of what will be."""
        self._worst.clear()

    def worst(self, now: float) -> float:
        """In seconds; 0 when there was none."""
        self._forget(int(now))
        return max((seconds for _, seconds in self._worst), default=0.0)

    def is_overloaded(self, now: float) -> bool:
        return self.worst(now) > WORST_TICK_SECONDS

    def _forget(self, second: int) -> None:
        while self._worst and self._worst[0][0] <= second - MEMORY_SECONDS:
            self._worst.popleft()
