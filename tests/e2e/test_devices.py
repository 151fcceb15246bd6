"""Devices on their sockets: rung, answered, cut off, and back, on the laptop stack."""

import asyncio
import json
import os
import signal
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest

from tests.e2e.test_fleet import ask, user
from tests.e2e.test_laptop import STOP_SECONDS, Laptop, free_ports, get, laptop

pytestmark = pytest.mark.laptop

PATIENCE_SECONDS = 20
"""The machine may be shared."""
RING_SECONDS = 8
ROOMS = "/api/v1/rooms"


class Stack:
    """A stack that can be killed, and started again with what it kept."""

    def __init__(self, folder: Path) -> None:
        self._ports = free_ports(2)
        self._variables = {
            "PARLEY_STATE": str(folder / "state"),
            "PARLEY_RING_SECONDS": str(RING_SECONDS),
            "PARLEY_PROVIDER_TGORTC": "p2p",
            "PARLEY_SIP_PORT": "0",
        }
        self.start()

    def start(self) -> None:
        self._context = laptop(*self._ports, **self._variables)
        self.laptop: Laptop = self._context.__enter__()
        self.laptop.wait_until_ready()

    def kill(self) -> None:
        os.killpg(self.laptop.process.pid, signal.SIGKILL)
        self.laptop.process.wait(STOP_SECONDS)
        self._context.__exit__(None, None, None)

    def address(self, uid: str, device: str, **query: str) -> str:
        token = {} if "ticket" in query else {"token": user(uid)}
        given = urlencode({**token, "device": device, **query})
        return f"ws://127.0.0.1:{self.laptop.http_port}/ws?{given}"

    def post(self, path: str, uid: str, body: Any, device: str = "") -> Any:
        request = urllib.request.Request(
            self.laptop.url + path,
            json.dumps(body).encode(),
            {
                "authorization": f"Bearer {user(uid)}",
                "content-type": "application/json",
                "x-device-id": device,
            },
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def ring(self, caller: str, callee: str) -> str:
        body = {"creator": caller, "uids": [callee], "device_type": "app"}
        return str(self.post(ROOMS, caller, {**body, "rtc_type": 0})["room_id"])


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    running = Stack(tmp_path_factory.mktemp("devices"))
    yield running
    running.kill()


class Client:
    """A device that drops what it has heard."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.heard: set[tuple[str, int]] = set()
        self.early: list[Any] = []
        """Pushed before the hello was answered."""
        self.welcome: Any = None

    async def say(self, command: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"command": command, **fields}))

    async def next(self) -> Any:
        if self.early:
            return self.early.pop(0)
        return await self._next()

    async def _next(self) -> Any:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                told = await self.socket.receive_json()
                place = (told.get("call_id"), told.get("seq"))
                if told["event"] == "signal" or place not in self.heard:
                    if place != (None, None):
                        self.heard.add(place)
                    return told

    async def until(self, event: str) -> Any:
        while (told := await self.next())["event"] != event:
            pass
        return told

    async def hello(self, **fields: Any) -> Any:
        await self.say("hello", **fields)
        while (told := await self._next())["event"] != "hello":
            self.early.append(told)
        return told


@asynccontextmanager
async def device(
    stack: Stack, uid: str, name: str, ticket: str = "", **hello: Any
) -> AsyncIterator[Client]:
    where = stack.address(uid, name, **({"ticket": ticket} if ticket else {}))
    async with aiohttp.ClientSession() as http, http.ws_connect(where) as socket:
        client = Client(socket)
        client.welcome = await client.hello(**hello)
        assert client.welcome["device"] == name
        yield client


def test_call_rings_is_answered_and_ends_on_every_device(stack: Stack) -> None:
    async def talk() -> None:
        async with (
            device(stack, "alice", "phone") as alice,
            device(stack, "bob", "phone") as bob,
            device(stack, "bob", "web") as web,
        ):
            call_id = await asyncio.to_thread(stack.ring, "alice", "bob")
            assert (await alice.next())["direction"] == "outgoing"
            for one in (bob, web):
                ringing = await one.next()
                assert (ringing["event"], ringing["call_id"]) == (
                    "call.ringing",
                    call_id,
                )
                assert ringing["ring_seconds"] == RING_SECONDS
            joining = {"uid": "bob", "device_type": "app"}
            place = f"{ROOMS}/{call_id}"
            await asyncio.to_thread(
                stack.post, f"{place}/join", "bob", joining, "phone"
            )
            answered = await alice.until("call.answered")
            assert answered["media"]["provider"] == "p2p"
            assert (await bob.next())["device"] == "phone"
            assert (await web.next())["event"] == "call.answered_elsewhere"
            await alice.say(
                "signal", call_id=call_id, to="bob", type="offer", payload={"sdp": "v"}
            )
            signalled = await bob.until("signal")
            assert (signalled["from"], signalled["payload"]) == ("alice", {"sdp": "v"})
            await web.say("signal", call_id="x", to="eve", type="offer", payload={})
            assert (await web.until("error"))["code"] == "forbidden"
            await bob.say("heartbeat", call_id=call_id, id=7)
            assert (await bob.until("heartbeat"))["id"] == 7
            leaving = {"uid": "bob"}
            await asyncio.to_thread(stack.post, f"{place}/leave", "bob", leaving)
            for one in (alice, bob, web):
                assert (await one.until("call.ended"))["reason"] == "hangup"

    asyncio.run(talk())


def test_device_that_was_cut_off_mid_ring_hears_all_of_it(stack: Stack) -> None:
    async def talk() -> None:
        async with device(stack, "carol", "phone"):
            async with device(stack, "dave", "phone") as dave:
                call_id = await asyncio.to_thread(stack.ring, "carol", "dave")
                ringing = await dave.until("call.ringing")
            leaving = {"uid": "carol"}
            await asyncio.to_thread(
                stack.post, f"{ROOMS}/{call_id}/leave", "carol", leaving
            )
            known = {"call_id": call_id, "last_seq": ringing["seq"]}
            async with device(stack, "dave", "phone", **known) as dave:
                assert dave.welcome["call"] is None
                assert (await dave.next())["event"] == "call.cancelled"
                assert (await dave.next())["event"] == "call.ended"

    asyncio.run(talk())


def test_socket_opens_by_a_ticket_once_and_closes_the_former_one(
    stack: Stack,
) -> None:
    async def talk() -> None:
        token = user("erin")
        _, given = await asyncio.to_thread(
            ask, stack.laptop, "POST", "/v1/tickets", token
        )
        assert given["expires_in"] == 60
        ticket = given["ticket"]
        async with device(stack, "erin", "web", ticket) as first:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with device(stack, "erin", "web", ticket):
                    pass
            assert refused.value.status == 401
            async with device(stack, "erin", "web"):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    closed = await first.socket.receive()
                assert closed.type is aiohttp.WSMsgType.CLOSE

    asyncio.run(talk())


def test_nothing_is_missed_though_the_stack_was_killed_mid_ring(stack: Stack) -> None:
    async def rung() -> tuple[Any, float]:
        async with (
            device(stack, "frank", "phone"),
            device(stack, "grace", "phone") as grace,
        ):
            rang_at = time.monotonic()
            await asyncio.to_thread(stack.ring, "frank", "grace")
            ringing = await grace.until("call.ringing")
            stack.kill()
            return ringing, rang_at

    async def back(ringing: Any, rang_at: float) -> None:
        call_id = ringing["call_id"]
        known = {"call_id": call_id, "last_seq": ringing["seq"]}
        async with device(stack, "grace", "phone", **known) as grace:
            call = grace.welcome["call"]
            if call is not None:
                assert call["deadline_at_ms"] == ringing["deadline_at_ms"]
            assert (await grace.until("call.missed"))["call_id"] == call_id
            assert (await grace.until("call.ended"))["reason"] == "missed"
            assert time.monotonic() - rang_at >= RING_SECONDS - 1

    ringing, rang_at = asyncio.run(rung())
    stack.start()
    asyncio.run(back(ringing, rang_at))


def test_protocol_is_described_on_both_ports(stack: Stack) -> None:
    running = stack.laptop
    documents = [
        get(f"http://127.0.0.1:{port}/asyncapi.json")
        for port in (running.http_port, running.worker_port)
    ]
    assert documents[0] == documents[1]
    status, document = documents[0]
    assert (status, document["asyncapi"]) == (200, "3.0.0")
