"""So many calls held for a while: what they cost, and how well they were served."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Protocol, TypeVar

import picows

from bench.lateness import FRAME_SECONDS, LATE_SECONDS, Lateness
from bench.measurement import Refused
from bench.media_worker import MediaWorker

WARM_UP_SECONDS = 4.0
RETRY_SECONDS = 5.0
MOST_LATE_SHARE = 0.001
"""Of all frames, where so many calls are said to be carried."""

PHASES = 4
"""Phones have clocks of their own: they do not all speak at once."""

NUMBERS = itertools.count()
"""Of phones, as they are made."""

Joined = TypeVar("Joined")


@dataclass(frozen=True, slots=True)
class Held:
    """So many sessions, for a while."""

    sessions: int
    cpu_percent: float
    resident_mb: float
    frames: int
    late: int
    lost: int
    worst_ms: float
    tick_p99_ms: float

    @property
    def is_carried(self) -> bool:
        return not self.lost and self.late <= MOST_LATE_SHARE * self.frames

    def __str__(self) -> str:
        return (
            f"{self.sessions} sessions: {self.cpu_percent:.1f} % of a core, "
            f"{self.resident_mb:.0f} MB, {self.frames} frames heard, "
            f"{self.late} late, {self.lost} lost, worst {self.worst_ms:.0f} ms, "
            f"tick p99 {self.tick_p99_ms:.1f} ms"
        )


class Heard(Protocol):
    """One end of a call."""

    @property
    def lateness(self) -> Lateness: ...

    @property
    def lost(self) -> int: ...

    def reset(self) -> None:
        """Count anew."""


async def watch(worker: MediaWorker, phones: Sequence[Heard], seconds: float) -> Held:
    """All who are in, for so long."""
    await asyncio.sleep(WARM_UP_SECONDS)
    for phone in phones:
        phone.reset()
    before, began = worker.usage(), monotonic()
    await asyncio.sleep(seconds)
    after, ended = worker.usage(), monotonic()
    heard = [phone.lateness for phone in phones]
    readings = await asyncio.to_thread(worker.readings)
    return Held(
        sessions=len(phones),
        cpu_percent=(after.cpu_seconds - before.cpu_seconds) / (ended - began) * 100,
        resident_mb=after.resident_mb,
        frames=sum(one.frames for one in heard),
        late=sum(one.late for one in heard),
        lost=sum(phone.lost for phone in phones),
        worst_ms=max(one.worst_seconds for one in heard) * 1e3,
        tick_p99_ms=readings["parley_worker_tick_duration_p99_seconds"] * 1e3,
    )


async def patiently(join: Callable[[], Awaitable[Joined]]) -> Joined:
    """As an application that is told 503 and Retry-After."""
    while True:
        try:
            return await join()
        except (picows.WSError, Refused):
            await asyncio.sleep(RETRY_SECONDS)


class Mouth(Protocol):
    """One that can say a frame."""

    @property
    def number(self) -> int:
        """Which decides when it speaks, and from where in what is said."""

    def say(self, payload: bytes) -> None: ...


class Mouths:
    """Each says its next frame every 20 ms, at one of several moments of its own."""

    def __init__(self, frames: Sequence[bytes]) -> None:
        self.late_turns = 0
        """Turns that the generator itself was late for."""
        self._frames = frames

    async def run(self, phones: Sequence[Mouth]) -> None:
        """Until cancelled; phones may come and go meanwhile."""
        due, turn, count = monotonic(), 0, len(self._frames)
        while True:
            for phone in list(phones):
                if phone.number % PHASES == turn % PHASES:
                    place = turn // PHASES + phone.number * 7
                    phone.say(self._frames[place % count])
            turn += 1
            due += FRAME_SECONDS / PHASES
            if monotonic() > due + LATE_SECONDS:
                self.late_turns += 1
                due = monotonic()
            await asyncio.sleep(max(0.0, due - monotonic()))
