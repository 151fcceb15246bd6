"""Three workers, a crowd that talks with them, and what is done to the workers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from chalicelib.protocol.lease import HEARTBEAT_MS
from infra.demo.client import DemoFailed
from infra.demo_fleet import hum, verdicts
from infra.demo_fleet.balancer import Balancer
from infra.demo_fleet.crowd import Crowd, at
from infra.demo_fleet.operator import Operator, Worker
from infra.demo_fleet.verdicts import Story
from infra.laptop.clock import now_seconds

WORKERS = 3
MOVED = 2
"""How many lose their network."""
ACQUAINTED_SECONDS = HEARTBEAT_MS / 1000 + 0.5
"""Until each worker has heard of the others, by its next heartbeat."""
LOOK_SECONDS = 0.25
PROGRESS_SECONDS = 5.0
PATIENCE_SECONDS = 40.0
"""The machine may be shared."""

Tell = Callable[[str, str], None]
"""Who does what, for the reader of the demo."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything there is."""

    voices: int
    relayed: int
    """Through the second door."""
    newcomers: int
    """With audio; half as many through the second door."""
    seconds: float
    """How long the longest session is."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What is to become of whom."""

    killed: Worker
    drained: Worker
    left: Worker


class Scene:
    """One play of it."""

    def __init__(self, operator: Operator, size: Size, tell: Tell) -> None:
        self._operator = operator
        self._size = size
        self._tell = tell

    async def play(self) -> Story:
        """Raises `DemoFailed`."""
        workers = await asyncio.to_thread(self._operator.workers)
        if len(workers) != WORKERS:
            raise DemoFailed(f"{len(workers)} workers live, and not {WORKERS}.")
        balancer = Balancer([one.port for one in workers])
        try:
            async with asyncio.TaskGroup() as tasks, hum.served() as served:
                crowd = Crowd(tasks, balancer, self._operator.url)
                async with _beside(tasks, balancer.run(), self._progress(crowd)):
                    return await self._play(workers, balancer, crowd, served)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _play(
        self, workers: list[Worker], balancer: Balancer, crowd: Crowd, served: hum.Hum
    ) -> Story:
        size = self._size
        names = ", ".join(f"{one.id} at {one.port}" for one in workers)
        self._tell("fleet", f"three workers: {names}")
        await crowd.come("app", size.voices, size.relayed, served, size.seconds)
        fate = await self._cast(workers, crowd)
        await asyncio.sleep(ACQUAINTED_SECONDS)
        await self._move(fate, crowd)
        await self._drain(fate.drained, balancer)
        lost = await self._kill(fate.killed)
        killed_at_ms = int(now_seconds() * 1000)
        await self._until(lambda: fate.killed.port not in balancer.healthy, "a death")
        before = crowd.names
        half = size.newcomers // 2
        await crowd.come("new", size.newcomers, half, served, size.seconds / 2)
        newcomers = crowd.names - before
        self._tell("crowd", f"{len(newcomers)} come, now that two are gone or going")
        took = await self._places(newcomers)
        await self._bury(fate.killed, crowd)
        if not await crowd.end(size.seconds + PATIENCE_SECONDS):
            raise DemoFailed(f"{crowd.live} sessions do not end.")
        self._tell("fleet", "all sessions have ended")
        await self._until(lambda: self._is_whole(fate), "new workers")
        self._tell("fleet", "who was drained has ended, and both have successors")
        relayed = [one.lives for one in crowd.relayed]
        return Story(
            voices=crowd.records,
            relayed=relayed,
            told=await self._told(crowd),
            killed=fate.killed.id,
            drained=fate.drained.id,
            killed_at_ms=killed_at_ms,
            newcomers=newcomers,
            lost=lost & {lives[0].name for lives in relayed},
            took=took,
        )

    async def _cast(self, workers: Sequence[Worker], crowd: Crowd) -> Fate:
        """The kill is to hurt both doors."""
        held = {one.id: await self._held(one) for one in workers}
        counts = ", ".join(f"{len(held[one.id])} at {one.id}" for one in workers)
        self._tell("crowd", f"is there: {counts}")
        relayed = {one.lives[0].name for one in crowd.relayed}
        ranked = sorted(workers, key=lambda one: len(relayed & held[one.id]))
        left, drained, killed = ranked
        return Fate(killed, drained, left)

    async def _move(self, fate: Fate, crowd: Crowd) -> None:
        """A few sockets are lost, and resumed at a worker that has not the session."""
        home, door = fate.drained, fate.left
        moved = [one for one in crowd.voices if one.record.port == home.port][:MOVED]
        for one in moved:
            await one.move(lambda: at(door.port))
        what = f"loses {len(moved)} sockets of {home.id}; they come back at {door.id}"
        self._tell("network", what)
        await self._until(
            lambda: all(one.record.resumed_at for one in moved), "lost sockets"
        )

    async def _drain(self, worker: Worker, balancer: Balancer) -> None:
        await asyncio.to_thread(self._operator.drain, worker)
        self._tell("operator", f"drains {worker.id}")
        await self._until(lambda: worker.port not in balancer.healthy, "the drain")
        count = len(await self._held(worker))
        self._tell(worker.id, f"takes nothing new; its {count} sessions go on")

    async def _kill(self, worker: Worker) -> frozenset[str]:
        """What it had."""
        lost = await self._held(worker)
        await asyncio.to_thread(self._operator.kill, worker)
        self._tell("operator", f"kills {worker.id}, with {len(lost)} sessions")
        return lost

    async def _bury(self, killed: Worker, crowd: Crowd) -> None:
        wanted = {
            one.session_id
            for one in crowd.records
            if one.session_id.startswith(killed.id)
        }
        await self._until(lambda: wanted <= self._ended(), "the burial")
        self._tell("fleet", f"{killed.id} was taken for dead: its sessions are over")

    def _ended(self) -> set[str]:
        """Sessions whose end the business was told."""
        return {
            one["body"]["data"]["session_id"]
            for one in self._operator.told()
            if one["type"] == verdicts.ENDED
        }

    def _is_whole(self, fate: Fate) -> bool:
        living = {one.id for one in self._operator.workers()}
        return len(living) == WORKERS and not {fate.killed.id, fate.drained.id} & living

    async def _told(self, crowd: Crowd) -> list[dict[str, Any]]:
        """When each session's end is."""
        wanted = {one.session_id for one in crowd.records}
        await self._until(lambda: wanted <= self._ended(), "webhooks")
        return await asyncio.to_thread(self._operator.told)

    async def _places(self, names: frozenset[str]) -> dict[str, str]:
        """Name of a relayed session -> its worker."""
        found: dict[str, str] = {}
        for worker in await asyncio.to_thread(self._operator.workers):
            found |= {name: worker.id for name in names & await self._held(worker)}
        return found

    async def _held(self, worker: Worker) -> frozenset[str]:
        """The sessions of a worker; none of one that does not answer."""
        try:
            found = await asyncio.to_thread(self._operator.sessions, worker)
        except DemoFailed:
            return frozenset()
        return frozenset(found)

    async def _progress(self, crowd: Crowd) -> None:
        while True:
            await asyncio.sleep(PROGRESS_SECONDS)
            frames = sum(len(one.heard) for one in crowd.records)
            self._tell("", f"{crowd.live} sessions talk; {frames} frames were heard")

    async def _until(self, is_so: Callable[[], bool], what: str) -> None:
        """Raises `DemoFailed` when it has gone on for too long."""
        ends_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not await asyncio.to_thread(is_so):
            if asyncio.get_running_loop().time() > ends_at:
                raise DemoFailed(
                    f"After {PATIENCE_SECONDS:.0f} s still waiting for {what}."
                )
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def _beside(tasks: asyncio.TaskGroup, *works: Any) -> AsyncIterator[None]:
    """Within the block they are done."""
    begun = [tasks.create_task(work) for work in works]
    try:
        yield
    finally:
        for task in begun:
            task.cancel()
