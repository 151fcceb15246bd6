"""The one way out to providers: guarded as downloads are, and bounded.

The connections of all calls share one pool, whose resolver asks the guard: what it
answers is what is connected to, and TLS still believes only the name. Redirects are
answers, not instructions. No sentence holds an address or what a server said.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
)
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from mediaworker.speech.guard import (
    ADDRESSES_TRIED,
    BAD_GATEWAY,
    FORBIDDEN,
    TIMED_OUT,
    Guard,
)
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.mishaps import (
    answered,
    failures,
    too_much,
    unredirected,
)
from mediaworker.speech.providers.ports import Net, Socket

MESSAGE_BYTES = 1 << 20
TOTAL_BYTES = 64 << 20
"""Of one answer, or of all that comes through one socket."""
CONNECTIONS = 0
"""Not limited here: calls are, and a job has one at a time."""
CLOSE_SECONDS = 1.0
SECURE = {"ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a provider may take."""

    connect_seconds: float = 5.0
    answer_seconds: float = 10.0
    """Until a request is answered, or a socket open."""
    idle_seconds: float = 10.0
    """Without anything from it that was waited for."""


PATIENCE = Patience()


class Pool:
    """The connections of all; lives on the loop, and opens with its first use."""

    def __init__(
        self, guard: Guard, *, patience: Patience = PATIENCE, most: int = TOTAL_BYTES
    ) -> None:
        self._guard = guard
        self._patience = patience
        self._most = most
        self._sessions: dict[str | None, aiohttp.ClientSession] = {}

    def net(self, trusted: str | None = None) -> Net:
        """``trusted`` is a URL of the operator's own, wherever it leads to."""
        return GuardedNet(self, trusted)

    async def close(self) -> None:
        """What is still open is lost."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()

    def target(self, url: str, trusted: str | None) -> URL:
        """What is asked for, in its one spelling; raises `Failure`."""
        scheme, colon, rest = url.partition("://")
        web = SECURE.get(scheme.lower(), scheme) + colon + rest
        if trusted is not None and _origin(web) == trusted:
            return URL(web)
        target = self._guard.target(web)
        if not target.is_secure and not self._guard.policy.allows_loopback:
            raise Failure("only wss and https are allowed", FORBIDDEN)
        spelling = f"{target.scheme}://{target.host_header}{target.path}"
        return URL(spelling, encoded=True)

    def session(self, trusted: str | None) -> aiohttp.ClientSession:
        """Those who may go to a host of the operator's share no connection."""
        session = self._sessions.get(trusted)
        if session is None:
            host = urlsplit(trusted).hostname if trusted is not None else None
            connector = aiohttp.TCPConnector(
                resolver=_Resolver(self._guard, host),
                use_dns_cache=False,
                limit=CONNECTIONS,
            )
            session = self._sessions[trusted] = aiohttp.ClientSession(
                connector=connector,
                trust_env=False,
                middlewares=(unredirected,),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    sock_connect=self._patience.connect_seconds,
                    sock_read=self._patience.idle_seconds,
                ),
            )
        return session

    @asynccontextmanager
    async def connect(
        self, url: URL, headers: Mapping[str, str], trusted: str | None
    ) -> AsyncIterator[Socket]:
        session = self.session(trusted)
        opening = session.ws_connect(
            url,
            headers=headers,
            max_msg_size=MESSAGE_BYTES,
            autoping=False,
            timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
        )
        with failures():
            async with asyncio.timeout(self._patience.answer_seconds):
                opened = await opening
        try:
            yield GuardedSocket(opened, self._patience.idle_seconds, self._most)
        finally:
            await opened.close()

    @asynccontextmanager
    async def post(
        self, url: URL, headers: Mapping[str, str], body: bytes, trusted: str | None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        session = self.session(trusted)
        with failures():
            async with asyncio.timeout(self._patience.answer_seconds):
                response = await session.post(
                    url, headers=headers, data=body, allow_redirects=False
                )
        try:
            if not 200 <= response.status < 300:
                raise answered(response.status)
            yield self._pieces(response)
        finally:
            # A whole answer leaves its connection to others.
            response.release() if response.content.at_eof() else response.close()

    async def _pieces(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        size = 0
        with failures():
            async for piece in response.content.iter_any():
                size += len(piece)
                if size > self._most:
                    raise too_much()
                yield piece


class GuardedNet:
    """A `Net`."""

    def __init__(self, pool: Pool, trusted: str | None) -> None:
        self._pool = pool
        self._trusted = _origin(_web(trusted)) if trusted else None

    def connect(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> AbstractAsyncContextManager[Socket]:
        """Raises `Failure`."""
        target = self._pool.target(url, self._trusted)
        return self._pool.connect(target, headers or {}, self._trusted)

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The body of a 2xx answer, piece by piece; raises `Failure` else."""
        target = self._pool.target(url, self._trusted)
        return self._pool.post(target, headers, body, self._trusted)


class GuardedSocket:
    """A `Socket`: silence is an end of it, unless there is nothing to be answered."""

    def __init__(
        self, opened: aiohttp.ClientWebSocketResponse, idle_seconds: float, most: int
    ) -> None:
        self._opened = opened
        self._idle_seconds = idle_seconds
        self._left = most
        self._has_sent = False
        """Since it was waited for last."""

    async def send(self, message: str | bytes) -> None:
        """Raises `Failure`."""
        self._has_sent = True
        with failures():
            async with asyncio.timeout(self._idle_seconds):
                if isinstance(message, str):
                    await self._opened.send_str(message)
                else:
                    await self._opened.send_bytes(message)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Until it is closed; raises `Failure` when it breaks."""
        while True:
            received = await self._received()
            if received.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
                self._count(received.data)
                yield received.data
            elif received.type is aiohttp.WSMsgType.PING:
                with failures():
                    await self._opened.pong(received.data)
            elif received.type is not aiohttp.WSMsgType.PONG:
                self._check_end(received)
                return

    async def _received(self) -> aiohttp.WSMessage:
        """Whoever is still being sent audio may have nothing to say, but is there."""
        is_pinged = False
        while True:
            self._has_sent = False
            try:
                with failures():
                    async with asyncio.timeout(self._idle_seconds):
                        return await self._opened.receive()
            except Failure as late:
                if late.code != TIMED_OUT or is_pinged or not self._has_sent:
                    raise
            is_pinged = True
            with failures():
                await self._opened.ping()

    def _count(self, data: str | bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise too_much()

    def _check_end(self, last: aiohttp.WSMessage) -> None:
        """A Close frame is an end, whatever its code; all else is a break."""
        if last.type is aiohttp.WSMsgType.CLOSE:
            return
        if self._opened.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            raise too_much()
        raise Failure("the connection was lost", BAD_GATEWAY)


class _Resolver(AbstractResolver):
    """Answers only with addresses that the guard allows."""

    def __init__(self, guard: Guard, trusted_host: str | None) -> None:
        self._guard = guard
        self._trusted_host = trusted_host

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host == self._trusted_host:
            found = await self._guard.resolved(host, port)
        else:
            found = await self._guard.addresses(host, port)
        return [_result(host, port, each) for each in found[:ADDRESSES_TRIED]]

    async def close(self) -> None:
        """There is nothing to close."""


def _web(url: str) -> str:
    scheme, colon, rest = url.partition("://")
    return SECURE.get(scheme.lower(), scheme.lower()) + colon + rest


def _origin(url: str) -> str:
    """Scheme, host and port, however the URL goes on."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _result(host: str, port: int, address: str) -> ResolveResult:
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if ":" in address else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
