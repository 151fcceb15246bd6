"""The applications of the demo: how they come, and where."""

import asyncio
from collections.abc import Callable

from infra.demo.client import DemoFailed
from infra.demo_fleet.application import RelayedApplication, VoiceApplication
from infra.demo_fleet.balancer import Balancer
from infra.demo_fleet.line import Where
from infra.demo_fleet.record import Record

ARRIVAL_SECONDS = 0.08
INSISTING = 8
"""How often a worker that is too busy for the moment is asked before another is."""
SHORTEST = 0.6
"""Of the sessions through the second door, as a share of the longest."""


class Crowd:
    """Comes when it is told to, and talks until its time is over."""

    def __init__(self, tasks: asyncio.TaskGroup, balancer: Balancer, url: str) -> None:
        """``url`` is the stack's, where the second door is."""
        self.voices: list[VoiceApplication] = []
        self.relayed: list[RelayedApplication] = []
        self._tasks = tasks
        self._balancer = balancer
        self._door = url.replace("http://", "ws://") + "/call/webrtc"
        self._running: list[asyncio.Task[None]] = []

    @property
    def records(self) -> list[Record]:
        """Of those that talk with audio."""
        return [one.record for one in self.voices]

    @property
    def names(self) -> frozenset[str]:
        voices = (one.name for one in self.records)
        return frozenset((*voices, *(one.lives[0].name for one in self.relayed)))

    @property
    def live(self) -> int:
        """How many have not ended."""
        return sum(not task.done() for task in self._running)

    async def come(
        self,
        name: str,
        voices: int,
        relayed: int,
        hum: Callable[[float], str],
        seconds: float,
    ) -> None:
        """One after the other; when all that talk with audio are answered, the time of
        all begins."""
        before = len(self.voices)
        begin = asyncio.Event()
        for number in range(voices):
            where = self._preferring(number)
            url = hum(seconds)
            one = VoiceApplication(f"{name}{number}", where, begin, url, seconds)
            self.voices.append(one)
            await self._begin(one)
        for number in range(relayed):
            share = SHORTEST + (1 - SHORTEST) * number / relayed
            other = RelayedApplication(
                f"{name}-relayed{number}", lambda: self._door, begin, seconds * share
            )
            self.relayed.append(other)
            await self._begin(other)
        for one in self.voices[before:]:
            await one.is_answered.wait()
            if not one.record.session_id:
                said = ", ".join((*one.record.events, *one.record.errors))
                raise DemoFailed(f"A session was not answered, but told: {said}.")
        begin.set()

    async def end(self, seconds: float) -> bool:
        """Whether all have ended before so much time has passed."""
        _, left = await asyncio.wait(self._running, timeout=seconds)
        return not left

    async def _begin(self, one: VoiceApplication | RelayedApplication) -> None:
        self._running.append(self._tasks.create_task(one.run()))
        await asyncio.sleep(ARRIVAL_SECONDS)

    def _preferring(self, number: int) -> Where:
        """One healthy worker, and only if it will not any."""
        asked = 0

        def where() -> str | None:
            nonlocal asked
            asked += 1
            healthy = self._balancer.healthy
            if healthy and asked <= INSISTING:
                return at(healthy[number % len(healthy)])
            port = self._balancer.port()
            return None if port is None else at(port)

        return where


def at(port: int) -> str:
    """The door of the worker that has that port."""
    return f"ws://127.0.0.1:{port}/call"
