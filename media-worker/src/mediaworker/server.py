"""The worker's process: its port, its signals, its end."""

import asyncio
import logging
import signal
import sys

from aiohttp import web

from mediaworker.gateway.application import application_of
from mediaworker.settings import Settings
from mediaworker.worker import Worker

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 100.0
SHUTDOWN_SECONDS = 1.0


async def serve(worker: Worker, settings: Settings, *, with_parent: bool) -> None:
    """Until a signal ends it. Raises OSError when the port cannot be had."""
    stop, drain = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, stop.set)
    loop.add_signal_handler(signal.SIGTERM, drain.set)
    if with_parent:
        await _stop_with_parent(stop)
    runner = web.AppRunner(
        application_of(worker), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.host, settings.port).start()
        logger.info("worker listens", extra={"port": settings.port})
        async with asyncio.TaskGroup() as tasks:
            draining = tasks.create_task(_drain_and_stop(worker, drain, stop))
            await stop.wait()
            draining.cancel()
    finally:
        await runner.cleanup()


async def _drain_and_stop(
    worker: Worker, drain: asyncio.Event, stop: asyncio.Event
) -> None:
    await drain.wait()
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            await worker.drain()
    except TimeoutError:
        logger.warning("sessions cut", extra={"sessions": worker.health().sessions})
    stop.set()


async def _stop_with_parent(stop: asyncio.Event) -> None:
    """The parent holds the other end of our standard input, and closes it by dying."""

    class Parent(asyncio.Protocol):
        def connection_lost(self, error: Exception | None) -> None:
            stop.set()

    await asyncio.get_running_loop().connect_read_pipe(Parent, sys.stdin)
