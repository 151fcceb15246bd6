"""Whether one more session can be carried, told by the ticks and not by mean load."""

from collections import deque
from dataclasses import dataclass, field

LATE_SECONDS = 0.012
"""A step of the tick that ends so long after its time is late."""
MOST_LATE = 5
"""Of the thousand steps of the last ten seconds; one or two are anybody's."""
MEMORY_SECONDS = 10.0


@dataclass(slots=True)
class Ticks:
    """Which steps of the last seconds were late."""

    _late_at: deque[float] = field(default_factory=deque)

    def add(self, now: float, seconds: float) -> None:
        """A step has ended, so long after its time."""
        if seconds > LATE_SECONDS:
            self._late_at.append(now)
            if len(self._late_at) > MOST_LATE:
                self._late_at.popleft()

    def forget(self) -> None:
        """What was before says nothing of what will be."""
        self._late_at.clear()

    def is_overloaded(self, now: float) -> bool:
        """Whether the oldest of the last `MOST_LATE` is of the last seconds, too."""
        late_at = self._late_at
        return len(late_at) == MOST_LATE and now - late_at[0] < MEMORY_SECONDS
