"""Feeds a connection's bytes to picows, so much at a time that nobody else waits.

picows handles every frame that it has been given before it returns, and would read
ever more at once from who sends ever faster: a flood of small frames would hold up
the tick. So it is not the connection's own protocol, but is fed by it.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol, cast

from picows import WSUpgradeRequest
from picows.picows import (  # type: ignore[attr-defined] # its stub lacks one
    WSAutoPingStrategy,
    WSProtocol,
)

from chalicelib.protocol.session.codec import MAX_COMMAND_BYTES
from mediaworker.transports.peer import ReadingGate

logger = logging.getLogger(__name__)
# Hostile peers make picows write lines; our own exceptions in it are errors.
logger.setLevel(logging.ERROR)

SLICE_BYTES = 1_024
MOST_FRAMES = 64
WINDOW_SECONDS = 0.020
"""Once `MOST_FRAMES` have come, no more are read in the window."""
READ_BUFFER_BYTES = 4_096
PING_SECONDS = 20.0
"""Not used: the listener pings."""


class GatedListener(Protocol):
    """A `WSListener` that counts its frames, and is told of its gate and its end."""

    gate: ReadingGate
    frames: int

    def disconnected(self) -> None: ...


class Inlet(asyncio.Protocol):
    """The protocol of an upgraded connection, and its session's reading gate."""

    def __init__(
        self,
        listener: GatedListener,
        request: bytes,
        gone: Callable[["Inlet"], None],
        websocket: WSProtocol | None = None,
    ) -> None:
        """``websocket`` is a client's, which has no ``request`` to answer."""
        self._gone = gone
        self._listener = listener
        self._listener.gate = self
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._websocket = websocket or _websocket(listener)
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self._is_paused = False
        self._window_ends_at = 0.0
        self._release: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answers the upgrade, or asks for it."""
        # Not all loops' transports are subclasses of it.
        transport = cast(asyncio.Transport, transport)
        self._transport = transport
        self._websocket.connection_made(transport)
        self._feed(memoryview(self._request))

    def data_received(self, data: bytes) -> None:
        if self._held:
            self._held += data
            return
        now = self._loop.time()
        if now >= self._window_ends_at:
            self._window_ends_at = now + WINDOW_SECONDS
            self._listener.frames = 0
        self._take(data)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """Nothing: the peer looks at what is queued before each write."""

    def resume_writing(self) -> None:
        """Nothing: nobody waits."""

    def connection_lost(self, error: Exception | None) -> None:
        self._held.clear()
        if self._release is not None:
            self._release.cancel()
        self._websocket.connection_lost(error)
        self._listener.disconnected()
        self._transport = None
        self._gone(self)

    def pause(self) -> None:
        self._is_paused = True
        self._set_reading(False)

    def resume(self) -> None:
        self._is_paused = False
        if self._held:
            self._await_window()
        else:
            self._set_reading(True)

    def close(self, code: int, reason: str) -> None:
        """For whoever stops the whole port."""
        if self._transport is not None and not self._transport.is_closing():
            self._websocket.transport.send_close(code, reason)
            self._transport.close()

    def _take(self, data: bytes | bytearray) -> None:
        view = memoryview(data)
        while view:
            if self._is_paused or self._listener.frames >= MOST_FRAMES:
                self._hold(bytes(view))
                return
            self._feed(view[:SLICE_BYTES])
            view = view[SLICE_BYTES:]

    def _hold(self, rest: bytes) -> None:
        self._held += rest
        self._set_reading(False)
        if not self._is_paused:
            self._await_window()

    def _await_window(self) -> None:
        if self._release is None:
            self._release = self._loop.call_at(self._window_ends_at, self._go_on)

    def _go_on(self) -> None:
        self._release = None
        if self._transport is None or self._is_paused:
            return
        self._window_ends_at = self._loop.time() + WINDOW_SECONDS
        self._listener.frames = 0
        held = bytes(self._held)
        self._held.clear()
        self._take(held)
        if not self._held and not self._is_paused:
            self._set_reading(True)

    def _set_reading(self, is_reading: bool) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if is_reading:
            transport.resume_reading()
        else:
            transport.pause_reading()

    def _feed(self, data: memoryview) -> None:
        websocket = self._websocket
        while data:
            room = websocket.get_buffer(-1)
            size = min(len(room), len(data))
            room[:size] = data[:size]
            websocket.buffer_updated(size)
            data = data[size:]


def _websocket(listener: GatedListener) -> WSProtocol:
    def chosen(request: WSUpgradeRequest) -> GatedListener:
        return listener

    return WSProtocol(
        None,  # host and port: a client's
        None,  # path: a client's
        False,  # is a client
        chosen,
        logger,
        True,  # disconnects on an exception
        None,  # seconds for the handshake: it is whole already
        False,  # pings by itself
        PING_SECONDS,
        PING_SECONDS,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # pongs by itself
        MAX_COMMAND_BYTES,
        None,  # more headers: a client's
        READ_BUFFER_BYTES,
    )
