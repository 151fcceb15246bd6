"""A browser's ICE, DTLS and SRTP: in the clear on our side of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

from pylibsrtp import Error as SrtpError
from pylibsrtp import Session

from mediaworker.webrtc.stack import Address, Certificate, Handshake, Path

DTLS_FIRST, DTLS_LAST = 20, 63
RTP_FIRST, RTP_LAST = 128, 191
RTCP_FIRST, RTCP_LAST = 192, 223
"""Of the first byte (RFC 7983 section 7), and of the second (RFC 5761 section 4)."""
LEAST_BYTES = 12
MOST_SOURCES = 16
"""SSRCs that a browser may use in a call: each takes memory in libsrtp."""
MOST_FLIGHTS = 64
"""Datagrams of DTLS that wait; what is lost is sent again."""


class Unreachable(Exception):
    """There is no connection, and will be none: one plain sentence."""


class End(Enum):
    """How a connection that was there ended."""

    CLOSED = auto()
    """The browser closed it."""
    LOST = auto()
    """Nothing comes any more."""
    SILENT = auto()
    """The browser is there, and sends no audio."""


class Listener(Protocol):
    """Who takes what the browser sends. Nothing here waits, or raises."""

    def rtp_received(self, packet: bytes) -> None: ...

    def rtcp_received(self, packet: bytes) -> None: ...


@dataclass(frozen=True, slots=True)
class Browser:
    """What its offer says of its side."""

    ufrag: str
    password: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    """Algorithm and value of each; at least one."""
    is_lite: bool = False
    """It only answers checks (RFC 8445 section 2.5)."""
    begins_dtls: bool = False


class Transport:
    """From the first socket to the last packet. Made within a running loop."""

    def __init__(self, certificate: Certificate, listener: Listener) -> None:
        self.path = Path(self)
        self.rejected = 0
        """Packets that were not the browser's, or not what they were to be."""
        self._certificate = certificate
        self._listener: Listener | None = listener
        self._end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._flights: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._handshake: Handshake | None = None
        self._opener: Session | None = None
        self._closer: Session | None = None
        self._sources: set[bytes] = set()

    async def connect(self, browser: Browser, seconds: float) -> None:
        """After `Path.open`; raises `Unreachable`."""
        try:
            async with asyncio.timeout(seconds):
                await self._find(browser)
                await self._shake(browser)
        except TimeoutError:
            what = "DTLS was not finished" if self._handshake else "no way was found"
            raise Unreachable(f"{what} within {seconds:g} s") from None

    async def ended(self) -> End:
        """Waits for it."""
        return await self._end

    def finish(self, end: End) -> None:
        """It is over, if it was not before."""
        if not self._end.done():
            self._end.set_result(end)

    def send_rtp(self, packet: bytes) -> bool:
        """False when it was dropped."""
        closer = self._closer
        return closer is not None and self._protect(closer.protect, packet)

    def send_rtcp(self, packet: bytes) -> bool:
        """False when it was dropped."""
        closer = self._closer
        return closer is not None and self._protect(closer.protect_rtcp, packet)

    async def close(self) -> None:
        """Tell the browser, if it is there, and give everything back."""
        self._listener = self._opener = self._closer = None
        handshake, self._handshake = self._handshake, None
        if handshake is not None:
            await handshake.stop()
        await self.path.close()

    # What the path tells

    def received(self, data: bytes, address: Address) -> None:
        first = data[0]
        if RTP_FIRST <= first <= RTP_LAST:
            self._open(data)
        elif DTLS_FIRST <= first <= DTLS_LAST and self.path.is_peer(address):
            if self._flights.qsize() < MOST_FLIGHTS:
                self._flights.put_nowait(data)
        else:
            self.rejected += 1

    def lost(self) -> None:
        self.finish(End.LOST)
        self._flights.put_nowait(None)

    # What the handshake travels on

    async def _recv(self) -> bytes:
        data = await self._flights.get()
        if data is None:
            raise ConnectionError("nothing comes any more")
        return data

    async def _send(self, data: bytes) -> None:
        if not self.path.send_now(data):
            raise ConnectionError("there is no way to send it")

    # Within

    async def _find(self, browser: Browser) -> None:
        path = self.path
        path.ice_controlling = path.remote_is_lite = browser.is_lite
        path.remote_username = browser.ufrag
        path.remote_password = browser.password
        try:
            await path.connect()
        except ConnectionError:
            raise Unreachable("no way to the browser was found") from None

    async def _shake(self, browser: Browser) -> None:
        handshake = Handshake(
            self,
            self._certificate,
            is_client=not browser.begins_dtls,
            closed=lambda: self.finish(End.CLOSED),
        )
        self._handshake = handshake
        if not await handshake.shake(browser.fingerprints):
            raise Unreachable(
                "the browser's certificate is not the one that its offer names"
                if handshake.is_encrypted
                else "the DTLS handshake failed"
            )
        self._opener, self._closer = handshake.keys

    def _open(self, data: bytes) -> None:
        opener, listener = self._opener, self._listener
        if opener is None or listener is None or len(data) < LEAST_BYTES:
            return
        is_rtcp = RTCP_FIRST <= data[1] <= RTCP_LAST
        source = data[4:8] if is_rtcp else data[8:12]
        if source not in self._sources and len(self._sources) >= MOST_SOURCES:
            self.rejected += 1
            return
        try:
            packet = opener.unprotect_rtcp(data) if is_rtcp else opener.unprotect(data)
        except (SrtpError, ValueError):
            self.rejected += 1
            return
        self._sources.add(source)
        if is_rtcp:
            listener.rtcp_received(packet)
        else:
            listener.rtp_received(packet)

    def _protect(self, protect: Callable[[bytes], bytes], packet: bytes) -> bool:
        try:
            return self.path.send_now(protect(packet))
        except (SrtpError, ValueError):
            self.rejected += 1
            return False
