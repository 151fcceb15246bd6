"""The whole laptop stack: HTTP port, cloud, workers and agent, from start to stop."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from aiohttp import web

from infra import wiring
from infra.laptop import ports
from infra.laptop.agent import AgentProcess
from infra.laptop.clock import now_seconds
from infra.laptop.console_files import ConsoleFiles
from infra.laptop.fleet import Fleet
from infra.laptop.gateway import Gateway
from infra.laptop.inbox import Inbox, endpoints_with_inbox, secret_of
from infra.laptop.settings import Settings
from infra.laptop.sign_in import SignIn
from infra.laptop.sockets import Limits, SocketGateway
from infra.laptop.state import State

if TYPE_CHECKING:
    from infra.laptop.cloud import Cloud

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 0.5
"""How long requests that run may take at the stop."""
CLOUD_STOP_SECONDS = 1.5


class Stack:
    """Listens on the HTTP port first, so that ``/health`` tells how far the rest is."""

    def __init__(self, environment: Mapping[str, str], settings: Settings) -> None:
        """Raises `PortUnavailable`."""
        control_url = f"http://{settings.probe_host}:{settings.http_port}"
        self._environment = {
            **environment,
            **endpoints_with_inbox(environment),
            wiring.Variable.CONNECTIONS_URL: control_url,
            wiring.Variable.CLIENTS_URL: control_url,
        }
        self._settings = settings
        self._state = State(settings.state_folder) if settings.state_folder else None
        self._cloud_runs = asyncio.Event()
        self._fleet = Fleet(
            {**environment, "PARLEY_CONTROL_URL": control_url},
            wiring.ROOT,
            settings,
            self._tell_stopped,
        )
        self._agent = AgentProcess(
            environment,
            wiring.ROOT,
            settings.probe_host,
            settings.worker_port,
            now_seconds,
        )
        self._gateway = Gateway(
            wiring.HTTP_DEFAULT,
            console=ConsoleFiles(wiring.ROOT / "console"),
            allowed=wiring.CORS,
            inbox=Inbox(secret_of(environment["PARLEY_JWT_SECRET"]), now_seconds),
            sign_in=SignIn(environment["PARLEY_JWT_SECRET"], settings, now_seconds),
            is_ready=self._is_ready,
            now_seconds=now_seconds,
            sockets=SocketGateway(
                wiring.WEB_SOCKETS,
                wiring.FUNCTIONS,
                now_seconds,
                Limits(lifetime_seconds=settings.socket_seconds),
            ),
        )

    @property
    def worker_ports(self) -> tuple[int, ...]:
        """The first is the one that was asked for."""
        return self._fleet.ports

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Until ``stop`` is set.

        Raises `PortUnavailable` or `StateUnavailable` before anything runs.
        """
        settings = self._settings
        ports.check(settings.host, settings.http_port, "PARLEY_HTTP_PORT")
        ports.check(settings.host, settings.worker_port, "PARLEY_WORKER_PORT")
        if self._state is not None:
            self._state.open()
        try:
            await self._run(stop, on_ready)
        finally:
            if self._state is not None:
                self._state.close()

    async def _run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        settings = self._settings
        runner = web.AppRunner(
            self._gateway.application(),
            access_log=None,
            shutdown_timeout=DRAIN_SECONDS,
        )
        await runner.setup()
        await web.TCPSite(runner, settings.host, settings.http_port).start()
        async with asyncio.TaskGroup() as tasks:
            children = [
                tasks.create_task(self._fleet.run()),
                tasks.create_task(self._run_agent()),
            ]
            parts = [
                tasks.create_task(self._run_cloud()),
                tasks.create_task(self._announce(on_ready)),
            ]
            try:
                await stop.wait()
            finally:
                # First, for what the workers tell at their end is a request.
                for child in children:
                    child.cancel()
                await asyncio.wait(children)
                # Then, for no request may outlive the cloud that serves it.
                await runner.cleanup()
            for part in parts:
                part.cancel()

    async def _run_cloud(self) -> None:
        loop = asyncio.get_running_loop()
        # A thread, for the imports and the creating take a second or two.
        with_cloud = ThreadPoolExecutor(1, thread_name_prefix="cloud")
        cloud = await loop.run_in_executor(
            with_cloud, _started, self._environment, self._state
        )
        logger.info("cloud - STARTING -> RUNNING")
        self._gateway.open(cloud)
        self._cloud_runs.set()
        try:
            await asyncio.Event().wait()
        finally:
            await loop.run_in_executor(with_cloud, cloud.stop, CLOUD_STOP_SECONDS)

    async def _run_agent(self) -> None:
        if self._settings.has_agent:
            # Nobody waits for it, and whom it waits for starts sooner without it.
            await self._fleet.wait()
            await self._cloud_runs.wait()
            await self._agent.run()

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        await self._cloud_runs.wait()
        await self._fleet.wait()
        on_ready()

    async def _tell_stopped(self, task_id: str) -> None:
        # A worker that died before the cloud ran is known to nobody.
        if self._cloud_runs.is_set():
            await asyncio.to_thread(_tell_stopped, task_id)

    def _is_ready(self) -> bool:
        return self._cloud_runs.is_set() and self._fleet.is_listening


def _started(environment: Mapping[str, str], state: State | None) -> "Cloud":
    # Here, for moto's imports would keep the HTTP port waiting.
    from infra.laptop.cloud import Cloud
    from infra.laptop.tasks import tell_all_stopped

    cloud = Cloud(environment, state=state)
    cloud.start()
    tell_all_stopped()
    return cloud


def _tell_stopped(task_id: str) -> None:
    from infra.laptop.tasks import tell_stopped

    tell_stopped(task_id)
