"""Carries what `Membership` and `Outbox` say to the control plane, and its answers."""

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from chalicelib.protocol.lease import EndSession, Fact, Lease, Order, SessionFact
from mediaworker.control.membership import (
    HEARTBEAT_SECONDS,
    Action,
    CarryOut,
    Membership,
    Probe,
    Standing,
    TellDone,
)
from mediaworker.control.neighbours import Neighbours
from mediaworker.control.outbox import Outbox
from mediaworker.control.plane import (
    ControlPlane,
    ControlPlaneError,
    Fenced,
    Refused,
    is_there,
    new_client,
)

logger = logging.getLogger(__name__)

FIRST_SECONDS = 0.25
SOONEST_SECONDS = 0.1
"""Between two heartbeats, however soon the next is asked for."""
"""Between attempts to get a lease at all."""
MOST_PROBES = 16


class Fleet(Protocol):
    """All workers and the control plane, as one worker has to do with them."""

    def tell(self, fact: SessionFact) -> None:
        """Kept and sent again until it is taken. Nothing here waits."""

    def may_take_sessions(self) -> bool:
        """False for who could not tell the control plane of them."""

    def announce(self) -> None:
        """Something of the lease has changed."""

    def take(self, order: Order) -> bool:
        """One that was brought to our door; whether it was, or had been, obeyed."""

    def readings(self) -> Mapping[str, float]: ...

    async def flush(self, seconds: float) -> None:
        """Wait for the facts that are left, but not longer."""

    async def run(self) -> None:
        """Until cancelled."""


@dataclass(frozen=True, slots=True)
class Body:
    """The worker's, that is moved by what the fleet says."""

    standing: Callable[[], Standing]
    obey: Callable[[Order], bool]
    fenced: Callable[[], None]
    """Told once: end all sessions, and stop."""


class Alone:
    """A worker without a control plane tells nobody, and obeys whom it hears."""

    def __init__(self, body: Body) -> None:
        self.take = body.obey

    def tell(self, fact: SessionFact) -> None:
        """Nobody wants to know."""

    def may_take_sessions(self) -> bool:
        return True

    def announce(self) -> None:
        """Nobody wants to know."""

    def readings(self) -> Mapping[str, float]:
        return {}

    async def flush(self, seconds: float) -> None:
        """Nothing is left."""

    async def run(self) -> None:
        await asyncio.Event().wait()


