"""The edge's process: sockets around a `Forwarder`, and its end."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from mediaworker.edge.feed import RosterFeed
from mediaworker.edge.forwarding import Forwarder
from mediaworker.edge.placements import Placements
from mediaworker.edge.settings import EdgeSettings
from mediaworker.edge.web import Standing, application_of, listening
from mediaworker.ending import Ending
from mediaworker.runtime import clock as world
from mediaworker.settings import BadSetting
from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, Transmission
from mediaworker.telephony import resolving
from mediaworker.telephony.defences import Defences, Network
from mediaworker.telephony.sip_sockets import Listeners, SipPortTaken, SipSockets

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0


class EdgeDefences(Defences):
    """Workers are no strangers, wherever they are."""

    def __init__(
        self, friends: Sequence[Network], is_worker: Callable[[str], bool]
    ) -> None:
        super().__init__(friends)
        self._is_worker = is_worker

    def is_friend(self, host: str) -> bool:
        return self._is_worker(host) or super().is_friend(host)


class Edge:
    """One. Made within a running loop."""

    def __init__(self, settings: EdgeSettings, edge_id: str) -> None:
        """Bound, and not listening yet. Raises `BadSetting`."""
        self.ending = Ending()
        self.settings = settings
        secret = settings.jwt_secret
        self._feed = RosterFeed(
            settings.control_url, edge_id, secret, world.epoch_ms, world.monotonic
        )
        self._defences = EdgeDefences(settings.peers, self._is_worker)
        self._sockets = SipSockets(
            self._defences,
            world.monotonic,
            Listeners(self._heard, self._failed),
            self._spawn,
            self._resolve,
        )
        self._tasks: asyncio.TaskGroup | None = None
        self._lost = 0
        host = settings.advertised_host or resolving.own_address(settings.host)
        self._placements = Placements()
        self._forwarder = Forwarder(
            f"[{host}]" if ":" in host else host,
            self._bind(),
            Seal(secret),
            self._placements,
        )

    async def serve(self) -> int:
        """The exit status. Raises `mediaworker.gateway.port.PortUnavailable`."""
        settings = self.settings
        secret = settings.jwt_secret
        application = application_of(self._standing, self.readings, secret)
        try:
            async with listening(application, settings.host, settings.http_port):
                await self._run()
        finally:
            self._sockets.close()
        return self.ending.status

    async def _run(self) -> None:
        await self._sockets.open()
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            running = [
                tasks.create_task(run()) for run in (self._feed.run, self._sweep)
            ]
            ports = {"port": self.settings.port, "http_port": self.settings.http_port}
            logger.info("edge listens", extra=ports)
            await self._end()
            self._tasks = None
            for task in running:
                task.cancel()

    async def _end(self) -> None:
        """Balancers send what is under way for a while: it is passed on still."""
        seconds = await self.ending.changed()
        logger.info("edge - OK -> DRAINING", extra={"seconds": seconds})
        while seconds > 0:
            try:
                async with asyncio.timeout(seconds):
                    seconds = await self.ending.changed()
            except TimeoutError:
                return

    # What the sockets bring, and what they are given

    def _heard(self, message: bytes, source: Hop) -> None:
        roster = self._feed.roster
        self._do(lambda: self._forwarder.receive(message, source, roster))

    def _failed(self, hop: Hop) -> None:
        # One that is chosen instead may fail at once, too: not within this one.
        loop = asyncio.get_running_loop()
        loop.call_soon(self._do, lambda: self._forwarder.failed(hop, self._feed.roster))

    def _do(self, decide: Callable[[], list[Transmission]]) -> None:
        try:
            found = decide()
        except Exception:
            logger.exception("message not understood")
            return
        for transmission in found:
            self._send(transmission)

    def _send(self, transmission: Transmission) -> None:
        hop = transmission.hop
        if hop.flow is not None and not self._sockets.holds(hop):
            self._lost += 1
            return
        self._defences.saw_answer(transmission.data, hop.host, world.monotonic())
        self._sockets.send(transmission)

    # Within

    def _bind(self) -> int:
        settings = self.settings
        try:
            return self._sockets.bind(settings.host, settings.port)
        except SipPortTaken as reason:
            raise BadSetting(f"PARLEY_EDGE_PORT: {reason}.") from None

    def _is_worker(self, host: str) -> bool:
        return host in self._feed.roster.hosts

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._sockets.sweep(world.monotonic())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        if self._tasks is None:
            raise RuntimeError("the edge is not there for it")
        task = self._tasks.create_task(_guarded(work))
        # Cancelled before it has begun, it would be left as it is.
        task.add_done_callback(lambda done: work.close())
        return task

    async def _resolve(self, host: str) -> str:
        return await resolving.resolve(host, ":" in self.settings.host)

    def _standing(self) -> Standing:
        roster = self._feed.roster
        return Standing(len(roster.workers), len(roster.takers), self.ending.has_begun)

    def readings(self) -> Mapping[str, float]:
        tally, roster = self._forwarder.tally, self._feed.roster
        dropped = tally.dropped + self._defences.dropped + self._sockets.lost
        return {
            "answers_total": tally.answers,
            "bans_total": self._defences.bans,
            "calls_remembered": len(self._placements),
            "connections": self._sockets.connections,
            "draining": float(self.ending.has_begun),
            "messages_dropped_total": dropped,
            "messages_lost_total": self._lost,
            "requests_total": tally.requests,
            "responses_total": tally.responses,
            "retries_total": tally.retries,
            "roster_age_seconds": self._feed.age_seconds,
            "roster_failures_total": self._feed.failures,
            "takers": len(roster.takers),
            "workers": len(roster.workers),
        }


async def serve(settings: EdgeSettings, edge_id: str) -> int:
    """Until a signal ends it; the exit status. Raises `BadSetting`."""
    edge = Edge(settings, edge_id)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, edge.ending.begin, 0.0)
    seconds = float(settings.drain_seconds)
    loop.add_signal_handler(signal.SIGTERM, edge.ending.begin, seconds)
    return await edge.serve()


async def _guarded(work: Coroutine[Any, Any, None]) -> None:
    """One message's mistake is no other's."""
    try:
        await work
    except Exception:
        logger.exception("SIP task failed")
