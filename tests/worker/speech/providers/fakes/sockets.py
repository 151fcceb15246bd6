"""What fakes with a WebSocket share."""

import asyncio
from abc import abstractmethod
from contextlib import suppress

from aiohttp import WSMsgType, web

from tests.worker.speech.providers.contract import HEARD, SPEECH
from tests.worker.speech.providers.fakes.server import FakeProvider, Fault, cut

GARBAGE = "<html>\u2603</html>"
PATIENCE_SECONDS = 5.0
SECOND_BYTES = 32_000
"""Of the contract's audio."""
DELTA, FINAL = HEARD.split()[0], HEARD
UNEVEN = 1_001
"""No whole number of samples."""


class SocketFake(FakeProvider):
    """Serves one conversation on each connection."""

    def refused(self, request: web.Request) -> web.Response | None:
        """An answer without a socket, if it is not let in."""
        return None

    @abstractmethod
    async def talk(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        """Until it is over."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        with self.counted():
            refusal = self.refused(request)
            if refusal is not None:
                return refusal
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            with suppress(ConnectionError):
                await self.talk(request, socket)
                await socket.close()
            return socket

    async def received(self, socket: web.WebSocketResponse) -> str | bytes | None:
        """None when it is closed."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            message = await socket.receive()
        if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
            data: str | bytes = message.data
            return data
        return None

    async def strike(self, request: web.Request, socket: web.WebSocketResponse) -> bool:
        """Does what its fault is, in the middle; whether that was all."""
        match self.fault:
            case Fault.CUT:
                cut(request)
                return True
            case Fault.GARBAGE:
                await socket.send_str(GARBAGE)
                return True
            case Fault.SILENT:
                while await self.received(socket) is not None:
                    pass
                return True
            case _:
                return False

    async def send_speech(self, socket: web.WebSocketResponse) -> None:
        for start in range(0, len(SPEECH), UNEVEN):
            await socket.send_bytes(SPEECH[start : start + UNEVEN])
            if self.fault is Fault.SLOW:
                await self.go_on.wait()
