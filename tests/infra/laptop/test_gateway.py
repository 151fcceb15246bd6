"""The HTTP port, spoken to over a real socket."""

import asyncio
import base64
import io
import json
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from infra import wiring
from infra.laptop.console_files import ConsoleFiles
from infra.laptop.gateway import MOST_BODY_BYTES, Gateway
from infra.laptop.inbox import Inbox
from infra.laptop.runtime import Answer, failure
from infra.laptop.settings import Settings
from infra.laptop.sign_in import SignIn
from infra.parts import Function

FUNCTION = Function("api", "entry.http", memory_mb=128, timeout_seconds=5)

Client = TestClient[Any, Any]
Code = Callable[[dict[str, Any]], Any]

INBOX_SECRET = "whsec_aW5ib3gtb2YtdGhlLXRlc3Rz"


class FakeBackend:
    """Runs ``code`` with each event, as the cloud would run the function."""

    def __init__(self, code: Code) -> None:
        self._code = code

    def invoke(self, function: str, payload: bytes) -> Answer:
        assert function == "api"
        try:
            return Answer(json.dumps(self._code(json.loads(payload))).encode())
        except Exception as error:
            return failure(type(error).__name__, str(error), error)


def speak(
    talk: Callable[[Client], Awaitable[None]],
    code: Code | None,
    console: Path,
    *,
    is_ready: bool = True,
    function: Function = FUNCTION,
) -> None:
    gateway = Gateway(
        function,
        console=ConsoleFiles(console),
        allowed=wiring.CORS,
        inbox=Inbox(INBOX_SECRET, lambda: 1_700_000_000.5),
        sign_in=SignIn(
            INBOX_SECRET,
            Settings("127.0.0.1", 8000, 8080, "INFO", None),
            lambda: 1_700_000_000.5,
        ),
        is_ready=lambda: is_ready,
        now_seconds=lambda: 1_700_000_000.5,
    )
    if code is not None:
        gateway.open(FakeBackend(code))

    async def run() -> None:
        async with TestClient(TestServer(gateway.application())) as client:
            await talk(client)

    asyncio.run(run())


def echo(event: dict[str, Any]) -> Any:
    return {"statusCode": 200, "body": json.dumps(event)}


async def told(response: ClientResponse) -> Any:
    return json.loads(await response.text())


def test_hand_the_request_to_the_function(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        response = await client.post(
            "/api/v1/rooms/a%20b?x=1%2B1&x=2",
            data=b'{"creator":"alice"}',
            headers={"Content-Type": "application/json", "X-A": "1"},
            cookies={"c": "1"},
        )
        event = await told(response)
        assert event["rawPath"] == "/api/v1/rooms/a b"
        assert event["rawQueryString"] == "x=1%2B1&x=2"
        assert event["queryStringParameters"] == {"x": "1+1,2"}
        assert event["requestContext"]["http"]["method"] == "POST"
        assert event["requestContext"]["http"]["sourceIp"] == "127.0.0.1"
        assert event["requestContext"]["timeEpoch"] == 1_700_000_000_500
        assert event["headers"]["x-a"] == "1"
        assert event["cookies"] == ["c=1"]
        assert event["body"] == '{"creator":"alice"}'

    speak(talk, echo, tmp_path)


def test_map_the_answer_back(tmp_path: Path) -> None:
    def code(event: dict[str, Any]) -> Any:
        return {
            "statusCode": 418,
            "headers": {"X-Kind": "pot", "Access-Control-Allow-Origin": "x"},
            "cookies": ["a=1", "b=2"],
            "body": base64.b64encode(b"\xff\x00").decode(),
            "isBase64Encoded": True,
        }

    async def talk(client: Client) -> None:
        response = await client.get("/tea", headers={"Origin": "http://a"})
        assert response.status == 418
        assert await response.read() == b"\xff\x00"
        assert response.headers["X-Kind"] == "pot"
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]

    speak(talk, code, tmp_path)


