"""The media worker as a child process, kept alive."""

import asyncio
import logging
import os
import signal
import uuid
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp

from chalicelib.protocol.control import HealthStatus, WorkerHealth
from infra.laptop.child import Child
from infra.wiring import WORKER

logger = logging.getLogger(__name__)

PROBE_SECONDS = 0.1
PROBE_TIMEOUT_SECONDS = 2.0
STDERR = 2


class WorkerProcess(Child):
    """Each of its lives is a task."""

    _stdout = STDERR
    """Ours is left to the banner."""

    def __init__(
        self,
        environment: Mapping[str, str],
        root: Path,
        host: str,
        port: int,
        tell_stopped: Callable[[str], Awaitable[None]],
        name: str = "worker",
    ) -> None:
        """``tell_stopped`` hears of each task, by its id, that ended by itself."""
        super().__init__(name, ("-m", WORKER.module), root)
        sources = [str(root / "media-worker" / "src"), str(root)]
        self._environment = {
            **environment,
            "PYTHONPATH": os.pathsep.join(sources),
        }
        self._tell_stopped = tell_stopped
        self._port = port
        self._health_url = f"http://{host}:{port}/health"
        self._task_id = ""
        self.listening = asyncio.Event()
        """Set while a living process has answered for its health."""

    def _new_environment(self) -> Mapping[str, str]:
        self._task_id = uuid.uuid4().hex
        return {**self._environment, "PARLEY_TASK_ID": self._task_id}

    async def _attend(self, process: Process) -> int:
        async with asyncio.TaskGroup() as tasks:
            probing = tasks.create_task(self._probe(process.pid))
            status = await process.wait()
            probing.cancel()
        return status

    def _conclude(self) -> signal.Signals:
        # SIGINT stops, but is a traceback while Python still imports.
        is_up = self.listening.is_set()
        self.listening.clear()
        return signal.SIGINT if is_up else signal.SIGTERM

    async def _has_died(self) -> None:
        await self._tell_stopped(self._task_id)

    async def _probe(self, pid: int) -> None:
        timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as client:
            while not await self._is_healthy(client):  # noqa: ASYNC110 - another process
                await asyncio.sleep(PROBE_SECONDS)
        self.listening.set()
        extra = {"pid": pid, "port": self._port}
        logger.info(f"{self._name} - STARTING -> LISTENING", extra=extra)

    async def _is_healthy(self, client: aiohttp.ClientSession) -> bool:
        try:
            async with client.get(self._health_url) as response:
                health = WorkerHealth.parse(await response.json())
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError, TypeError):
            return False
        return health.status is HealthStatus.OK
