"""Facts on their way to the control plane: in order, again and again until taken."""

from collections import deque
from dataclasses import dataclass, field

from chalicelib.protocol.fleet import MOST_FACTS
from chalicelib.protocol.lease import Fact, SessionStarted

MOST_WAITING = 5_000
FIRST_WAIT_SECONDS = 0.25
LONGEST_WAIT_SECONDS = 10.0


@dataclass(slots=True)
class Outbox:
    """Bounded: when it is full, a start is forgotten sooner than an end, which tells
    the start too."""

    most: int = MOST_WAITING
    dropped: int = 0
    _facts: deque[Fact] = field(default_factory=deque)
    _sent: int = 0
    """How many of the first are on their way."""
    _batch_size: int = MOST_FACTS
    _failures: int = 0
    _not_before: float = 0.0

    def __len__(self) -> int:
        return len(self._facts)

    def add(self, fact: Fact) -> None:
        if len(self._facts) >= self.most:
            self._make_room()
        self._facts.append(fact)

    def wait_seconds(self, now: float) -> float | None:
        """Until a batch may be sent; None when there is none."""
        if self._sent or not self._facts:
            return None
        return max(0.0, self._not_before - now)

    def take_batch(self) -> tuple[Fact, ...]:
        """The oldest; then tell what came of it, by one of the next three."""
        self._sent = min(len(self._facts), self._batch_size)
        return tuple(self._facts[place] for place in range(self._sent))

    def taken(self) -> None:
        for _ in range(self._sent):
            self._facts.popleft()
        self._sent = self._failures = 0
        self._batch_size = MOST_FACTS

    def failed(self, now: float, share: float) -> None:
        """Not delivered, or not known to be; ``share`` is drawn, from 0 to 1."""
        wait = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._not_before = now + wait * (0.5 + share / 2)
        self._sent = 0

    def refused(self) -> None:
        """It will never be taken: find out which fact, and go on without it."""
        if self._sent == 1:
            self._facts.popleft()
            self.dropped += 1
        self._batch_size = max(1, self._sent // 2)
        self._sent = 0

    def _make_room(self) -> None:
        waiting = range(self._sent, len(self._facts))
        starts = (p for p in waiting if isinstance(self._facts[p], SessionStarted))
        del self._facts[next(starts, min(self._sent, len(self._facts) - 1))]
        self.dropped += 1
