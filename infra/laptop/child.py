"""A process beside the stack, kept alive."""

import asyncio
import logging
import signal
import sys
from abc import ABC, abstractmethod
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping, Sequence
from pathlib import Path

logger = logging.getLogger(__name__)

FIRST_RESTART_SECONDS = 0.5
SLOWEST_RESTART_SECONDS = 10.0
STEADY_SECONDS = 30.0
"""Who lived this long died of something new: begin the waits anew."""
STOP_SECONDS = 2.0
CLEAN = "0"
"""Of who has done what it was told to: a worker that was drained."""
WITH_PARENT = "--with-parent"
"""Every child stops when its standard input closes, however we die."""


class Child(ABC):
    """Starts a module of Python, starts it again when it dies, and stops it in the end.

    Each process that it starts is a life of the child.
    """

    _stdout: int | None = None
    _stderr: int | None = None
    """Where it writes to; None: where we do."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        """``arguments`` are Python's; ``folder`` is where it works."""
        self._name = name
        self._arguments = (*arguments, WITH_PARENT)
        self._folder = folder

    async def run(self) -> None:
        """Until cancelled; then no process is left."""
        loop = asyncio.get_running_loop()
        wait = FIRST_RESTART_SECONDS
        while True:
            began = loop.time()
            try:
                status = str(await self._live())
            except OSError as error:
                status = str(error)
            if loop.time() - began > STEADY_SECONDS:
                wait = FIRST_RESTART_SECONDS
            is_clean = status == CLEAN
            logger.log(
                logging.INFO if is_clean else logging.ERROR,
                "%s %s, starting it again",
                self._name,
                "ended" if is_clean else "died",
                extra={"exit_status": status, "seconds": wait},
            )
            await self._has_died()
            await asyncio.sleep(wait)
            wait = min(wait * 2, SLOWEST_RESTART_SECONDS)

    @abstractmethod
    def _new_environment(self) -> Mapping[str, str]:
        """The whole of it, for a new life."""

    @abstractmethod
    async def _attend(self, process: Process) -> int:
        """Until it is dead: its exit status."""

    @abstractmethod
    def _conclude(self) -> signal.Signals:
        """A life is over, or is to be by this signal."""

    @abstractmethod
    async def _has_died(self) -> None:
        """By itself, and it is not started again yet."""

    async def _live(self) -> int:
        """From its start to its exit status."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *self._arguments,
            cwd=self._folder,
            env=self._new_environment(),
            stdin=PIPE,
            stdout=self._stdout,
            stderr=self._stderr,
            # Ctrl-C reaches us alone, and we stop it in our own order.
            start_new_session=True,
        )
        try:
            return await self._attend(process)
        finally:
            await self._stop(process, self._conclude())

    async def _stop(self, process: Process, number: signal.Signals) -> None:
        if process.returncode is not None:
            return
        process.send_signal(number)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            logger.warning(f"{self._name} killed", extra={"pid": process.pid})
            process.kill()
            await process.wait()
