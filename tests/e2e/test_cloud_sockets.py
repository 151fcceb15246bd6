"""The WebSocket APIs as deployed by CDK: API Gateway, their functions, a worker."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from chalicelib.protocol.relay import Frame, Gone, Open
from infra.deployed import Cloud
from tests.e2e.cloud_clients import SECONDS, Device, RelayWorker

pytestmark = pytest.mark.cloud

TENANT = "default"
WORKER_ID = "relayw1"


def test_socket_is_relayed_both_ways(cloud: Cloud) -> None:
    async def talk(client: aiohttp.ClientSession, worker: RelayWorker) -> None:
        # Its id names the worker, for others may be enrolled.
        query = {"type": "sip", "id": f"{WORKER_ID}-1"}
        async with await worker.connect(cloud, client, TENANT, query) as socket:
            opened = await worker.next()
            assert isinstance(opened, Open)
            assert (opened.uid, opened.call_type) == ("mona", "sip")
            assert opened.endpoint == cloud.connections_url
            assert opened.query == query
            place = f"{opened.endpoint}/@connections/{opened.connection_id}"
            async with client.post(place, data=b"told") as answer:
                assert answer.status == 200
            assert await socket.receive_str(timeout=SECONDS) == "told"
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
        worker = RelayWorker(WORKER_ID)
        async with worker.listening(), aiohttp.ClientSession() as client:
            await worker.enrol(cloud, client)
            await talk(client, worker)

    asyncio.run(whole())


@pytest.mark.parametrize("query", [{"type": "sip"}, {"type": "sip", "token": "none"}])
def test_stranger_is_not_let_in(cloud: Cloud, query: dict[str, Any]) -> None:
    async def talk() -> None:
        async with aiohttp.ClientSession() as client:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await client.ws_connect(cloud.sockets_url, params=query)

    asyncio.run(talk())


def test_device_is_rung(cloud: Cloud) -> None:
    async def talk() -> None:
        async with Device(cloud, TENANT, "mona", "phone") as phone:
            ring = {"creator": "mona", "uids": ["nina"], "device_type": "app"}
            made = await phone.ask("/api/v1/rooms", "mona", ring)
            rung = await phone.next("call.ringing")
            assert rung["call_id"] == made["room_id"]
            place = f"/api/v1/rooms/{made['room_id']}/leave"
            await phone.ask(place, "mona", {"uid": "mona"})

    asyncio.run(talk())
