"""A session's socket, wherever its worker is."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp

from infra.demo.client import DemoFailed, token

UID = "alice"
PATIENCE_SECONDS = 90.0
"""A worker takes nobody for ten seconds after any tick that was late."""
AGAIN_SECONDS = 0.5
NOT_NOW = (409, 502, 503)
GONE = (aiohttp.ClientError, ConnectionError)

Where = Callable[[], str | None]
"""Address of the next socket to be tried; None: nobody is there now."""


class Line:
    """At most one socket at a time."""

    def __init__(self, where: Where) -> None:
        self.where = where
        self.address = ""
        """Where it was opened last."""
        self._client = aiohttp.ClientSession()
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def open(self, **query: str) -> None:
        """Who refuses for now is asked again, or another. Raises `DemoFailed`."""
        given = urlencode({"token": token(UID), **query})
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not await self._try(given):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(AGAIN_SECONDS)
        except TimeoutError:
            raise DemoFailed("For long no worker has taken a session.") from None

    async def messages(self) -> AsyncIterator[dict[str, Any] | bytes]:
        """Until the socket is closed, by whomever."""
        assert self._socket is not None
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                yield message.data
            elif message.type is aiohttp.WSMsgType.TEXT:
                yield json.loads(message.data)

    @property
    def close_code(self) -> int | None:
        return None if self._socket is None else self._socket.close_code

    async def say(self, command: str, **fields: Any) -> None:
        """To a socket that is gone it is said in vain."""
        await self._send(json.dumps({"command": command, **fields}))

    async def send(self, audio: bytes) -> None:
        await self._send(audio)

    async def cut(self) -> None:
        """As a network does it: without a word."""
        client, self._client = self._client, aiohttp.ClientSession()
        await client.close()

    async def close(self) -> None:
        await self._client.close()

    async def _send(self, content: str | bytes) -> None:
        assert self._socket is not None
        with contextlib.suppress(*GONE):
            if isinstance(content, bytes):
                await self._socket.send_bytes(content)
            else:
                await self._socket.send_str(content)

    async def _try(self, query: str) -> bool:
        address = self.where()
        if address is None:
            return False
        try:
            self._socket = await self._client.ws_connect(f"{address}?{query}")
        except aiohttp.WSServerHandshakeError as refusal:
            if refusal.status in NOT_NOW:
                return False
            raise DemoFailed(f"{address} refuses with {refusal.status}.") from None
        except GONE:
            return False
        self.address = address
        return True
