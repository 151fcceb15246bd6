"""API Gateway's WebSockets, spoken to over real sockets."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError, web
from aiohttp.test_utils import TestClient, TestServer

from infra.laptop import connections
from infra.laptop.runtime import Answer, failure
from infra.laptop.sockets import Limits, SocketGateway
from infra.parts import Function, WebSocketApi

API = WebSocketApi(
    "things", "things", stage="live", laptop_paths={"/ws": {}, "/ws/a": {"type": "a"}}
)
FUNCTION = Function("things", "things.handler", memory_mb=128, timeout_seconds=5)
NOW = 1_700_000_000.5
PATIENCE_SECONDS = 5

Client = TestClient[Any, Any]


@dataclass
class FakeBackend:
    """Remembers the events, and answers as it is told to."""

    events: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)
    obey: Callable[[dict[str, Any]], None] = lambda event: None

    def invoke(self, function: str, payload: bytes) -> Answer:
        assert function == FUNCTION.name
        event = json.loads(payload)
        self.events.append(event)
        try:
            self.obey(event)
        except Exception as error:
            return failure(type(error).__name__, str(error), error)
        kind = event["requestContext"]["eventType"]
        answer = self.answers.get(kind, {"statusCode": 200, "body": "unheard"})
        return Answer(json.dumps(answer).encode())

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [
            one for one in self.events if one["requestContext"]["eventType"] == kind
        ]

    @property
    def connection_id(self) -> str:
        (event,) = self.of("CONNECT")
        return str(event["requestContext"]["connectionId"])

    @property
    def path(self) -> str:
        return f"/@connections/{self.connection_id.replace('=', '%3D')}"


class Server(TestServer):
    """Lets handlers finish when their clients are gone, as servers do in earnest."""

    async def _make_runner(self, **how: Any) -> web.BaseRunner:
        return await super()._make_runner(**{**how, "handler_cancellation": False})


async def until(is_so: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110 - another thread
            await asyncio.sleep(0.005)


async def next_of(socket: ClientWebSocketResponse) -> Any:
    return await socket.receive(timeout=PATIENCE_SECONDS)


def speak(
    talk: Callable[[Client], Awaitable[None]],
    backend: FakeBackend | None,
    limits: Limits | None = None,
    function: Function = FUNCTION,
) -> None:
    gateway = SocketGateway([API], [function], lambda: NOW, limits or Limits())
    if backend is not None:
        gateway.open(backend)

    async def otherwise(request: web.Request) -> web.Response:
        return web.Response(status=418)

    async def run() -> None:
        application = web.Application()
        gateway.add_to(application, otherwise)
        async with TestClient(Server(application)) as client:
            await talk(client)

    asyncio.run(run())


def test_tell_the_function_of_a_socket_s_whole_life() -> None:
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        headers = {"X-A": "1", "User-Agent": "test"}
        path = "/ws/a?x=1%2B1&x=2&type=b"
        async with client.ws_connect(path, headers=headers) as socket:
            (event,) = backend.events
            assert event["queryStringParameters"] == {"x": "2", "type": "a"}
            listed = {"x": ["1+1", "2"], "type": ["a"]}
            assert event["multiValueQueryStringParameters"] == listed
            assert event["headers"]["X-A"] == "1"
            assert event["multiValueHeaders"]["X-A"] == ["1"]
            about = event["requestContext"]
            assert about["routeKey"] == "$connect"
            assert about["eventType"] == "CONNECT"
            assert about["stage"] == "live"
            assert about["domainName"] == f"{client.host}:{client.port}"
            assert about["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "test"}
            assert about["connectedAt"] == 1_700_000_000_500
            await socket.send_str("hello")
            await until(lambda: backend.of("MESSAGE"))
            (event,) = backend.of("MESSAGE")
            assert event["body"] == "hello"
            assert "queryStringParameters" not in event
            assert event["requestContext"]["routeKey"] == "$default"
            assert event["requestContext"]["messageId"]
            await socket.close(code=1000)
        await until(lambda: backend.of("DISCONNECT"))
        (event,) = backend.of("DISCONNECT")
        about = event["requestContext"]
        assert about["connectionId"] == backend.connection_id
        assert about["disconnectStatusCode"] == 1000
        assert (await client.get(backend.path)).status == 410

    speak(talk, backend)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"statusCode": 401, "body": '{"code":401}'}, 401),
        ({"statusCode": 503, "headers": {"Retry-After": "5"}, "body": "later"}, 503),
        ({"statusCode": 1}, 500),
    ],
)
def test_let_in_whom_the_function_lets_in(answer: Any, status: int) -> None:
    backend = FakeBackend(answers={"CONNECT": answer})

    async def talk(client: Client) -> None:
        with pytest.raises(WSServerHandshakeError) as refusal:
            await client.ws_connect("/ws")
        assert refusal.value.status == status
        assert refusal.value.headers is not None
        given = answer.get("headers", {})
        assert refusal.value.headers.get("Retry-After") == given.get("Retry-After")
        assert backend.of("DISCONNECT") == []

    speak(talk, backend)


def test_refuse_all_before_the_function_can_run() -> None:
    async def talk(client: Client) -> None:
        with pytest.raises(WSServerHandshakeError) as refusal:
            await client.ws_connect("/ws")
        assert refusal.value.status == 503

    speak(talk, None)


def test_leave_the_path_to_who_asks_for_no_socket() -> None:
    async def talk(client: Client) -> None:
        assert (await client.get("/ws")).status == 418

    speak(talk, FakeBackend())


def test_post_look_and_close() -> None:
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws") as socket:
            assert (await client.post(backend.path, data="hällo")).status == 200
            assert (await next_of(socket)).data == "hällo"
            told = await (await client.get(backend.path)).json()
            assert told["connectedAt"] == "2023-11-14T22:13:20.500Z"
            assert set(told) == {"connectedAt", "identity", "lastActiveAt"}
            large = b"x" * (connections.MOST_POSTED_BYTES + 1)
            assert (await client.post(backend.path, data=large)).status == 413
            assert (await client.delete(backend.path)).status == 204
            assert (await next_of(socket)).type is WSMsgType.CLOSE
            assert (await client.post(backend.path, data="x")).status == 410
        await until(lambda: backend.of("DISCONNECT"))

    speak(talk, backend)


def test_post_nothing_while_a_socket_is_being_let_in() -> None:
    backend, told = FakeBackend(), list[int]()

    async def talk(client: Client) -> None:
        loop = asyncio.get_running_loop()

        def post(event: dict[str, Any]) -> None:
            if event["requestContext"]["eventType"] == "CONNECT":
                asked = asyncio.run_coroutine_threadsafe(
                    _status(client, backend.path), loop
                )
                told.append(asked.result(PATIENCE_SECONDS))

        backend.obey = post
        async with client.ws_connect("/ws"):
            assert told == [410]

    speak(talk, backend)


async def _status(client: Client, path: str) -> int:
    return (await client.post(path, data="early")).status


def test_let_nobody_from_afar_post(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws"):
            for remote in ("192.0.2.7", None):
                monkeypatch.setattr(web.Request, "remote", remote)
                assert (await client.post(backend.path, data="x")).status == 403

    speak(talk, backend)


def test_run_messages_side_by_side() -> None:
    together = threading.Barrier(3, timeout=PATIENCE_SECONDS)
    backend = FakeBackend()

    def meet(event: dict[str, Any]) -> None:
        if event["requestContext"]["eventType"] == "MESSAGE":
            together.wait()

    backend.obey = meet

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws") as socket:
            for number in range(3):
                await socket.send_str(str(number))
            await until(lambda: len(backend.of("MESSAGE")) == 3)
            with pytest.raises(TimeoutError):
                await socket.receive(timeout=0.05)

    speak(talk, backend)


def test_tell_a_client_that_the_function_failed() -> None:
    backend = FakeBackend()

    def fail(event: dict[str, Any]) -> None:
        if event["requestContext"]["eventType"] == "MESSAGE":
            raise RuntimeError("a secret")

    backend.obey = fail

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws") as socket:
            await socket.send_str("x")
            told = json.loads((await next_of(socket)).data)
            assert told.pop("requestId")
            assert told == {
                "message": "Internal server error",
                "connectionId": backend.connection_id,
            }

    speak(talk, backend)


def test_end_a_function_that_takes_too_long() -> None:
    backend, over = FakeBackend(), threading.Event()

    def wait(event: dict[str, Any]) -> None:
        if event["requestContext"]["eventType"] == "MESSAGE":
            over.wait(PATIENCE_SECONDS)

    backend.obey = wait

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws") as socket:
            await socket.send_str("x")
            assert "Internal" in (await next_of(socket)).data
            over.set()

    speak(
        talk,
        backend,
        function=Function("things", "t.h", memory_mb=1, timeout_seconds=1),
    )


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (lambda socket: socket.send_str("x" * 1_001), 1009),
        (lambda socket: socket.send_bytes(b"x"), 1003),
    ],
)
def test_close_who_sends_what_the_gateway_does_not_take(
    act: Callable[[ClientWebSocketResponse], Awaitable[None]], code: int
) -> None:
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws") as socket:
            await act(socket)
            assert (await next_of(socket)).type is WSMsgType.CLOSE
            assert socket.close_code == code
        await until(lambda: backend.of("DISCONNECT"))
        assert backend.of("MESSAGE") == []

    speak(talk, backend, Limits(message_bytes=1_000))


@pytest.mark.parametrize(
    "limits", [Limits(idle_seconds=0.05), Limits(lifetime_seconds=0.05)]
)
def test_cut_what_is_idle_or_old(limits: Limits) -> None:
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws") as socket:
            message = await next_of(socket)
            assert (message.type, socket.close_code) == (WSMsgType.CLOSE, 1001)
        await until(lambda: backend.of("DISCONNECT"))
        (event,) = backend.of("DISCONNECT")
        assert event["requestContext"]["disconnectStatusCode"] == 1001

    speak(talk, backend, limits)


def test_count_what_is_posted_as_life() -> None:
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        async with client.ws_connect("/ws") as socket:
            for _ in range(6):
                await asyncio.sleep(0.05)
                await client.post(backend.path, data="x")
                assert (await next_of(socket)).data == "x"
            assert (await next_of(socket)).type is WSMsgType.CLOSE

    speak(talk, backend, Limits(idle_seconds=0.2))


def test_tell_of_a_client_that_is_gone_without_a_word() -> None:
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        socket = await client.ws_connect("/ws")
        assert socket._response.connection is not None
        transport = socket._response.connection.transport
        assert transport is not None
        transport.abort()
        await until(lambda: backend.of("DISCONNECT"))
        (event,) = backend.of("DISCONNECT")
        assert event["requestContext"]["disconnectStatusCode"] == 1006
        await socket.close()

    speak(talk, backend)


def test_post_to_a_client_that_does_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "SEND_SECONDS", 0.05)
    backend = FakeBackend()

    async def talk(client: Client) -> None:
        socket = await client.ws_connect("/ws")
        assert socket._response.connection is not None
        transport: Any = socket._response.connection.transport
        transport.pause_reading()
        text = b"x" * connections.MOST_POSTED_BYTES
        statuses = []
        while 410 not in statuses:
            statuses.append((await client.post(backend.path, data=text)).status)
        assert 200 in statuses
        transport.abort()
        await socket.close()

    speak(talk, backend)
