"""SIP's sockets: datagrams and streams, cut into messages for the endpoint.

They decide nothing: whom they may hear is the defences' matter, what it means the
endpoint's.
"""

import asyncio
import logging
import socket
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, cast

from mediaworker.sip.framing import PONG, BrokenStream, Ping, StreamFramer
from mediaworker.sip.routing import Hop, Transmission
from mediaworker.telephony.defences import Defences
from mediaworker.telephony.rtp_sockets import is_address

logger = logging.getLogger(__name__)

RECEIVE_BYTES = 1 << 20
SHORTEST = 16
"""A datagram of fewer bytes keeps a NAT open, and says nothing."""
MOST_WAITING = 2_000
"""Messages; what comes when so many wait is lost, as if on its way."""
STEP_SECONDS = 0.002
"""After which others have their turn."""
CONNECT_SECONDS = 5.0
IDLE_SECONDS = 1_800.0
FIRST_WORD_SECONDS = 20.0
MOST_UNSENT_BYTES = 1 << 20
MOST_CONNECTIONS = 1_000
MOST_OF_A_SOURCE = 32

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
Resolve = Callable[[str], Coroutine[Any, Any, str]]


class SipPortTaken(Exception):
    """Something else has it."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told."""

    heard: Callable[[bytes, Hop], None]
    failed: Callable[[Hop], None]
    """Nothing can be sent there."""


