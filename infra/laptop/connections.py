"""API Gateway's ``@connections``: who is on this machine may post to its sockets."""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import WSCloseCode, web

from infra.laptop import socket_events as events
from infra.laptop.socket_events import Visitor
from infra.parts import WebSocketApi

PATH = "/@connections/{connection_id}"
MOST_POSTED_BYTES = 131_072
SEND_SECONDS = 5.0
"""How long a client may take for what it is posted."""
ABNORMAL = 1006

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Connection:
    """A socket that was let in."""

    visitor: Visitor
    api: WebSocketApi
    socket: web.WebSocketResponse
    ends_at: float
    active_at: float
    active_at_ms: int
    _code: int | None = None
    """Ours, when it was we who closed it."""

    @property
    def close_code(self) -> int:
        return self._code or self.socket.close_code or ABNORMAL

    async def close(self, code: int, reason: str = "") -> None:
        self._code = code
        await self.socket.close(code=code, message=reason.encode())

    async def send(self, text: str) -> bool:
        """Whether the client took it in time."""
        with suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await self.socket.send_str(text)
            return True
        return False

    def touch(self, now_ms: int) -> None:
        """Something went over it."""
        self.active_at = asyncio.get_running_loop().time()
        self.active_at_ms = now_ms


class Connections:
    """The sockets that are there, and the routes to them."""

    def __init__(self, now_ms: Callable[[], int]) -> None:
        self._now_ms = now_ms
        self._connections: dict[str, Connection] = {}

    def add_to(self, application: web.Application) -> None:
        acts = (("POST", self._post), ("GET", self._tell), ("DELETE", self._delete))
        for method, act in acts:
            application.router.add_route(method, PATH, self._managed(act))
        application.on_shutdown.append(self._shut)

    def add(self, connection: Connection) -> None:
        self._connections[connection.visitor.connection_id] = connection

    def remove(self, connection: Connection) -> None:
        """Again: nothing."""
        self._connections.pop(connection.visitor.connection_id, None)

    def _managed(
        self, act: Callable[[Connection, web.Request], Awaitable[web.Response]]
    ) -> Handler:
        async def manage(request: web.Request) -> web.StreamResponse:
            if not _is_local(request):
                return _refusal(403, "Forbidden")
            found = self._connections.get(request.match_info["connection_id"])
            if found is None:
                return _refusal(410, "Gone")
            return await act(found, request)

        return manage

    async def _post(self, connection: Connection, request: web.Request) -> web.Response:
        body = await request.read()
        if len(body) > MOST_POSTED_BYTES:
            return _refusal(413, "Payload Too Large")
        if not await connection.send(body.decode(errors="replace")):
            return _refusal(410, "Gone")
        connection.touch(self._now_ms())
        return web.Response()

    async def _tell(self, connection: Connection, request: web.Request) -> web.Response:
        visitor = connection.visitor
        return web.json_response(
            {
                "connectedAt": events.instant(visitor.connected_at_ms),
                "identity": events.identity(visitor),
                "lastActiveAt": events.instant(connection.active_at_ms),
            }
        )

    async def _delete(
        self, connection: Connection, request: web.Request
    ) -> web.Response:
        self.remove(connection)
        await connection.close(WSCloseCode.OK)
        return web.Response(status=204)

    async def _shut(self, application: web.Application) -> None:
        for connection in list(self._connections.values()):
            await connection.close(WSCloseCode.GOING_AWAY)


def _is_local(request: web.Request) -> bool:
    try:
        return ipaddress.ip_address(request.remote or "").is_loopback
    except ValueError:
        return False


def _refusal(status: int, message: str) -> web.Response:
    return web.json_response({"message": message}, status=status)
