"""The media worker as a child process, kept alive."""

import asyncio
import logging
import os
import signal
import sys
import uuid
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp

from chalicelib.protocol.control import HealthStatus, WorkerHealth

logger = logging.getLogger(__name__)

FIRST_RESTART_SECONDS = 0.5
SLOWEST_RESTART_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""A worker that lived this long died of something new: begin the waits anew."""
PROBE_SECONDS = 0.1
PROBE_TIMEOUT_SECONDS = 2.0
STOP_SECONDS = 2.0


class WorkerProcess:
    """Starts the worker, starts it again when it dies, and stops it in the end."""

    def __init__(
        self,
        environment: Mapping[str, str],
        root: Path,
        host: str,
        port: int,
        tell_stopped: Callable[[str], Awaitable[None]],
    ) -> None:
        """``tell_stopped`` hears of each task, by its id, that ended by itself."""
        sources = [str(root / "media-worker" / "src"), str(root)]
        self._environment = {
            **environment,
            "PYTHONPATH": os.pathsep.join(sources),
        }
        self._root = root
        self._tell_stopped = tell_stopped
        self._health_url = f"http://{host}:{port}/health"
        self.listening = asyncio.Event()
        """Set while a living process has answered for its health."""

    async def run(self) -> None:
        """Until cancelled; then no process is left."""
        loop = asyncio.get_running_loop()
        wait = FIRST_RESTART_SECONDS
        while True:
            began, task_id = loop.time(), uuid.uuid4().hex
            try:
                status = str(await self._live(task_id))
            except OSError as error:
                status = str(error)
            if loop.time() - began > STEADY_SECONDS:
                wait = FIRST_RESTART_SECONDS
            logger.error(
                "worker died, starting it again",
                extra={"exit_status": status, "seconds": wait},
            )
            await self._tell_stopped(task_id)
            await asyncio.sleep(wait)
            wait = min(wait * 2, SLOWEST_RESTART_SECONDS)

    async def _live(self, task_id: str) -> int:
        """One life of the worker, from its start to its exit status."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "mediaworker",
            "--with-parent",
            cwd=self._root,
            env={**self._environment, "PARLEY_TASK_ID": task_id},
            # The worker stops when this pipe closes, however we die.
            stdin=PIPE,
            stdout=sys.stderr,
            # Ctrl-C reaches us alone, and we stop it in our own order.
            start_new_session=True,
        )
        try:
            async with asyncio.TaskGroup() as tasks:
                probing = tasks.create_task(self._probe())
                status = await process.wait()
                probing.cancel()
            return status
        finally:
            # SIGINT stops, but is a traceback while Python still imports.
            is_up = self.listening.is_set()
            self.listening.clear()
            await _stop(process, signal.SIGINT if is_up else signal.SIGTERM)

    async def _probe(self) -> None:
        timeout = aiohttp.ClientTimeout(total=PROBE_TIMEOUT_SECONDS)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as client:
            while not await self._is_healthy(client):  # noqa: ASYNC110 - another process
                await asyncio.sleep(PROBE_SECONDS)
        self.listening.set()
        logger.info("worker - STARTING -> LISTENING")

    async def _is_healthy(self, client: aiohttp.ClientSession) -> bool:
        try:
            async with client.get(self._health_url) as response:
                health = WorkerHealth.parse(await response.json())
        except (aiohttp.ClientError, TimeoutError, KeyError, ValueError, TypeError):
            return False
        return health.status is HealthStatus.OK


async def _stop(process: Process, number: signal.Signals) -> None:
    if process.returncode is not None:
        return
    process.send_signal(number)
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.wait()
    except TimeoutError:
        logger.warning("worker killed", extra={"pid": process.pid})
        process.kill()
        await process.wait()
