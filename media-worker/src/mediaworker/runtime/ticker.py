"""The clockwork: a slot every 20 ms, and what is left of it for everything else."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from mediaworker.runtime.admission import Ticks
from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.garbage import Collector
from mediaworker.runtime.pace import Pace, Slot

logger = logging.getLogger(__name__)

SAMPLES = 3_000
"""The ticks that readings look back on: a minute of them."""


@dataclass(slots=True)
class Times:
    """How the latest ticks went, in seconds."""

    lateness: list[float] = field(default_factory=list)
    """From the slot's beginning to the tick's."""
    durations: list[float] = field(default_factory=list)
    """From the tick's beginning to its end."""
    ticks: int = 0
    skipped: int = 0

    def add(self, lateness: float, duration: float) -> None:
        place = self.ticks % SAMPLES
        if len(self.lateness) < SAMPLES:
            self.lateness.append(lateness)
            self.durations.append(duration)
        else:
            self.lateness[place] = lateness
            self.durations[place] = duration
        self.ticks += 1


class Ticker:
    """Runs the tick on time, then collects garbage, then lets the backlog work."""

    def __init__(
        self,
        tick: Callable[[float], None],
        backlog: Backlog,
        ticks: Ticks,
        collector: Collector,
        clock: Callable[[], float],
    ) -> None:
        self._tick = tick
        self._backlog = backlog
        self._ticks = ticks
        self._collector = collector
        self._clock = clock
        self._is_draining = False
        self.times = Times()

    def work_soon(self) -> None:
        """There is something in the backlog."""
        if not self._is_draining:
            self._is_draining = True
            asyncio.get_running_loop().call_soon(self._work)

    async def run(self) -> None:
        """Until cancelled."""
        pace = Pace(self._clock())
        slot = pace.first()
        while True:
            await asyncio.sleep(max(0.0, slot.begins_at - self._clock()))
            self._turn(slot)
            slot = pace.after(slot, self._clock())
            self.times.skipped += slot.skipped

    def _turn(self, slot: Slot) -> None:
        began = self._clock()
        self._tick(began)
        ended = self._clock()
        self._ticks.add(ended, ended - slot.begins_at)
        self.times.add(began - slot.begins_at, ended - began)
        self._collector.run(slot.ends_at - ended)
        self._backlog.renew()
        if self._backlog:
            self.work_soon()

    def _work(self) -> None:
        self._is_draining = False
        # What is left when the budget is spent goes on after the next tick.
        self._backlog.drain()
