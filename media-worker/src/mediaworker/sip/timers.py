"""SIP's timers (RFC 3261 table 4, RFC 6026 section 8) and what waits for them."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from heapq import heapify, heappop, heappush

Ring = Callable[[float], None]
"""Called with the time; it may set further alarms."""


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds, as RFC 3261 section 17.1.1.1 names them."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0

    @property
    def giving_up(self) -> float:
        """How long anything is tried."""
        return 64 * self.t1


class Lasting(Enum):
    """How long a transaction stays in a state, by the timers that end it."""

    GIVING_UP = "B, F, H, L, M"
    """64*T1, whatever the transport."""
    ABSORBING = "D, J"
    """64*T1, and no time at all where nothing is retransmitted."""
    PASSING = "I, K"
    """T4, and no time at all where nothing is retransmitted."""


def seconds_of(lasting: Lasting, timers: Timers, *, is_reliable: bool) -> float:
    if lasting is Lasting.GIVING_UP:
        return timers.giving_up
    if is_reliable:
        return 0.0
    return timers.t4 if lasting is Lasting.PASSING else timers.giving_up


class Alarm:
    """What rings once, unless it is cancelled before."""

    __slots__ = ("_agenda", "_ring")

    def __init__(self, agenda: "Agenda", ring: Ring) -> None:
        self._agenda: Agenda = agenda
        self._ring: Ring | None = ring

    @property
    def is_set(self) -> bool:
        return self._ring is not None

    def cancel(self) -> None:
        """Nothing, when it rang already."""
        if self._ring is not None:
            self._ring = None
            self._agenda.count_cancelled()

    def take(self) -> Ring | None:
        ring, self._ring = self._ring, None
        return ring


class Agenda:
    """Alarms in the order of their time, those of one instant as they were set."""

    SLACK = 64
    """So many cancelled alarms may lie about."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Alarm]] = []
        self._serial = 0
        self._cancelled = 0

    def __len__(self) -> int:
        """How many are set."""
        return len(self._heap) - self._cancelled

    def set(self, at: float, ring: Ring) -> Alarm:
        alarm = Alarm(self, ring)
        self._serial += 1
        heappush(self._heap, (at, self._serial, alarm))
        return alarm

    def count_cancelled(self) -> None:
        self._cancelled += 1
        if self._cancelled > max(self.SLACK, len(self._heap) // 2):
            self._heap = [entry for entry in self._heap if entry[2].is_set]
            heapify(self._heap)
            self._cancelled = 0

    @property
    def next_at(self) -> float | None:
        heap = self._heap
        while heap and not heap[0][2].is_set:
            heappop(heap)
            self._cancelled -= 1
        return heap[0][0] if heap else None

    def ring_due(self, now: float) -> None:
        while (at := self.next_at) is not None and at <= now:
            ring = heappop(self._heap)[2].take()
            assert ring is not None
            ring(now)
