"""What is served: a WebSocket for each call, binary both ways, and text if wanted."""

import json
from collections.abc import Callable
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from examples.media_server.listener import Listener, tone

Tell = Callable[[str], None]
TELL: web.AppKey[Tell] = web.AppKey("tell")
BEEP = "beep"


class Manner(Protocol):
    """What a server does with what it hears."""

    async def hear(self, packet: bytes) -> None: ...

    async def read(self, said: dict[str, Any]) -> None: ...


class Echo:
    """Says everything back. It knows nothing of texts."""

    def __init__(self, socket: web.WebSocketResponse, rate: int) -> None:
        self._socket = socket

    async def hear(self, packet: bytes) -> None:
        await self._socket.send_bytes(packet)

    async def read(self, said: dict[str, Any]) -> None:
        """There is none."""


class Beep:
    """Answers with a tone once the caller has spoken; who speaks on is listened to."""

    def __init__(self, socket: web.WebSocketResponse, rate: int) -> None:
        self._socket = socket
        self._listener = Listener(rate)
        self._tone = tone(rate)
        self._is_answering = False

    async def hear(self, packet: bytes) -> None:
        turn = self._listener.hear(packet)
        if turn is None:
            return
        if turn.is_speaking and self._is_answering:
            self._is_answering = False
            await self._socket.send_json({"event": "clear"})
        elif not turn.is_speaking:
            self._is_answering = True
            await self._socket.send_bytes(self._tone)
            await self._socket.send_json({"event": "mark", "name": BEEP})

    async def read(self, said: dict[str, Any]) -> None:
        if said.get("event") == "mark":
            self._is_answering = False


async def _serve(request: web.Request, kind: type[Echo] | type[Beep]) -> Any:
    """One call: the query tells the rate of what comes; what goes has the same here."""
    tell = request.app[TELL]
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    call = request.headers.get("X-Session-ID", "a call")
    tell(f"{call} begins")
    manner: Manner = kind(socket, int(request.query.get("sample_rate", "16000")))
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await manner.hear(message.data)
        elif message.type is WSMsgType.TEXT:
            tell(f"{call}: {message.data}")
            await manner.read(json.loads(message.data))
    tell(f"{call} ends")
    return socket


async def _echo(request: web.Request) -> Any:
    return await _serve(request, Echo)


async def _beep(request: web.Request) -> Any:
    return await _serve(request, Beep)


def application(tell: Tell = lambda line: None) -> web.Application:
    """``tell`` is told line by line what happens."""
    served = web.Application()
    served[TELL] = tell
    served.add_routes([web.get("/echo", _echo), web.get("/beep", _beep)])
    return served
