"""The HTTP port: console files first, then API Gateway's HTTP API."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from aiohttp import web

from infra.laptop import cors
from infra.laptop.console_files import HEADERS, ConsoleFiles, content_type
from infra.laptop.inbox import Inbox
from infra.laptop.payload import (
    HttpRequest,
    HttpResponse,
    MalformedAnswer,
    event_of,
    response_of,
)
from infra.laptop.runtime import Answer
from infra.laptop.sign_in import SignIn
from infra.laptop.sockets import SocketGateway
from infra.parts import Cors, Function

logger = logging.getLogger(__name__)

MOST_BODY_BYTES = 10 * 2**20
"""API Gateway's limit."""
MOST_CONCURRENT_REQUESTS = 64
STARTING = b'{"status":"starting"}'

INTERNAL_ERROR = HttpResponse.of_message(500, "Internal Server Error")
UNAVAILABLE = HttpResponse.of_message(503, "Service Unavailable")
TOO_LARGE = HttpResponse.of_message(413, "Request Entity Too Large")


class Backend(Protocol):
    """What runs the function behind the ``$default`` route."""

    def invoke(self, function: str, payload: bytes) -> Answer: ...


class Gateway:
    """Serves every path with one function, as the cloud's HTTP API does.

    It listens before the function can run, and answers 503 until `open`.
    """

    def __init__(
        self,
        function: Function,
        *,
        console: ConsoleFiles,
        allowed: Cors,
        inbox: Inbox,
        sign_in: SignIn,
        is_ready: Callable[[], bool],
        now_seconds: Callable[[], float],
        sockets: SocketGateway | None = None,
    ) -> None:
        self._sockets = sockets
        self._backend: Backend | None = None
        self._function = function
        self._console = console
        self._cors = allowed
        self._inbox = inbox
        self._sign_in = sign_in
        self._is_ready = is_ready
        self._now_seconds = now_seconds
        self._threads = ThreadPoolExecutor(
            MOST_CONCURRENT_REQUESTS, thread_name_prefix="http"
        )

    def open(self, backend: Backend) -> None:
        """From now on requests are run by ``backend``."""
        self._backend = backend
        if self._sockets is not None:
            self._sockets.open(backend)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=MOST_BODY_BYTES)
        self._inbox.add_routes(application.router)
        self._sign_in.add_routes(application.router)
        if self._sockets is not None:
            self._sockets.add_to(application, self._serve)
        application.router.add_route("*", "/{path:.*}", self._serve)
        application.on_cleanup.append(self._close)
        return application

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if cors.is_preflight(request.method, request.headers):
            allowed = cors.preflight_headers(self._cors, request.headers["origin"])
            return web.Response(status=204, headers=allowed)
        if request.method in ("GET", "HEAD"):
            if file := self._console.find(request.path):
                headers = HEADERS | {"content-type": content_type(file)}
                return web.FileResponse(file, headers=headers)
            if request.path == "/health" and not self._is_ready():
                return web.Response(
                    status=503, body=STARTING, content_type="application/json"
                )
        began = time.perf_counter()
        response = await self._answer(request)
        logger.debug(
            "request",
            extra={
                "method": request.method,
                "path": request.path,
                "status": response.status,
                "ms": round((time.perf_counter() - began) * 1000, 1),
            },
        )
        return self._rendered(request, response)

    async def _answer(self, request: web.Request) -> HttpResponse:
        if self._backend is None:
            return UNAVAILABLE
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return TOO_LARGE
        event = event_of(
            _parsed(request, body),
            request_id=str(uuid.uuid4()),
            now_ms=int(self._now_seconds() * 1000),
        )
        return await self._run(self._backend, json.dumps(event).encode())

    async def _run(self, backend: Backend, payload: bytes) -> HttpResponse:
        running = asyncio.get_running_loop().run_in_executor(
            self._threads, backend.invoke, self._function.name, payload
        )
        try:
            async with asyncio.timeout(self._function.timeout_seconds):
                answer = await running
            if answer.error:
                return INTERNAL_ERROR
            return response_of(json.loads(answer.payload))
        except MalformedAnswer as error:
            logger.error("malformed answer", extra={"reason": str(error)})
        except TimeoutError:
            logger.error("function timed out")
        return INTERNAL_ERROR

    def _rendered(self, request: web.Request, response: HttpResponse) -> web.Response:
        allowed = cors.response_headers(self._cors, request.headers.get("origin"))
        rendered = web.Response(status=response.status, body=response.body)
        rendered.headers.popall("content-type", None)
        for name, value in response.headers:
            # With CORS configured, API Gateway drops the function's own.
            if not name.startswith("access-control-"):
                rendered.headers.add(name, value)
        rendered.headers.update(allowed)
        return rendered

    async def _close(self, application: web.Application) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _parsed(request: web.Request, body: bytes) -> HttpRequest:
    sockname = request.transport.get_extra_info("sockname") if request.transport else ()
    return HttpRequest(
        method=request.method,
        path=request.path,
        raw_query=request.raw_path.partition("?")[2],
        headers=tuple(request.headers.items()),
        body=body,
        source_ip=request.remote or "",
        port=sockname[1] if sockname else 0,
    )