class Member:
    """Heartbeats and facts, each in its own time, while `run` runs."""

    def __init__(
        self,
        membership: Membership,
        body: Body,
        reach: Callable[[aiohttp.ClientSession], ControlPlane],
        epoch_ms: Callable[[], int],
        neighbours: Neighbours | None = None,
    ) -> None:
        """``neighbours`` are told of by each heartbeat."""
        self._membership = membership
        if neighbours is None:
            neighbours = Neighbours(membership.me.worker_id)
        self._neighbours = neighbours
        self._body = body
        self._reach = reach
        self._epoch_ms = epoch_ms
        self._outbox = Outbox()
        self._told = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._news = asyncio.Event()
        self._probed: set[str] = set()
        self._again_in = HEARTBEAT_SECONDS
        self._state = "UNKNOWN"

    def tell(self, fact: SessionFact) -> None:
        assert isinstance(fact, Fact)
        self._outbox.add(fact)
        self._is_empty.clear()
        self._told.set()

    def may_take_sessions(self) -> bool:
        now = asyncio.get_running_loop().time()
        return self._membership.may_take_sessions(now)

    def announce(self) -> None:
        self._news.set()

    def take(self, order: Order) -> bool:
        if self._membership.is_new(order):
            return self._carry_out(order)
        return isinstance(order, EndSession) and self._membership.outcome(order)

    def readings(self) -> Mapping[str, float]:
        told: dict[str, float] = {
            "facts_waiting": len(self._outbox),
            "facts_dropped_total": self._outbox.dropped,
        }
        age = self._membership.lease_age(asyncio.get_running_loop().time())
        return told if age is None else {**told, "lease_age_seconds": age}

    async def flush(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_empty.wait()

    async def run(self) -> None:
        async with new_client() as client, asyncio.TaskGroup() as tasks:
            plane = self._reach(client)
            self._neighbours.ask_by(plane.find)
            tasks.create_task(self._beat(plane, client, tasks))
            tasks.create_task(self._post_facts(plane))

    async def _beat(
        self,
        plane: ControlPlane,
        client: aiohttp.ClientSession,
        tasks: asyncio.TaskGroup,
    ) -> None:
        loop = asyncio.get_running_loop()
        while not self._membership.is_fenced:
            sent_at = loop.time()
            self._news.clear()
            for action in await self._renew(plane, sent_at):
                self._begin(action, plane, client, tasks)
            wait = max(0.0, sent_at + self._pause() - loop.time())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._news.wait()

    def _pause(self) -> float:
        """A worker that never had its lease is of no use yet."""
        is_new = self._membership.lease_age(0.0) is None
        usual = FIRST_SECONDS if is_new else HEARTBEAT_SECONDS
        return min(usual, self._again_in)

    async def _renew(self, plane: ControlPlane, sent_at: float) -> tuple[Action, ...]:
        self._again_in = HEARTBEAT_SECONDS
        lease = self._membership.lease(self._body.standing(), self._epoch_ms())
        try:
            heartbeat = await plane.renew(lease)
        except Fenced:
            self._fenced()
        except ControlPlaneError as error:
            self._turn("AWAY", str(error))
        else:
            self._turn("REACHED")
            self._neighbours.learn(heartbeat.workers)
            if heartbeat.again_in_ms is not None:
                self._again_in = max(SOONEST_SECONDS, heartbeat.again_in_ms / 1_000)
            return self._membership.renewed(heartbeat, sent_at)
        return ()

    def _begin(
        self,
        action: Action,
        plane: ControlPlane,
        client: aiohttp.ClientSession,
        tasks: asyncio.TaskGroup,
    ) -> None:
        if isinstance(action, CarryOut):
            self._carry_out(action.order)
        elif isinstance(action, TellDone):
            tasks.create_task(_once(plane.finish(action.command_id)))
        elif self._may_probe(action):
            self._probed.add(action.lease.worker_id)
            tasks.create_task(self._probe(plane, client, action.lease))

    def _may_probe(self, action: Probe) -> bool:
        is_tried = action.lease.worker_id in self._probed
        return not is_tried and len(self._probed) < MOST_PROBES

    async def _probe(
        self, plane: ControlPlane, client: aiohttp.ClientSession, suspect: Lease
    ) -> None:
        try:
            if not await is_there(client, suspect):
                extra = {"suspect": suspect.worker_id}
                logger.warning("worker not reached", extra=extra)
                witness = self._membership.unreachable(suspect, self._epoch_ms())
                await _once(plane.testify(witness))
        finally:
            self._probed.discard(suspect.worker_id)

    async def _post_facts(self, plane: ControlPlane) -> None:
        loop = asyncio.get_running_loop()
        while not self._membership.is_fenced:
            wait = self._outbox.wait_seconds(loop.time())
            if wait is None:
                self._is_empty.set()
                self._told.clear()
                await self._told.wait()
            elif wait:
                await asyncio.sleep(wait)
            else:
                await self._post_batch(plane)

    async def _post_batch(self, plane: ControlPlane) -> None:
        batch = self._outbox.take_batch()
        try:
            await plane.tell(batch)
        except Fenced:
            self._fenced()
        except Refused:
            logger.error("facts refused", extra={"facts": len(batch)})
            self._outbox.refused()
        except ControlPlaneError:
            now = asyncio.get_running_loop().time()
            self._outbox.failed(now, random.random())
        else:
            self._outbox.taken()

    def _carry_out(self, order: Order) -> bool:
        is_done = self._body.obey(order)
        self._membership.carried_out(order, is_done)
        return is_done

    def _fenced(self) -> None:
        if self._membership.fence():
            self._turn("FENCED")
            self._is_empty.set()
            self._body.fenced()

    def _turn(self, state: str, reason: str = "") -> None:
        if state != self._state:
            extra = {"reason": reason}
            logger.warning("control plane - %s -> %s", self._state, state, extra=extra)
            self._state = state


async def _once(call: Awaitable[None]) -> None:
    """The next heartbeat asks again for what was not heard."""
    try:
        await call
    except ControlPlaneError as error:
        logger.warning("control plane not told", extra={"reason": repr(error)})
