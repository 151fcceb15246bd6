"""A worker that has nothing but ``/call/sip?listen=``: its calls come from the test."""

import asyncio
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

PATIENCE_SECONDS = 5.0


class FakeSession:
    """One application's socket, as the worker sees it."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.query = dict(request.query)
        self.closed = asyncio.Event()
        self._transport = request.transport
        self._commands: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def tell(self, event: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"event": event, **fields}))

    async def commands(self, count: int) -> list[dict[str, Any]]:
        """The next."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return [await self._commands.get() for _ in range(count)]

    async def ring(self, caller: str = "sip:alice@127.0.0.1") -> None:
        """A call comes, and is accepted and answered."""
        await self.tell("incoming", caller=caller, callee="sip:agent@127.0.0.1", sdp="")
        ringing, accept = await self.commands(2)
        assert ringing == {"command": "ringing"}
        assert accept["command"] == "accept"
        assert accept["option"]["asr"] == accept["option"]["tts"] == {}
        assert "codec" not in accept["option"]
        await self.tell("answer", sdp="")

    async def hang_up(self) -> None:
        """The caller does."""
        await self.tell("hangup", reason="byCaller", initiator="caller")
        await self.socket.close()

    def cut(self) -> None:
        """As a worker does that is killed."""
        if self._transport is not None:
            self._transport.abort()

    async def until_closed(self) -> int | None:
        """Its close code."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.closed.wait()
        return self.socket.close_code

    async def read(self) -> None:
        async for message in self.socket:
            if message.type is WSMsgType.TEXT:
                self._commands.put_nowait(json.loads(message.data))
        self.closed.set()


class FakeWorker:
    """Listens within the block, on the same port each time."""

    def __init__(self) -> None:
        self.refusal: int | None = None
        """What it refuses everybody with."""
        self.asked = 0
        self.sessions: list[FakeSession] = []
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_get("/call/sip", self._session)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """All its sessions are gone with it."""
        assert self._runner is not None
        for session in self.sessions:
            session.cut()
        await self._runner.cleanup()

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self._port

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/call/sip"

    async def session(self, number: int) -> FakeSession:
        """The one that came as that, counted from 0."""
        await self._until(lambda: len(self.sessions) > number)
        return self.sessions[number]

    async def until_asked(self, times: int) -> None:
        await self._until(lambda: self.asked >= times)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def _session(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        self._news.set()
        if self.refusal is not None:
            return web.Response(status=self.refusal)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        session = FakeSession(socket, request)
        self.sessions.append(session)
        self._news.set()
        await session.read()
        return socket
