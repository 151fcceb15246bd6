"""The worker's process: its parts, its signals, its end."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from chalicelib.protocol.lease import Drain, EndSession, Order
from chalicelib.protocol.session.vocabulary import HangupReason
from chalicelib.protocol.tokens import worker_token
from mediaworker.control.connections import connections
from mediaworker.control.emf import MetricLines
from mediaworker.control.fleet import Body
from mediaworker.control.membership import Standing
from mediaworker.control.neighbours import Neighbours
from mediaworker.ending import FOREVER_SECONDS, Ending
from mediaworker.gateway.application import Desk, application_of
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.passing import Passing
from mediaworker.gateway.port import Port
from mediaworker.gateway.precache import Prepare
from mediaworker.gateway.relay import Relay
from mediaworker.gateway.sockets import Sockets
from mediaworker.runtime.clock import epoch_ms, new_uuid
from mediaworker.runtime.ports import FactSink, Sessions
from mediaworker.settings import Settings
from mediaworker.ties import Run, fleet_of, guards_of, trust_of
from mediaworker.worker import Worker

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 100.0
FLUSH_SECONDS = 0.7
FENCED_STATUS = 75
"""EX_TEMPFAIL: start it again."""
SYSTEM = "system"


class Runtime(Protocol):
    """The sessions and their tick."""

    @property
    def sessions(self) -> Sessions: ...

    @property
    def is_ready(self) -> bool:
        """Whether sessions would find all that they need."""

    @property
    def prepare(self) -> Prepare:
        """Has a text made into speech that is kept."""

    async def run(self) -> None:
        """Until cancelled."""

    async def drain(self, seconds: float) -> None:
        """No more sessions; wait so long for the last to end, end the rest. May be
        cancelled, and begun again."""

    def readings(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Engine:
    """What carries the sessions."""

    runtime: Runtime
    runs: tuple[Run, ...] = ()
    """What runs beside it, each until it is cancelled."""
    readies: tuple[Callable[[], bool], ...] = ()
    """What else has to be up before the worker is."""
    drains: tuple[Callable[[], None], ...] = ()
    """Who else is to begin nothing new, once the worker ends."""
    readings: tuple[Callable[[], Mapping[str, float]], ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the engine is built with."""

    settings: Settings
    worker_id: str
    epoch: int
    facts: FactSink
    may_take: Callable[[], bool]


Build = Callable[[Surroundings], Engine]
LinesDropped = Callable[[], int]


