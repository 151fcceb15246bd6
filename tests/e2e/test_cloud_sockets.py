"""The second door as deployed by CDK: API Gateway, the relay function, a worker."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import jwt
import pytest
from aiohttp import web

from chalicelib.protocol.lease import Lease
from chalicelib.protocol.relay import (
    RELAY_PATH,
    Frame,
    Gone,
    Open,
    RelayMessages,
    parse_relayed,
)
from chalicelib.protocol.tokens import verify_worker, worker_token
from infra.deployed import Cloud
from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from tests.e2e.conftest import JWT_SECRET

pytestmark = pytest.mark.cloud

PATIENCE_SECONDS = 60
"""A function may start cold."""
WORKER_ID = "relayw1"


class Worker:
    """Takes what the relay function says."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[RelayMessages] = asyncio.Queue()

    async def take(self, request: web.Request) -> web.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        verify_worker(token, JWT_SECRET)
        self.told.put_nowait(parse_relayed(await request.json()))
        return web.Response(status=204)

    async def next(self) -> RelayMessages:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.told.get()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_post(RELAY_PATH, self.take)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


async def enrol(cloud: Cloud, client: aiohttp.ClientSession, address: str) -> None:
    now = now_seconds()
    lease = Lease(
        WORKER_ID, int(now * 1000), address, f"ws://{address}", 0, 9, False, 1
    )
    token = worker_token(JWT_SECRET, WORKER_ID, int(now))
    async with client.put(
        f"{cloud.http_url}/internal/workers/{WORKER_ID}/lease",
        json=lease.render(),
        headers={"Authorization": f"Bearer {token}"},
    ) as answer:
        assert answer.status == 200


def token() -> str:
    wanted = Wanted("mona", "user", "default", hours=1)
    return jwt.encode(claims_of(wanted, int(now_seconds())), JWT_SECRET)


def test_socket_is_relayed_both_ways(cloud: Cloud) -> None:
    async def talk(client: aiohttp.ClientSession, worker: Worker) -> None:
        # Its id names the worker, for others may be enrolled.
        query = {"type": "sip", "token": token(), "id": f"{WORKER_ID}-1"}
        async with client.ws_connect(cloud.sockets_url, params=query) as socket:
            opened = await worker.next()
            assert isinstance(opened, Open)
            assert (opened.uid, opened.call_type) == ("mona", "sip")
            assert opened.endpoint == cloud.connections_url
            assert opened.query == {"type": "sip", "id": f"{WORKER_ID}-1"}
            place = f"{opened.endpoint}/@connections/{opened.connection_id}"
            async with client.post(place, data=b"told") as answer:
                assert answer.status == 200
            assert await socket.receive_str(timeout=PATIENCE_SECONDS) == "told"
            text = json.dumps({"command": "pause", "cseq": 1})
            await socket.send_str(text)
            frame = await worker.next()
            assert frame == Frame(opened.connection_id, text, 1)
            await socket.close(code=1000)
        gone = await worker.next()
        # MiniStack does not tell how the client closed it.
        assert isinstance(gone, Gone)
        assert gone.connection_id == opened.connection_id

    async def whole() -> None:
        worker = Worker()
        async with worker.listening() as address, aiohttp.ClientSession() as client:
            await enrol(cloud, client, address)
            await talk(client, worker)

    asyncio.run(whole())


@pytest.mark.parametrize("query", [{"type": "sip"}, {"type": "sip", "token": "none"}])
def test_stranger_is_not_let_in(cloud: Cloud, query: dict[str, Any]) -> None:
    async def talk() -> None:
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.ws_connect(cloud.sockets_url, params=query)

    asyncio.run(talk())


def test_device_says_hello_and_is_rung(cloud: Cloud) -> None:
    async def talk() -> None:
        where = "ws" + cloud.clients_url.removeprefix("http")
        query = {"token": token(), "device": "phone"}
        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(where, params=query) as socket,
        ):
            await socket.send_str('{"command":"hello","id":1}')
            welcome = await socket.receive_json(timeout=PATIENCE_SECONDS)
            assert (welcome["event"], welcome["id"]) == ("hello", 1)
            assert welcome["device"] == "phone"
            ring = {"creator": "mona", "uids": ["nina"], "device_type": "app"}
            url = f"{cloud.http_url}/api/v1/rooms"
            headers = {"Authorization": f"Bearer {token()}"}
            async with client.post(url, json=ring, headers=headers) as answer:
                assert answer.status == 200
                room_id = (await answer.json())["room_id"]
            rung = await socket.receive_json(timeout=PATIENCE_SECONDS)
            assert (rung["event"], rung["call_id"]) == ("call.ringing", room_id)
            leaving = f"{url}/{room_id}/leave"
            async with client.post(leaving, json={"uid": "mona"}, headers=headers):
                pass

    asyncio.run(talk())
