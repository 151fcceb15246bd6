"""The media process's end: starts the speech process, and starts it again."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import cast

from mediaworker.speech.framing import BrokenFrame, Unpacker, pack
from mediaworker.speech.messages import Heard, Ready, Reply, Request

logger = logging.getLogger(__name__)

COMMAND = (sys.executable, "-m", "mediaworker.speech")
QUEUE_BYTES = 4 << 20
"""What waits for the process; above it, audio that is heard is lost."""
HOPELESS_BYTES = 4 * QUEUE_BYTES
"""A process that lets so much wait is not there any more."""
SOCKET_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Restarts:
    """How long it waits before it starts a process again."""

    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    settled_seconds: float = 30.0
    """One that lived so long after it was ready died of something new."""
    start_seconds: float = 30.0
    """One that is not ready by then never will be."""
    stop_seconds: float = 1.0


class SpeechProcessClient:
    """A `SpeechProcess` of the runtime's ports."""

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        command: Sequence[str] = COMMAND,
        restarts: Restarts = Restarts(),
    ) -> None:
        self._environment = environment
        self._command = command
        self._restarts = restarts
        self._hear: Callable[[Reply], None] = lambda reply: None
        self._died: Callable[[], None] = lambda: None
        self._link: _Link | None = None
        self._stopping = asyncio.Event()
        self.ready: Ready | None = None
        """What the process can do; None while it is not up."""
        self.pid: int | None = None
        self.starts = 0

    def listen(self, hear: Callable[[Reply], None], died: Callable[[], None]) -> None:
        """Who hears replies, `Ready` among them, and of its death."""
        self._hear = hear
        self._died = died

    def send(self, request: Request) -> bool:
        """False for audio that is lost: then silence is sent for it."""
        link = self._link
        if link is None or self.ready is None:
            return False
        queued = link.queued()
        if queued > HOPELESS_BYTES:
            logger.error("speech process takes nothing", extra={"queued": queued})
            link.abort()
            return False
        if isinstance(request, Heard) and queued > QUEUE_BYTES:
            link.send(replace(request, samples=b""))
            return False
        link.send(request)
        return True

    def stop(self) -> None:
        """`run` returns soon. Again: nothing."""
        self._stopping.set()

    async def run(self) -> None:
        """Until it is stopped or cancelled; the process is gone then."""
        pause = self._restarts.first_seconds
        while not self._stopping.is_set():
            has_settled = await self._live()
            if has_settled:
                pause = self._restarts.first_seconds
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
            pause = min(2 * pause, self._restarts.longest_seconds)

    async def _live(self) -> bool:
        """One life of the process; whether it was a long one."""
        loop = asyncio.get_running_loop()
        link = _Link(self._receive)
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
            was_ready, self.ready, self._link = self.ready, None, None
            link.abort()
            if was_ready is not None and not self._stopping.is_set():
                self._died()
            await self._reap(process)
            self.pid = None
        return loop.time() - began > self._restarts.settled_seconds

    async def _spawn(self, link: "_Link") -> asyncio.subprocess.Process | None:
        ours, theirs = socket.socketpair()
        for end in (ours, theirs):
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BYTES)
        with theirs:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    str(theirs.fileno()),
                    env=dict(self._environment),
                    stdin=asyncio.subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                )
            except OSError as error:
                logger.error("speech process: not started", extra={"why": str(error)})
                ours.close()
                return None
        loop = asyncio.get_running_loop()
        await loop.create_unix_connection(lambda: link, sock=ours)
        return process

    async def _until_lost(self, link: "_Link") -> None:
        """Or stopped, or not ready in time."""
        loop = asyncio.get_running_loop()
        late = loop.call_later(self._restarts.start_seconds, self._check_ready, link)
        lost = asyncio.ensure_future(link.lost.wait())
        stopped = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({lost, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            lost.cancel()
            stopped.cancel()

    def _check_ready(self, link: "_Link") -> None:
        if self.ready is None:
            logger.error("speech process is not ready in time")
            link.abort()

    async def _reap(self, process: asyncio.subprocess.Process) -> None:
        """Its end of the socket is closed: it ends by itself, or is killed."""
        try:
            async with asyncio.timeout(self._restarts.stop_seconds):
                status = await process.wait()
        except (TimeoutError, asyncio.CancelledError) as error:
            with suppress(ProcessLookupError):
                process.kill()
            status = await process.wait()
            if isinstance(error, asyncio.CancelledError):
                raise
        logger.info("speech process ended", extra={"status": status})

    def _receive(self, reply: Reply) -> None:
        if isinstance(reply, Ready):
            self.ready = reply
        self._hear(reply)


class _Link(asyncio.Protocol):
    """Our end of the socket."""

    def __init__(self, receive: Callable[[Reply], None]) -> None:
        self._receive = receive
        self._unpacker = Unpacker()
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()

    def send(self, request: Request) -> None:
        if self._transport is not None:
            self._transport.write(pack(request))

    def queued(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=HOPELESS_BYTES)

    def data_received(self, data: bytes) -> None:
        try:
            replies = self._unpacker.feed(data)
        except BrokenFrame:
            logger.exception("the speech process is not understood")
            self.abort()
            return
        for reply in replies:
            try:
                self._receive(reply)
            except Exception:
                logger.exception("reply failed")

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self.lost.set()