class Server:
    """One worker, from its parts to its exit status. Made within a running loop."""

    def __init__(
        self,
        settings: Settings,
        worker_id: str,
        build: Build,
        lines_dropped: LinesDropped,
    ) -> None:
        self._settings = settings
        self._epoch = epoch_ms()
        self._lines_dropped = lines_dropped
        self.ending = Ending()
        body = Body(self._standing, self._obey, self._fenced)
        neighbours = Neighbours(worker_id)
        self._fleet = fleet_of(settings, self._epoch, body, neighbours)
        may_take = self._fleet.may_take_sessions
        self._engine = build(
            Surroundings(settings, worker_id, self._epoch, self._fleet, may_take)
        )
        self._sessions = self._engine.runtime.sessions
        self._trust, self._issuer = trust_of(settings)
        self._doorkeeper = Doorkeeper(self._trust, is_open=settings.is_open)
        self._passing = Passing(
            self._sessions,
            self._doorkeeper,
            neighbours,
            lambda: worker_token(settings.jwt_secret, worker_id, epoch_ms() / 1_000),
            self._has_room,
        )
        self._relay = Relay(
            self._sessions,
            partial(connections, settings.credentials_path, epoch_ms),
            settings.server_side_track,
            epoch_ms,
        )
        self._worker = Worker(
            worker_id,
            lambda: len(self._sessions.views()),
            lambda: self._is_ready() and may_take(),
        )
        self._guards = guards_of(settings, self._standing)

    async def serve(self) -> int:
        """The exit status. Raises `mediaworker.gateway.port.PortUnavailable`."""
        runtime, settings = self._engine.runtime, self._settings
        async with self._port(), asyncio.TaskGroup() as tasks:
            logger.info("worker listens", extra={"port": settings.port})
            runs = (
                runtime.run,
                self._fleet.run,
                self._relay.run,
                self._passing.run,
                *self._guards,
                *self._metric_lines(),
                *self._engine.runs,
                *self._issuer,
            )
            running = [tasks.create_task(run()) for run in runs]
            await self._end()
            await asyncio.gather(
                self._relay.flush(FLUSH_SECONDS), self._fleet.flush(FLUSH_SECONDS)
            )
            for task in running:
                task.cancel()
        return self.ending.status

    async def _end(self) -> None:
        """Wait for the end to be begun, and for the sessions to be over."""
        seconds = await self.ending.changed()
        self._worker.drain()
        for begin_nothing in self._engine.drains:
            begin_nothing()
        self._fleet.announce()
        while True:
            async with asyncio.TaskGroup() as tasks:
                drain = tasks.create_task(self._engine.runtime.drain(seconds))
                sooner = tasks.create_task(self.ending.changed())
                await asyncio.wait((drain, sooner), return_when=asyncio.FIRST_COMPLETED)
                drain.cancel()
                sooner.cancel()
            if not drain.cancelled():
                return
            seconds = sooner.result()

    def _port(self) -> Port:
        settings = self._settings
        doorkeeper = self._doorkeeper
        desk = Desk(
            sessions=self._sessions,
            doorkeeper=doorkeeper,
            ice=settings.ice,
            health=self._worker.health,
            readings=self._readings,
            obey=self._fleet.take,
            epoch_ms=epoch_ms,
            new_id=new_uuid,
            relay=self._relay,
            prepare=self._engine.runtime.prepare,
            origins=settings.cors_origins,
        )
        track = settings.server_side_track
        sockets = Sockets(self._sessions, doorkeeper, track, epoch_ms)
        application = application_of(desk)
        return Port(application, sockets, self._passing, settings.host, settings.port)

    def _standing(self) -> Standing:
        return Standing(self._worker.sessions, self._worker.is_draining)

    def _obey(self, order: Order) -> bool:
        if isinstance(order, EndSession):
            return self._sessions.end(order)
        return self._drain(order)

    def _drain(self, order: Drain) -> bool:
        if (order.worker_id, order.epoch) != (self._worker.worker_id, self._epoch):
            return False
        seconds = FOREVER_SECONDS
        if order.deadline_at_ms is not None:
            seconds = max(0.0, (order.deadline_at_ms - epoch_ms()) / 1_000)
        self.ending.begin(min(seconds, FOREVER_SECONDS))
        return True

    def _fenced(self) -> None:
        """The control plane has told of these calls' end already."""
        for view in self._sessions.views():
            self._sessions.end(
                EndSession(view.session_id, HangupReason.FAILED, SYSTEM, new_uuid())
            )
        self.ending.begin(0.0, FENCED_STATUS)

    def _has_room(self) -> bool:
        is_full = self._worker.sessions >= self._settings.capacity
        return not (is_full or self._worker.is_draining)

    def _is_ready(self) -> bool:
        others = (is_ready() for is_ready in self._engine.readies)
        return self._engine.runtime.is_ready and all(others)

    def _metric_lines(self) -> tuple[Run, ...]:
        if not self._settings.has_metric_lines:
            return ()
        return (MetricLines(self._readings, epoch_ms).run,)

    def _readings(self) -> Mapping[str, float]:
        beside = [readings() for readings in self._engine.readings]
        return {
            **{name: value for each in beside for name, value in each.items()},
            **self._engine.runtime.readings(),
            **self._fleet.readings(),
            **self._passing.readings(),
            "capacity": self._settings.capacity,
            "draining": float(self._worker.is_draining),
            "log_lines_dropped_total": self._lines_dropped(),
        }


async def serve(
    settings: Settings,
    worker_id: str,
    build: Build,
    lines_dropped: LinesDropped,
    *,
    with_parent: bool,
) -> int:
    """Until a signal, the parent or the control plane ends it; the exit status."""
    server = Server(settings, worker_id, build, lines_dropped)
    ending, loop = server.ending, asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, ending.begin, 0.0)
    loop.add_signal_handler(signal.SIGTERM, ending.begin, DRAIN_SECONDS)
    if with_parent:
        await _stop_with_parent(ending)
    return await server.serve()


async def _stop_with_parent(ending: Ending) -> None:
    """The parent holds the other end of our standard input, and closes it by dying."""

    class Parent(asyncio.Protocol):
        def connection_lost(self, error: Exception | None) -> None:
            ending.begin(0.0)

    await asyncio.get_running_loop().connect_read_pipe(Parent, sys.stdin)
