"""One connection to a media server: asked for, fed, and lost."""

import asyncio
import logging
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from picows import WSCloseCode
from picows.picows import (  # type: ignore[attr-defined] # its stub lacks one
    WSAutoPingStrategy,
    WSProtocol,
)

from chalicelib.protocol.session.fields import FRAME_MAX
from mediaworker.runtime.passes import MediaEar
from mediaworker.transports.inlet import Inlet
from mediaworker.transports.listener import Listener
from mediaworker.transports.peer import SocketPeer

logger = logging.getLogger(__name__)
# Hostile servers make picows write lines; our own exceptions in it are errors.
logger.setLevel(logging.ERROR)

NORMAL = 1_000
SENT_AHEAD_BYTES = 32_768
"""In the system's own queue: what waits there cannot be taken back."""
READ_BUFFER_BYTES = 4_096
PING_SECONDS = 20.0
"""Not used: the listener pings."""
QUEUED_MS = 200
SAMPLE_BYTES = 2
FINISHED = frozenset({WSCloseCode.OK, WSCloseCode.NO_INFO})
PASSING = frozenset(
    {
        WSCloseCode.GOING_AWAY,
        WSCloseCode.INTERNAL_ERROR,
        WSCloseCode.SERVICE_RESTART,
        WSCloseCode.TRY_AGAIN_LATER,
        WSCloseCode.BAD_GATEWAY,
    }
)
"""Codes of servers that may be there again."""


class Loss(Enum):
    """How a connection was lost."""

    FINISHED = auto()
    """The server has closed it, and wants no more."""
    BROKEN = auto()
    """Another try may do."""
    FAULT = auto()
    """Either side has broken the rules, or the server says that we have."""


@dataclass(frozen=True, slots=True)
class Way:
    """To one server."""

    host: str
    port: int
    host_header: str
    path: str = field(repr=False)
    """With its query, which may hold a secret."""
    headers: Mapping[str, str]
    tls: ssl.SSLContext | None


class Line:
    """A connection that is upgraded: a `MediaSocket`."""

    def __init__(self, ear: MediaEar, rate: int, ping_seconds: int) -> None:
        self._ear = ear
        self._peer = SocketPeer(None, rate * QUEUED_MS // 1_000 * SAMPLE_BYTES)
        self._listener = Listener(self, self._peer, ping_seconds)
        self._websocket: WSProtocol | None = None
        self._was_lost = asyncio.Event()
        self._was_closed = False
        self._loss = Loss.BROKEN

    @classmethod
    async def open(
        cls, way: Way, address: str, ear: MediaEar, rate: int, ping_seconds: int
    ) -> "Line":
        """Connects to the address, and believes only the name.

        Raises `OSError` and `picows.WSError`.
        """
        line = cls(ear, rate, ping_seconds)
        websocket = line._websocket = _websocket(way, line._listener)
        inlet = Inlet(line._listener, b"", lambda inlet: None, websocket)
        loop = asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        raw = socket.socket(family, socket.SOCK_STREAM)
        try:
            raw.setblocking(False)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_AHEAD_BYTES)
            await loop.sock_connect(raw, (address, way.port))
            name = way.host if way.tls is not None else None
            transport, _ = await loop.create_connection(
                lambda: inlet, sock=raw, ssl=way.tls, server_hostname=name
            )
        except BaseException:
            raw.close()
            raise
        try:
            await line._upgraded()
        except BaseException:
            transport.abort()
            raise
        return line

    async def _upgraded(self) -> None:
        websocket = self._websocket
        assert websocket is not None
        await websocket.wait_until_handshake_complete()
        if websocket.listener is None:
            raise ConnectionError("it was closed before it was upgraded")

    # A `MediaSocket`

    def send_audio(self, packet: bytes) -> bool:
        return self._peer.send_audio(packet)

    def send_text(self, text: str) -> None:
        self._peer.send_text(text)

    def close(self, last_text: str | None) -> None:
        self._was_closed = True
        if last_text is not None:
            self._peer.send_text(last_text)
        self._peer.close(NORMAL, "")

    async def lost(self) -> Loss:
        """When it is."""
        await self._was_lost.wait()
        return self._loss

    # A `SessionHandle`, as the listener wants one

    @property
    def session_id(self) -> str:
        return self._ear.session_id

    def receive_text(self, text: bytes) -> None:
        if not self._is_closing:
            self._ear.read(text)

    def receive_audio(self, payload: bytes) -> None:
        if not self._is_closing:
            self._ear.hear(payload)

    @property
    def _is_closing(self) -> bool:
        """By us; picows goes on for a moment with frames that it has refused."""
        assert self._websocket is not None
        return self._was_closed or self._websocket.transport.is_close_frame_sent

    def lose(self, is_clean: bool) -> None:
        self._loss = self._reason(is_clean)
        self._was_lost.set()

    def _reason(self, is_clean: bool) -> Loss:
        assert self._websocket is not None
        transport = self._websocket.transport
        if is_clean:
            closing = transport.close_handshake.recv
            code = closing.code if closing is not None else WSCloseCode.NO_INFO
            if code in FINISHED:
                return Loss.FINISHED
            return Loss.BROKEN if code in PASSING else Loss.FAULT
        # What was not the server's doing, and is not ours, is the network's.
        return Loss.FAULT if transport.is_close_frame_sent else Loss.BROKEN


def _websocket(way: Way, listener: Listener) -> WSProtocol:
    return WSProtocol(
        way.host_header,
        way.path,
        True,  # is a client
        lambda request, response: listener,
        logger,
        True,  # disconnects on an exception
        None,  # seconds for the handshake: whoever opens it has a bound
        False,  # pings by itself
        PING_SECONDS,
        PING_SECONDS,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,  # pongs by itself
        FRAME_MAX,
        dict(way.headers),
        READ_BUFFER_BYTES,
    )
