"""The clockwork: a slot every 20 ms, and what is left of it for everything else."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mediaworker.runtime.admission import Ticks
from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.garbage import Collector
from mediaworker.runtime.pace import SLOT_SECONDS, Pace, Slot

logger = logging.getLogger(__name__)

SAMPLES = 3_000
"""The ticks that readings look back on: a minute of them."""


Step = Callable[[float, int], None]
"""Is told the hour and the number of the slot, some of which are skipped."""


@dataclass(slots=True)
class Times:
    """How the latest ticks went, in seconds."""

    lateness: list[float] = field(default_factory=list)
    """From the slot's beginning to the tick's."""
    durations: list[float] = field(default_factory=list)
    """Of all that a tick does, without the time between its steps."""
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
    """Runs the steps of the tick on time; between them the backlog works.

    The steps share the slot, so that none keeps the loop for as long as all of them.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        backlog: Backlog,
        ticks: Ticks,
        collector: Collector,
        clock: Callable[[], float],
    ) -> None:
        self._steps = steps
        self._spacing = SLOT_SECONDS / len(steps)
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
            await self._turn(slot)
            slot = pace.after(slot, self._clock())
            self.times.skipped += slot.skipped

    async def _turn(self, slot: Slot) -> None:
        took, lateness = 0.0, 0.0
        for place, step in enumerate(self._steps):
            due = slot.begins_at + place * self._spacing
            await asyncio.sleep(max(0.0, due - self._clock()))
            began = self._clock()
            step(began, slot.number)
            ended = self._clock()
            took += ended - began
            lateness = lateness or began - due
            self._ticks.add(ended, ended - due)
            self._collector.run(due + self._spacing - ended)
            self._renew_backlog()
        self.times.add(lateness, took)

    def _renew_backlog(self) -> None:
        self._backlog.renew()
        if self._backlog:
            self.work_soon()

    def _work(self) -> None:
        self._is_draining = False
        # What is left when the budget is spent goes on after the next tick.
        self._backlog.drain()
