"""A child process that is started, started again when it dies, and ends with us.

Parent and child talk over a socket, whose end in the child is named by the first of
its arguments. `mediaworker.speech.framing` has the form of what they say.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

from mediaworker.speech.framing import BrokenFrame, Unpacker, pack

logger = logging.getLogger(__name__)

SOCKET_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Patience:
    """How long it waits before it starts a child again, and until one has ended."""

    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    settled_seconds: float = 30.0
    """One that lived so long died of something new."""
    start_seconds: float = 30.0
    """One that is not ready by then never will be."""
    stop_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class Child:
    """What is started."""

    name: str
    """For the log."""
    command: tuple[str, ...]
    environment: Mapping[str, str]
    descriptors: tuple[int, ...] = ()
    """That it inherits: its arguments after the socket's."""


def run_module(name: str) -> tuple[str, ...]:
    """The command that has this Python run it."""
    return (sys.executable, "-m", name)


class Children:
    """One child after the other. Nothing but `run` waits."""

    def __init__(
        self,
        child: Child,
        receive: Callable[[Any], None],
        lost: Callable[[], None],
        is_ready: Callable[[], bool],
        patience: Patience = Patience(),
    ) -> None:
        """``lost`` is told when one is gone; ``is_ready`` tells whether it had come
        up."""
        self._child = child
        self._receive = receive
        self._lost = lost
        self._is_ready = is_ready
        self._patience = patience
        self._link: Link | None = None
        self._stopping = asyncio.Event()
        self.pid: int | None = None
        self.starts = 0

    @property
    def queued(self) -> int:
        """Bytes that wait to be sent."""
        return 0 if self._link is None else self._link.queued

    def send(self, message: object) -> bool:
        """False when there is no child."""
        if self._link is None:
            return False
        self._link.send(message)
        return True

    def abort(self) -> None:
        """The child is of no use any more: start another."""
        if self._link is not None:
            self._link.abort()

    @property
    def is_stopping(self) -> bool:
        """It was told to end."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """`run` returns soon. Again: nothing."""
        self._stopping.set()

    async def run(self) -> None:
        """Until it is stopped or cancelled; the child is gone then."""
        pause = self._patience.first_seconds
        while not self._stopping.is_set():
            if await self._live():
                pause = self._patience.first_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(2 * pause, self._patience.longest_seconds)

    async def _live(self) -> bool:
        """One life; whether it was a long one."""
        loop = asyncio.get_running_loop()
        link = Link(self._receive)
        process = await self._spawn(link)
        if process is None:
            return False
        self._link, self.pid = link, process.pid
        self.starts += 1
        began = loop.time()
        try:
            await self._until_lost(link)
        except asyncio.CancelledError:
            self._stopping.set()
            raise
        finally:
            self._link = None
            link.close()
            self._lost()
            await self._reap(process)
            self.pid = None
        return loop.time() - began > self._patience.settled_seconds

    async def _spawn(self, link: "Link") -> asyncio.subprocess.Process | None:
        child = self._child
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        with theirs:
            descriptors = (theirs.fileno(), *child.descriptors)
            try:
                process = await asyncio.create_subprocess_exec(
                    *child.command,
                    *map(str, descriptors),
                    env=dict(child.environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=descriptors,
                )
            except OSError as error:
                logger.error(f"{child.name}: not started", extra={"why": str(error)})
                ours.close()
                return None
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: link, sock=ours)
        return process

    async def _until_lost(self, link: "Link") -> None:
        """Or stopped, or not ready in time."""
        loop = asyncio.get_running_loop()
        late = loop.call_later(self._patience.start_seconds, self._check_ready, link)
        lost = asyncio.ensure_future(link.lost.wait())
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            lost.cancel()
            stopped.cancel()

    def _check_ready(self, link: "Link") -> None:
        if not self._is_ready():
            logger.error(f"{self._child.name} is not ready in time")
            link.abort()

    async def _reap(self, process: asyncio.subprocess.Process) -> None:
        """Its end of the socket is closed: it ends by itself, or is killed."""
        try:
            async with asyncio.timeout(self._patience.stop_seconds):
                status = await process.wait()
        except (TimeoutError, asyncio.CancelledError) as error:
            with suppress(ProcessLookupError):
                process.kill()
            status = await process.wait()
            if isinstance(error, asyncio.CancelledError):
                raise
        logger.info(f"{self._child.name} ended", extra={"status": status})


class Link(asyncio.Protocol):
    """Either end of the socket."""

    def __init__(
        self, receive: Callable[[Any], None], end: Callable[[], None] = lambda: None
    ) -> None:
        """``end`` is told when the other end is closed."""
        self._receive = receive
        self._end = end
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    @property
    def queued(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def send(self, message: object) -> None:
        if self._transport is not None:
            self._transport.write(pack(message))

    def close(self) -> None:
        """After what was sent."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._unpacker.feed(data)
        except BrokenFrame:
            logger.exception("the other end is not understood")
            self.abort()
            return
        for message in messages:
            try:
                self._receive(message)
            except Exception:
                logger.exception("message failed")

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.lost.set()
        self._end()
