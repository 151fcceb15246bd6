"""The second door: sockets of the HTTP port, through the relay function to a worker."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.e2e.test_fleet import TAKEOVER_SECONDS, ask, user, wait_until
from tests.e2e.test_laptop import Laptop, laptop
from tests.e2e.voice.caller import opened

pytestmark = pytest.mark.laptop

PATIENCE_SECONDS = 20
"""The machine may be shared."""
CUT_SECONDS = 3
UNKNOWN = re.compile(r"the command (\w+) is not known")


@pytest.fixture(scope="module")
def stack() -> Iterator[Laptop]:
    with laptop() as running:
        running.wait_until_ready()
        yield running
        running.stop()


def address(stack: Laptop, path: str = "/call/webrtc", **query: str) -> str:
    given = urlencode({"token": user("alice"), "ping": "0", **query})
    return f"ws://127.0.0.1:{stack.http_port}{path}?{given}"


class Application:
    """An application that numbers what it says."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.cseq = 0

    async def say(self, command: str, cseq: int | None = None, **fields: Any) -> None:
        if cseq is None:
            self.cseq = cseq = self.cseq + 1
        told = {"command": command, "cseq": cseq, **fields}
        await self.socket.send_str(json.dumps(told))

    async def note(self, name: str, cseq: int | None = None) -> None:
        """What no session obeys, but every one answers by name."""
        await self.say(name, cseq)

    async def heard(self) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.socket.receive_json()

    async def notes(self, count: int) -> list[str]:
        heard = [await self.heard() for _ in range(count)]
        assert {event["event"] for event in heard} == {"error"}
        return [UNKNOWN.sub(r"\1", event["error"]) for event in heard]

    async def end(self) -> aiohttp.WSMessage:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.socket.receive()


@pytest.mark.parametrize("path", ["/call/webrtc", "/call?type=webrtc", "/call/sip"])
def test_session_is_told_of_mistakes_goes_on_and_hangs_up(
    stack: Laptop, path: str
) -> None:
    bare, _, query = path.partition("?")
    where = address(stack, bare, **dict([query.split("=")] if query else []))

    async def talk() -> None:
        async with (
            aiohttp.ClientSession() as client,
            await opened(client, where) as socket,
        ):
            application = Application(socket)
            await application.say("fly")
            error = await application.heard()
            assert error["event"] == "error"
            assert "the command fly is not known" in error["error"]
            await socket.send_str('{"command":')
            assert (await application.heard())["event"] == "error"
            await application.note("still_here")
            assert await application.notes(1) == ["still_here"]
            await application.say("hangup", reason="done", initiator="alice")
            over = await application.heard()
            assert (over["event"], over["reason"]) == ("hangup", "done")
            closed = await application.end()
            assert closed.type is aiohttp.WSMsgType.CLOSE
            assert closed.data == 1000

    asyncio.run(talk())


def test_messages_are_put_in_order_and_gaps_are_told(stack: Laptop) -> None:
    async def talk() -> None:
        async with (
            aiohttp.ClientSession() as client,
            await opened(client, address(stack)) as socket,
        ):
            application = Application(socket)
            for cseq in (3, 2, 1, 2):
                await application.note(f"n{cseq}", cseq)
            assert await application.notes(3) == ["n1", "n2", "n3"]
            await application.note("n6", 6)
            error = await application.heard()
            assert error["event"] == "error"
            assert error["error"] == "messages 4 to 5 did not come"
            await application.note("late", 4)
            await application.note("n7", 7)
            assert await application.notes(2) == ["n6", "n7"]
            await socket.send_str('{"command":"pause"}')
            assert "cseq is required" in (await application.heard())["error"]

    asyncio.run(talk())


def test_many_messages_at_once_keep_their_order(stack: Laptop) -> None:
    async def talk() -> None:
        async with (
            aiohttp.ClientSession() as client,
            await opened(client, address(stack)) as socket,
        ):
            application = Application(socket)
            texts = [f"n{number}" for number in range(40)]
            for text in texts:
                await application.note(text)
            assert await application.notes(len(texts)) == texts

    asyncio.run(talk())


