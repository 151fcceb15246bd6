"""What a case has at hand: the server, and peers of its own."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import aiohttp

from conformance.client import Call, NotOk, check
from conformance.dialects import Dialect
from conformance.peers import Peers

BUSY = 503
ATTEMPTS = 4
RETRY_SECONDS = 3.0
DEFAULT_CODEC = "pcmu"


@dataclass(frozen=True, slots=True)
class Bench:
    """One for all cases."""

    url: str
    """ws://host:port"""
    dialect: Dialect
    http: aiohttp.ClientSession
    peers: Peers
    token: str = field(default="", repr=False)
    sip: str = ""
    """A SIP URI that answers; empty: there is none."""
    voice: Mapping[str, Any] = field(default_factory=dict)
    """The option ``tts`` of calls that speak text."""
    hearing: Mapping[str, Any] = field(default_factory=dict)
    """The option ``asr``."""

    def address(self, path: str, **query: str) -> str:
        """Of a session's socket."""
        given = {**({"token": self.token} if self.token else {}), **query}
        return f"{self.url}{path}" + (f"?{urlencode(given)}" if given else "")

    async def ask(self, method: str, path: str) -> tuple[int, Any]:
        """The status and the JSON of a REST endpoint; None for what is not JSON."""
        scheme, host, *_ = urlsplit(self.url)
        http = urlunsplit((scheme.replace("ws", "http", 1), host, path, "", ""))
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.http.request(method, http, headers=headers) as answer:
            if answer.content_type != "application/json":
                return answer.status, None
            return answer.status, await answer.json()

    @asynccontextmanager
    async def socket(
        self, path: str = "/call", codec: str = DEFAULT_CODEC, **query: str
    ) -> AsyncIterator[Call]:
        """A session that was not invited yet. A busy server is asked again."""
        opened = await self._opened(self.address(path, **query))
        call = Call(opened, codec)
        reading = asyncio.ensure_future(call.read())
        try:
            yield call
        finally:
            await opened.close()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    @asynccontextmanager
    async def call(
        self, option: Mapping[str, Any] | None = None, **query: str
    ) -> AsyncIterator[Call]:
        """A session on /call that has been answered."""
        option = {"codec": "pcm", **(option or {})}
        async with self.socket("/call", option["codec"], **query) as call:
            await call.command("invite", option=option)
            await call.until(
                lambda: call.events("answer") or call.events("reject"), "no answer"
            )
            check(not call.events("reject"), f"the call is rejected: {call.events()}")
            yield call

    @asynccontextmanager
    async def spoken(
        self, option: Mapping[str, Any] | None = None, **query: str
    ) -> AsyncIterator[Call]:
        """A call that can be given text to say."""
        async with self.call({"tts": self.voice, **(option or {})}, **query) as call:
            yield call

    async def _opened(self, url: str) -> aiohttp.ClientWebSocketResponse:
        attempts = ATTEMPTS
        while True:
            try:
                return await self.http.ws_connect(url, autoping=False, autoclose=False)
            except aiohttp.WSServerHandshakeError as error:
                attempts -= 1
                if error.status != BUSY or not attempts:
                    raise NotOk(f"the socket is refused by {error.status}") from None
                await asyncio.sleep(RETRY_SECONDS)