@pytest.mark.parametrize(
    "code",
    [
        lambda event: 1 / 0,
        lambda event: {"statusCode": 200, "body": {}},
        lambda event: {"statusCode": 1},
        lambda event: object(),
    ],
)
def test_hide_what_went_wrong(code: Code, tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        response = await client.get("/")
        assert response.status == 500
        assert await response.text() == '{"message":"Internal Server Error"}'

    speak(talk, code, tmp_path)


def test_take_any_other_answer_as_the_body(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        response = await client.get("/")
        assert response.content_type == "application/json"
        assert await told(response) == {"ok": True}

    speak(talk, lambda event: {"ok": True}, tmp_path)


def test_end_what_takes_too_long(tmp_path: Path) -> None:
    release = threading.Event()
    slow = Function("api", "entry.http", memory_mb=128, timeout_seconds=0)

    async def talk(client: Client) -> None:
        assert (await client.get("/")).status == 500
        release.set()

    speak(talk, lambda event: release.wait(5), tmp_path, function=slow)


def test_refuse_more_than_ten_megabytes(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        text = {"Content-Type": "text/plain"}
        body = io.BytesIO(b"x" * MOST_BODY_BYTES)
        response = await client.post("/", data=body, headers=text)
        assert await told(response) == MOST_BODY_BYTES
        body = io.BytesIO(b"x" * (MOST_BODY_BYTES + 1))
        response = await client.post("/", data=body, headers=text)
        assert response.status == 413
        assert await told(response) == {"message": "Request Entity Too Large"}

    speak(talk, lambda event: len(event["body"]), tmp_path)


def test_answer_each_of_fifty_its_own(tmp_path: Path) -> None:
    together = threading.Barrier(50, timeout=10)

    def code(event: dict[str, Any]) -> Any:
        together.wait()
        return {"statusCode": 200, "body": event["rawPath"] + event["body"]}

    async def talk(client: Client) -> None:
        async def ask(number: int) -> None:
            response = await client.post(f"/{number}", data=f"body{number}")
            assert await response.text() == f"/{number}body{number}"

        async with asyncio.TaskGroup() as tasks:
            for number in range(50):
                tasks.create_task(ask(number))

    speak(talk, code, tmp_path)


def test_say_that_it_starts(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        response = await client.get("/health")
        assert response.status == 503
        assert await told(response) == {"status": "starting"}
        response = await client.post("/api/v1/rooms")
        assert response.status == 503
        assert await told(response) == {"message": "Service Unavailable"}

    speak(talk, None, tmp_path, is_ready=False)


def test_let_the_function_tell_its_health(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        response = await client.get("/health")
        assert (await told(response))["rawPath"] == "/health"

    speak(talk, echo, tmp_path)


def test_answer_a_preflight_without_the_function(tmp_path: Path) -> None:
    async def talk(client: Client) -> None:
        response = await client.options(
            "/api/v1/rooms",
            headers={
                "Origin": "https://app.example",
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization",
            },
        )
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "authorization" in response.headers["Access-Control-Allow-Headers"]
        response = await client.options("/api/v1/rooms")
        assert (await told(response))["requestContext"]["http"]["method"] == "OPTIONS"

    speak(talk, echo, tmp_path)


def test_serve_the_console_first(tmp_path: Path) -> None:
    folder = tmp_path / "console"
    folder.mkdir()
    (folder / "index.html").write_text("<p>console")
    (tmp_path / "secret").write_text("secret")

    async def talk(client: Client) -> None:
        response = await client.get("/")
        assert await response.text() == "<p>console"
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        response = await client.head("/index.html")
        assert (response.status, await response.read()) == (200, b"")
        assert (await told(await client.post("/")))["rawPath"] == "/"

    speak(talk, echo, folder)


def test_serve_nothing_outside_the_console(tmp_path: Path) -> None:
    folder = tmp_path / "console"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret")

    async def talk(client: Client) -> None:
        for path in ("/../secret", "/%2e%2e/secret", "/..%2fsecret", "/a/../../secret"):
            reader, writer = await asyncio.open_connection(client.host, client.port)
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
            )
            raw = await asyncio.wait_for(reader.read(), 5)
            writer.close()
            assert b"secret" not in raw.partition(b"\r\n\r\n")[2].replace(
                b"/secret", b""
            )
            assert b"rawPath" in raw

    speak(talk, echo, folder)


def test_be_quick_when_many_wait(tmp_path: Path) -> None:
    """A slow request holds a thread and nobody else."""

    def code(event: dict[str, Any]) -> Any:
        if event["rawPath"] == "/slow":
            time.sleep(0.5)
        return {"statusCode": 204}

    async def talk(client: Client) -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(client.get("/slow"))
            await asyncio.sleep(0.1)
            began = loop.time()
            await client.get("/quick")
            assert loop.time() - began < 0.3

    speak(talk, code, tmp_path)
