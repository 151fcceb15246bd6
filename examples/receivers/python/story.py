"""The events of each call, put in order again. Pure: it is told what time it is."""

import heapq
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

PATIENCE_SECONDS = 3.0
"""How long an event waits for those before it: some may never have been for us."""
MOST_CALLS = 10_000
MOST_IDS = 100_000


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook whose signature was right."""

    id: str
    type: str
    call: str
    seq: int
    """Its place in the call's story, from 1; 0 for what is of no call."""
    body: Any


@dataclass(slots=True)
class _Call:
    done: int = 0
    """The place up to which all has been handed out."""
    waiting: list[tuple[int, int, float, Event]] = field(default_factory=list)
    """Place, arrival, when it came."""


class Stories:
    """Hands out every event once, and each call's in order where it can."""

    def __init__(self, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._patience_seconds = patience_seconds
        self._calls = OrderedDict[str, _Call]()
        self._ids = OrderedDict[str, None]()
        self._arrivals = 0

    def is_new(self, event_id: str) -> bool:
        """True once for each id. Keep the ids in your database, for a week."""
        is_new = event_id not in self._ids
        self._ids[event_id] = None
        if len(self._ids) > MOST_IDS:
            self._ids.popitem(last=False)
        return is_new

    def take(self, event: Event, now: float) -> list[Event]:
        """What can be worked on now: this one, those that waited for it, or none."""
        call = self._call(event.call)
        if event.seq <= call.done:
            return [event]
        self._arrivals += 1
        heapq.heappush(call.waiting, (event.seq, self._arrivals, now, event))
        return self._ready(call)

    def overdue(self, now: float) -> list[Event]:
        """Those that have waited long enough, and what follows them."""
        found = []
        for call in self._calls.values():
            while call.waiting and min(call.waiting, key=_came)[2] <= (
                now - self._patience_seconds
            ):
                call.done = call.waiting[0][0] - 1
                found += self._ready(call)
        return found

    def _call(self, name: str) -> _Call:
        call = self._calls.setdefault(name, _Call())
        self._calls.move_to_end(name)
        if len(self._calls) > MOST_CALLS:
            self._calls.popitem(last=False)
        return call

    @staticmethod
    def _ready(call: _Call) -> list[Event]:
        found = []
        while call.waiting and call.waiting[0][0] <= call.done + 1:
            seq, _, _, event = heapq.heappop(call.waiting)
            call.done = max(call.done, seq)
            found.append(event)
        return found


def _came(entry: tuple[int, int, float, Event]) -> float:
    return entry[2]