class SipSockets:
    """Those of one worker: a port of UDP and of TCP, and what is connected to it."""

    def __init__(
        self,
        defences: Defences,
        clock: Callable[[], float],
        listeners: Listeners,
        spawn: Spawn,
        resolve: Resolve,
    ) -> None:
        """``resolve`` gives an address of a name, and raises `OSError`."""
        self._defences = defences
        self._clock = clock
        self._listeners = listeners
        self._spawn = spawn
        self._resolve = resolve
        self._bound: tuple[socket.socket, socket.socket] | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._flows: dict[str, _Connection] = {}
        self._of_source: Counter[str] = Counter()
        self._connecting: dict[tuple[str, int], list[Transmission]] = {}
        self._serial = 0
        self._waiting: deque[tuple[bytes, Hop]] = deque()
        self._is_working = False
        self.lost = 0
        """Messages that came when too many waited."""

    def bind(self, host: str, port: int) -> int:
        """The port; another of the system's choice for 0. Raises `SipPortTaken`."""
        udp = _bound(host, port, socket.SOCK_DGRAM)
        chosen = int(udp.getsockname()[1])
        try:
            tcp = _bound(host, chosen, socket.SOCK_STREAM)
        except SipPortTaken:
            udp.close()
            raise
        self._bound = (udp, tcp)
        return chosen

    async def open(self) -> None:
        """Listen where it is bound."""
        assert self._bound is not None
        loop = asyncio.get_running_loop()
        udp, tcp = self._bound
        self._bound = None
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(self), sock=udp
        )
        self._udp = transport
        self._server = await loop.create_server(
            lambda: _Connection(self), sock=tcp, backlog=512
        )

    @property
    def connections(self) -> int:
        return len(self._flows)

    def close(self) -> None:
        for bound in self._bound or ():
            bound.close()
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._flows.values()):
            connection.close()
        if self._udp is not None:
            self._udp.close()

    def send(self, transmission: Transmission) -> None:
        """Soon, where it must be resolved or connected to first."""
        hop = transmission.hop
        if not is_address(hop.host) and hop.flow not in self._flows:
            self._start(self._send_to_name(transmission), hop)
        elif hop.transport == "TCP":
            self._send_tcp(transmission)
        elif self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(transmission.data, (hop.host, hop.port))

    def sweep(self, now: float) -> None:
        """Close what nobody uses."""
        for connection in tuple(self._flows.values()):
            patience = IDLE_SECONDS if connection.has_spoken else FIRST_WORD_SECONDS
            if now - connection.active_at > patience:
                connection.close()

    # What came

    def took(self, message: bytes, source: Hop) -> None:
        """A message; it is heard in its turn."""
        if len(self._waiting) >= MOST_WAITING:
            self.lost += 1
            return
        self._waiting.append((message, source))
        if not self._is_working:
            self._is_working = True
            asyncio.get_running_loop().call_soon(self._work)

    def admits(self, host: str) -> bool:
        return self._defences.admits(host, self._clock())

    def now(self) -> float:
        return self._clock()

    def _work(self) -> None:
        ends_at = self._clock() + STEP_SECONDS
        try:
            while self._waiting:
                self._listeners.heard(*self._waiting.popleft())
                if self._clock() >= ends_at:
                    break
        finally:
            self._is_working = bool(self._waiting)
            if self._is_working:
                asyncio.get_running_loop().call_soon(self._work)

    # Connections

    def enter(self, connection: "_Connection", host: str) -> str | None:
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
            self._listeners.failed(hop)

    def _send_tcp(self, transmission: Transmission) -> None:
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
        self._start(self._connect(place), hop)

    def _to(self, hop: Hop) -> "_Connection | None":
        for connection in self._flows.values():
            if (connection.hop.host, connection.hop.port) == (hop.host, hop.port):
                return connection
        return None

    async def _connect(self, place: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        connection: _Connection | None = None
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self), *place
                )
        except (OSError, TimeoutError):
            logger.info("SIP peer not reached by TCP")
        finally:
            waiting = self._connecting.pop(place)
        if connection is None or connection.is_closed:
            self._listeners.failed(Hop("TCP", *place))
            return
        for transmission in waiting:
            connection.write(transmission.data)

    async def _send_to_name(self, transmission: Transmission) -> None:
        hop = transmission.hop
        try:
            address = await self._resolve(hop.host)
        except OSError:
            self._listeners.failed(hop)
            return
        self.send(
            Transmission(transmission.data, Hop(hop.transport, address, hop.port))
        )

    def _start(self, work: Coroutine[Any, Any, None], hop: Hop) -> None:
        try:
            self._spawn(work)
        except RuntimeError:
            work.close()
            self._connecting.pop((hop.host, hop.port), None)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, sockets: SipSockets) -> None:
        self._sockets = sockets

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        host, port = addr[:2]
        if self._sockets.admits(host) and len(data) >= SHORTEST:
            self._sockets.took(data, Hop("UDP", host, port))

    def error_received(self, error: Exception) -> None:
        """Retransmission is the endpoint's."""


class _Connection(asyncio.Protocol):
    def __init__(self, sockets: SipSockets) -> None:
        self.hop = Hop("TCP", "", 0)
        self.active_at = sockets.now()
        self.has_spoken = False
        self.is_closed = False
        self._sockets = sockets
        self._framer = StreamFramer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        host, port = self._transport.get_extra_info("peername")[:2]
        flow = self._sockets.enter(self, host)
        self.hop = Hop("TCP", host, port, flow)
        if flow is None:
            self.close()

    def data_received(self, data: bytes) -> None:
        self.active_at = self._sockets.now()
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
        self._sockets.leave(self.hop)

    def write(self, data: bytes) -> None:
        transport = self._transport
        if transport is None or self.is_closed:
            return
        self.active_at = self._sockets.now()
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
        if not self._sockets.admits(self.hop.host):
            self.close()
        elif isinstance(item, Ping):
            self.write(PONG)
        else:
            self.has_spoken = True
            self._sockets.took(item, self.hop)


def _bound(host: str, port: int, kind: socket.SocketKind) -> socket.socket:
    """Raises `SipPortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, kind)
    try:
        opened.setblocking(False)
        if kind is socket.SOCK_DGRAM:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        else:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
    except OSError:
        opened.close()
        raise SipPortTaken(f"the port {port} is taken") from None
    return opened
