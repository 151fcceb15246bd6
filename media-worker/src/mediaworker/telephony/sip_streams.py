"""SIP's connections: those that came, and those that were made for a message."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, cast

from mediaworker.sip.framing import PONG, BrokenStream, Ping, StreamFramer
from mediaworker.sip.routing import Hop, Transmission
from mediaworker.telephony.defences import Defences

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 1_800.0
FIRST_WORD_SECONDS = 20.0
MOST_UNSENT_BYTES = 1 << 20
MOST_CONNECTIONS = 1_000
MOST_OF_A_SOURCE = 32
BACKLOG = 512

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


class SipStreams:
    """Those of one worker."""

    def __init__(
        self,
        defences: Defences,
        clock: Callable[[], float],
        took: Callable[[bytes, Hop], None],
        failed: Callable[[Hop], None],
        spawn: Spawn,
        sender_of: Callable[[bytes], Hop | None] = lambda message: None,
    ) -> None:
        """``failed`` is told of connections that end, and that cannot be made;
        ``sender_of`` says whose message an edge passes on."""
        self._defences = defences
        self._clock = clock
        self._took = took
        self._failed = failed
        self._spawn = spawn
        self.sender_of = sender_of
        self._server: asyncio.Server | None = None
        self._flows: dict[str, Connection] = {}
        self._of_source: Counter[str] = Counter()
        self._connecting: dict[tuple[str, int], list[Transmission]] = {}
        self._serial = 0

    def __len__(self) -> int:
        return len(self._flows)

    def __contains__(self, flow: object) -> bool:
        return flow in self._flows

    def holds(self, hop: Hop) -> bool:
        """Whether the connection that it names is there still, and is the same."""
        connection = self._flows.get(hop.flow or "")
        return connection is not None and connection.hop == hop

    async def listen(self, bound: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self), sock=bound, backlog=BACKLOG
        )

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._flows.values()):
            connection.close()

    def send(self, transmission: Transmission) -> None:
        """By the connection that it names, by one that leads there, or by a new one."""
        hop = transmission.hop
        connection = self._flows.get(hop.flow or "") or self._to(hop)
        if connection is not None:
            connection.write(transmission.data)
            return
        place = (hop.host, hop.port)
        if place in self._connecting:
            self._connecting[place].append(transmission)
            return
        self._connecting[place] = [transmission]
        running = self._connect(place)
        try:
            self._spawn(running)
        except RuntimeError:
            running.close()
            del self._connecting[place]

    def sweep(self, now: float) -> None:
        """Close what nobody uses."""
        for connection in tuple(self._flows.values()):
            patience = IDLE_SECONDS if connection.has_spoken else FIRST_WORD_SECONDS
            if now - connection.active_at > patience:
                connection.close()

    # For the connections

    def admits(self, host: str) -> bool:
        return self._defences.admits(host, self._clock())

    def now(self) -> float:
        return self._clock()

    def took(self, message: bytes, source: Hop) -> None:
        self._took(message, source)

    def enter(self, connection: "Connection", host: str) -> str | None:
        """Its flow; None when there are too many."""
        is_one_too_many = len(self._flows) >= MOST_CONNECTIONS or (
            self._of_source[host] >= MOST_OF_A_SOURCE
            and not self._defences.is_friend(host)
        )
        if is_one_too_many or not self.admits(host):
            return None
        self._serial += 1
        flow = str(self._serial)
        self._flows[flow] = connection
        self._of_source[host] += 1
        return flow

    def leave(self, hop: Hop) -> None:
        if hop.flow is not None and self._flows.pop(hop.flow, None) is not None:
            self._of_source[hop.host] -= 1
            if not self._of_source[hop.host]:
                del self._of_source[hop.host]
            self._failed(hop)

    # Within

    def _to(self, hop: Hop) -> "Connection | None":
        for connection in self._flows.values():
            if (connection.hop.host, connection.hop.port) == (hop.host, hop.port):
                return connection
        return None

    async def _connect(self, place: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        connection: Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    lambda: Connection(self), *place
                )
        except (OSError, TimeoutError):
            logger.info("SIP peer not reached by TCP")
        finally:
            waiting = self._connecting.pop(place)
        if connection is None or connection.is_closed:
            self._failed(Hop("TCP", *place))
            return
        for transmission in waiting:
            connection.write(transmission.data)


class Connection(asyncio.Protocol):
    """One, from whichever side."""

    def __init__(self, streams: "SipStreams") -> None:
        self.hop = Hop("TCP", "", 0)
        self.active_at = streams.now()
        self.has_spoken = False
        self.is_closed = False
        self._streams = streams
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, port = self._transport.get_extra_info("peername")[:2]
        flow = self._streams.enter(self, host)
        self.hop = Hop("TCP", host, port, flow)
        if flow is None:
            self.close()

    def data_received(self, data: bytes) -> None:
        self.active_at = self._streams.now()
        try:
            items = self._framer.feed(data)
        except BrokenStream as broken:
            for item in broken.before:
                self._take(item)
            self.close()
            return
        for item in items:
            self._take(item)

    def connection_lost(self, error: Exception | None) -> None:
        self.is_closed = True
        self._streams.leave(self.hop)

    def write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or self.is_closed:
            return
        self.active_at = self._streams.now()
        transport.write(data)
        if transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            transport.abort()

    def close(self) -> None:
        self.is_closed = True
        if self._transport is not None:
            self._transport.close()

    def _take(self, item: bytes | Ping) -> None:
        if self.is_closed:
            return
        origin = None if isinstance(item, Ping) else self._streams.sender_of(item)
        if origin is not None:
            self._pass_on(cast(bytes, item), origin)
        elif not self._streams.admits(self.hop.host):
            self.close()
        elif isinstance(item, Ping):
            self.write(PONG)
        else:
            self.has_spoken = True
            self._streams.took(item, self.hop)

    def _pass_on(self, message: bytes, origin: Hop) -> None:
        """An edge speaks for many: who says too much is not heard, others are."""
        self.has_spoken = True
        if self._streams.admits(origin.host):
            self._streams.took(message, replace(self.hop, origin=origin))
