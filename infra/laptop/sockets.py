"""API Gateway's WebSocket APIs on the HTTP port."""

import asyncio
import json
import logging
import secrets
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from infra.laptop import socket_events as events
from infra.laptop.connections import Connection, Connections, Handler
from infra.laptop.payload import HttpResponse, MalformedAnswer, response_of
from infra.laptop.runtime import Answer
from infra.laptop.socket_events import Happening, Visitor
from infra.parts import Function, WebSocketApi

logger = logging.getLogger(__name__)

MOST_CONCURRENT_EVENTS = 64
CLOSE_SECONDS = 2.0
INTERNAL_ERROR = HttpResponse.of_message(500, "Internal Server Error")
UNAVAILABLE = HttpResponse.of_message(503, "Service Unavailable")


class Backend(Protocol):
    """What runs the functions behind the routes."""

    def invoke(self, function: str, payload: bytes) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Limits:
    """API Gateway's own."""

    message_bytes: int = 32_768
    """Of a frame; a message may have four, but no browser cuts one into frames."""
    idle_seconds: float = 600.0
    lifetime_seconds: float = 7_200.0


class SocketGateway:
    """Tells functions of sockets, side by side, and lets them be posted to.

    Like the gateway of requests it refuses everybody until `open`.
    """

    def __init__(
        self,
        apis: Iterable[WebSocketApi],
        functions: Iterable[Function],
        now_seconds: Callable[[], float],
        limits: Limits,
    ) -> None:
        self._apis = tuple(apis)
        self._functions = {function.name: function for function in functions}
        self._now_seconds = now_seconds
        self._limits = limits
        self._backend: Backend | None = None
        self._connections = Connections(self._now_ms)
        self._threads = ThreadPoolExecutor(
            MOST_CONCURRENT_EVENTS, thread_name_prefix="sockets"
        )

    def open(self, backend: Backend) -> None:
        """From now on events are run by ``backend``."""
        self._backend = backend

    def add_to(self, application: web.Application, otherwise: Handler) -> None:
        """``otherwise`` serves the same paths to who asks for no socket."""
        for api in self._apis:
            for path, implied in api.laptop_paths.items():
                handler = self._doorman(api, implied, otherwise)
                application.router.add_get(path, handler, allow_head=False)
        self._connections.add_to(application)
        application.on_cleanup.append(self._close)

    def _doorman(
        self, api: WebSocketApi, implied: Mapping[str, str], otherwise: Handler
    ) -> Handler:
        async def come(request: web.Request) -> web.StreamResponse:
            if request.headers.get("upgrade", "").lower() != "websocket":
                return await otherwise(request)
            return await self._come(request, api, implied)

        return come

    async def _come(
        self, request: web.Request, api: WebSocketApi, implied: Mapping[str, str]
    ) -> web.StreamResponse:
        visitor = self._visitor(request, api, implied)
        event = events.connect_event(visitor, self._happening())
        answer = await self._run(api, event)
        if not 200 <= answer.status < 300:
            return web.Response(
                status=answer.status, body=answer.body, headers=answer.headers
            )
        socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS,
            max_msg_size=self._limits.message_bytes,
            compress=False,
        )
        await socket.prepare(request)
        now = asyncio.get_running_loop().time()
        ends_at = now + self._limits.lifetime_seconds
        connection = Connection(
            visitor, api, socket, ends_at, now, visitor.connected_at_ms
        )
        await self._stay(connection)
        return socket

    async def _stay(self, connection: Connection) -> None:
        """The word of its end goes beside the last of its messages, as on AWS."""
        self._connections.add(connection)
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._read(connection, tasks)
            finally:
                self._connections.remove(connection)
                tasks.create_task(self._leave(connection))

    async def _leave(self, connection: Connection) -> None:
        code, happening = connection.close_code, self._happening()
        event = events.disconnect_event(connection.visitor, happening, code, "")
        await self._run(connection.api, event)

    async def _read(self, connection: Connection, tasks: asyncio.TaskGroup) -> None:
        """Until either side has closed the socket."""
        loop, socket = asyncio.get_running_loop(), connection.socket
        while True:
            idle_at = connection.active_at + self._limits.idle_seconds
            left = min(connection.ends_at, idle_at) - loop.time()
            if left <= 0:
                await connection.close(WSCloseCode.GOING_AWAY, "Going away")
                return
            try:
                message = await socket.receive(timeout=left)
            except TimeoutError:
                continue
            if message.type is WSMsgType.TEXT:
                connection.touch(self._now_ms())
                tasks.create_task(self._hear(connection, message.data))
            elif message.type is WSMsgType.BINARY:
                await connection.close(WSCloseCode.UNSUPPORTED_DATA)
                return
            else:
                return

    async def _hear(self, connection: Connection, text: str) -> None:
        happening = self._happening()
        event = events.message_event(connection.visitor, happening, text)
        answer = await self._run(connection.api, event)
        if answer is INTERNAL_ERROR:
            told = events.failure_text(connection.visitor, happening)
            await connection.send(json.dumps(told))

    async def _run(self, api: WebSocketApi, event: Mapping[str, Any]) -> HttpResponse:
        if self._backend is None:
            return UNAVAILABLE
        function = self._functions[api.function]
        running = asyncio.get_running_loop().run_in_executor(
            self._threads,
            self._backend.invoke,
            function.name,
            json.dumps(event).encode(),
        )
        try:
            async with asyncio.timeout(function.timeout_seconds):
                answer = await running
            if not answer.error:
                return response_of(json.loads(answer.payload))
        except MalformedAnswer as error:
            logger.error("malformed answer", extra={"reason": str(error)})
        except TimeoutError:
            logger.error("function timed out")
        return INTERNAL_ERROR

    def _visitor(
        self, request: web.Request, api: WebSocketApi, implied: Mapping[str, str]
    ) -> Visitor:
        raw_query = request.raw_path.partition("?")[2]
        return Visitor(
            # As AWS makes them: what they bear must be escaped in a path.
            connection_id=urlsafe_b64encode(secrets.token_bytes(11)).decode(),
            stage=api.stage,
            domain_name=request.host,
            source_ip=request.remote or "",
            headers=tuple(request.headers.items()),
            query=events.query_of(raw_query, implied),
            connected_at_ms=self._now_ms(),
        )

    def _happening(self) -> Happening:
        return Happening(str(uuid.uuid4()), self._now_ms())

    def _now_ms(self) -> int:
        return int(self._now_seconds() * 1000)

    async def _close(self, application: web.Application) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
