"""SIP's sockets: datagrams and streams, cut into messages for the endpoint.

They decide nothing: whom they may hear is the defences' matter, what it means the
endpoint's.
"""

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from mediaworker.sip.origins import Seal
from mediaworker.sip.routing import Hop, Transmission
from mediaworker.telephony.defences import Defences
from mediaworker.telephony.rtp_sockets import is_address
from mediaworker.telephony.sip_streams import SipStreams, Spawn

ATTEMPTS = 8
"""To find a port that is free for both."""
RECEIVE_BYTES = 1 << 20
SHORTEST = 16
"""A datagram of fewer bytes keeps a NAT open, and says nothing."""
MOST_WAITING = 2_000
"""Messages; what comes when so many wait is lost, as if on its way."""
STEP_SECONDS = 0.001
"""After which others have their turn."""

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
        seal: Seal | None = None,
    ) -> None:
        """``resolve`` gives an address of a name, and raises `OSError`; by the seal
        edges are known, and what they pass on is counted to its senders."""
        self._defences = defences
        self._clock = clock
        self._listeners = listeners
        self._spawn = spawn
        self._resolve = resolve
        self._bound: tuple[socket.socket, socket.socket] | None = None
        self._udp: asyncio.DatagramTransport | None = None
        self._seal = seal
        self._streams = SipStreams(
            defences, clock, self.took, listeners.failed, spawn, self.sender_of
        )
        self._waiting: deque[tuple[bytes, Hop]] = deque()
        self._is_working = False
        self.lost = 0
        """Messages that came when too many waited."""

    def bind(self, host: str, port: int) -> int:
        """The port; another of the system's choice for 0. Raises `SipPortTaken`."""
        # What the system chooses for UDP may be taken for TCP.
        for _ in range(0 if port else ATTEMPTS):
            try:
                return self._bind(host, 0)
            except SipPortTaken:
                continue
        return self._bind(host, port)

    def _bind(self, host: str, port: int) -> int:
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
        await self._streams.listen(tcp)

    @property
    def connections(self) -> int:
        return len(self._streams)

    def close(self) -> None:
        for bound in self._bound or ():
            bound.close()
        self._streams.close()
        if self._udp is not None:
            self._udp.close()

    def send(self, transmission: Transmission) -> None:
        """Soon, where it must be resolved or connected to first."""
        hop = transmission.hop
        if not is_address(hop.host) and hop.flow not in self._streams:
            self._start(self._send_to_name(transmission))
        elif hop.transport == "TCP":
            self._streams.send(transmission)
        elif self._udp is not None and not self._udp.is_closing():
            self._udp.sendto(transmission.data, (hop.host, hop.port))

    def sweep(self, now: float) -> None:
        """Close what nobody uses."""
        self._streams.sweep(now)

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

    def sender_of(self, message: bytes) -> Hop | None:
        """Of what an edge has passed on, or of what answers that."""
        return None if self._seal is None else self._seal.sender_of(message)

    def holds(self, hop: Hop) -> bool:
        """Whether the connection that it names is there still."""
        return self._streams.holds(hop)

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

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self._spawn(work)
        except RuntimeError:
            work.close()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, sockets: SipSockets) -> None:
        self._sockets = sockets

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        host, port = addr[:2]
        origin = self._sockets.sender_of(data)
        sender = host if origin is None else origin.host
        if self._sockets.admits(sender) and len(data) >= SHORTEST:
            self._sockets.took(data, Hop("UDP", host, port, origin=origin))

    def error_received(self, error: Exception) -> None:
        """Retransmission is the endpoint's."""


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