@pytest.mark.parametrize(
    ("path", "query", "status", "sentence"),
    [
        ("/call", {}, 400, "audio is not carried here: connect to ws://127.0.0.1:"),
        ("/call", {"type": "websocket"}, 400, "/call, or ask for type=webrtc"),
        ("/call/sip", {"token": ""}, 401, "a Bearer token is required"),
        ("/call/sip", {"token": "none"}, 401, "the token is not valid"),
        ("/call/sip", {"dump": "maybe"}, 400, "dump must be true or false"),
    ],
)
def test_handshake_is_refused_with_a_sentence(
    stack: Laptop, path: str, query: dict[str, str], status: int, sentence: str
) -> None:
    async def talk() -> tuple[int, str]:
        # Not as a WebSocket's client, which shows no body of a refusal.
        headers = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        url = address(stack, path, **query).replace("ws://", "http://")
        async with (
            aiohttp.ClientSession() as client,
            client.get(url, headers=headers) as answer,
        ):
            return answer.status, await answer.text()

    found, body = asyncio.run(talk())
    assert found == status
    told = json.loads(body)
    assert told["code"] == status
    assert sentence in told["message"]


def test_session_ends_with_a_clean_close_and_is_in_the_lists_before(
    stack: Laptop,
) -> None:
    def listed() -> list[str]:
        url = f"http://127.0.0.1:{stack.worker_port}"
        worker = Laptop(stack.process, stack.worker_port, stack.worker_port)
        assert worker.url == url
        _, lists = ask(worker, "GET", "/call/lists", user("alice"))
        return [call["id"] for call in lists["calls"]]

    async def talk() -> None:
        async with aiohttp.ClientSession() as client:
            socket = await opened(client, address(stack, id="mine"))
            await asyncio.to_thread(wait_until, lambda: "mine" in listed(), 5)
            await socket.close(code=1000)
            await asyncio.to_thread(
                wait_until, lambda: "mine" not in listed(), TAKEOVER_SECONDS
            )

    asyncio.run(talk())


def test_session_is_commanded_and_read_along_over_rest(stack: Laptop) -> None:
    port = f"http://127.0.0.1:{stack.worker_port}"
    headers = {"Authorization": f"Bearer {user('alice')}", "Origin": "http://a.example"}

    async def talk() -> None:
        async with (
            aiohttp.ClientSession(headers=headers) as client,
            await opened(client, address(stack, id="aside")) as socket,
            client.get(f"{port}/events/aside") as stream,
        ):
            assert stream.headers["Access-Control-Allow-Origin"] == "*"
            hangup = {"command": "hangup", "reason": "aside"}
            async with client.post(f"{port}/command/aside", json=hangup) as answer:
                assert await answer.json() == {"status": "sent", "id": "aside"}
            over = await Application(socket).heard()
            assert (over["event"], over["reason"]) == ("hangup", "aside")
            async with asyncio.timeout(PATIENCE_SECONDS):
                told = (await stream.read()).decode()
        names = re.findall(r"event: (\w+)\n", told)
        assert (names[0], names[-1]) == ("command", "end")
        assert '"event":"hangup"' in told

    asyncio.run(talk())


def test_session_is_resumed_after_the_cut() -> None:
    async def talk(stack: Laptop) -> None:
        where = address(stack, id="kept")
        async with aiohttp.ClientSession() as client:
            async with await opened(client, where) as socket:
                application = Application(socket)
                await application.note("before")
                assert await application.notes(1) == ["before"]
                closed = await application.end()
                assert (closed.type, closed.data) == (aiohttp.WSMsgType.CLOSE, 1001)
            async with await opened(client, where) as socket:
                application = Application(socket)
                await application.note("after")
                assert await application.notes(1) == ["after"]
                with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                    await client.ws_connect(where)
                assert refusal.value.status == 409
                await application.say("hangup", reason="done")
                over = await application.heard()
                assert (over["event"], over["reason"]) == ("hangup", "done")

    with laptop(PARLEY_SOCKET_SECONDS=str(CUT_SECONDS)) as stack:
        stack.wait_until_ready()
        asyncio.run(talk(stack))
        stack.stop()


def test_stack_stops_while_a_socket_is_open() -> None:
    async def talk(stack: Laptop) -> None:
        async with (
            aiohttp.ClientSession() as client,
            await opened(client, address(stack)) as socket,
        ):
            application = Application(socket)
            await application.note("here")
            assert await application.notes(1) == ["here"]
            stopped = await asyncio.to_thread(stack.stop)
            assert stopped[0] == 0
            assert "Traceback" not in stopped[2]
            over = await application.heard()
            assert over["event"] in ("error", "hangup")

    with laptop() as stack:
        stack.wait_until_ready()
        asyncio.run(talk(stack))
