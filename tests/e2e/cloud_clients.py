"""Who has to do with Parley as CDK deployed it: businesses, devices, workers."""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp
import jwt
from aiohttp import web

from chalicelib.protocol.lease import Lease
from chalicelib.protocol.relay import RELAY_PATH, RelayMessages, parse_relayed
from chalicelib.protocol.tokens import verify_worker, worker_token
from infra.deployed import Cloud
from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from tests.e2e.conftest import JWT_SECRET
from tests.e2e.receiver import Received, WebhookReceiver

SECONDS = 60.0
"""A function may start cold."""
SERVER_ERROR = 500


def token_of(uid: str, tenant: str, role: str = "user") -> str:
    wanted = Wanted(uid, role, tenant, hours=1)
    return jwt.encode(claims_of(wanted, int(now_seconds())), JWT_SECRET)


def ask(
    cloud: Cloud, path: str, tenant: str, uid: str, body: Any, role: str = "user"
) -> Any:
    """POST a body, or GET where there is none."""
    request = urllib.request.Request(
        cloud.http_url + path,
        None if body is None else json.dumps(body).encode(),
        {
            "content-type": "application/json",
            "authorization": f"Bearer {token_of(uid, tenant, role)}",
        },
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


class Business(WebhookReceiver):
    """An endpoint that may be down, or gone."""

    def __init__(self) -> None:
        super().__init__("")
        self.status = 200
        """What it answers."""
        self.taken: list[Received] = []
        self.refused: list[Received] = []

    @property
    def is_down(self) -> bool:
        return self.status == SERVER_ERROR

    @is_down.setter
    def is_down(self, is_down: bool) -> None:
        self.status = SERVER_ERROR if is_down else 200

    @property
    def types(self) -> list[str]:
        """Of what it took, as it came."""
        return [one.type for one in self.taken]

    def story(self, room_id: str) -> list[str]:
        """What it took of a call, as it came, each once."""
        told = {
            one.headers["webhook-id"]: one.type
            for one in self.taken
            if one.body.get("room_id") == room_id
        }
        return list(told.values())

    def wait_until(self, is_so: Callable[[], bool], seconds: float) -> None:
        """Raises `AssertionError` with the types that it took."""
        with self._news:
            assert self._news.wait_for(is_so, seconds), self.types

    def wait_for_end(self, room_id: str, seconds: float) -> None:
        """Of a call's story."""
        self.wait_until(lambda: "room.finished" in self.story(room_id), seconds)

    def _answer(self, received: Received) -> int:
        with self._news:
            status = self.status
            (self.taken if status == 200 else self.refused).append(received)
            self._news.notify_all()
        return status


class Device:
    """One of a user's, with its socket, within ``async with``."""

    def __init__(self, cloud: Cloud, tenant: str, uid: str, name: str) -> None:
        self._cloud = cloud
        self._tenant = tenant
        self._uid = uid
        self._name = name
        self._client: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *of_error: object) -> None:
        await self.drop()

    async def connect(self, **seen: Any) -> None:
        """``seen`` is what its hello says of what it has seen."""
        where = "ws" + self._cloud.clients_url.removeprefix("http")
        token = token_of(self._uid, self._tenant)
        query = {"token": token, "device": self._name}
        self._client = aiohttp.ClientSession()
        self._socket = await self._client.ws_connect(where, params=query)
        await self._socket.send_str(json.dumps({"command": "hello", **seen}))
        assert (await self.next("hello"))["device"] == self._name

    async def next(self, event: str) -> Any:
        """The next of its kind; what comes before is another test's."""
        assert self._socket is not None
        async with asyncio.timeout(SECONDS):
            while (told := await self._socket.receive_json())["event"] != event:
                pass
        return told

    async def drop(self) -> None:
        """Lose the network, and no word of it."""
        assert self._client is not None
        await self._client.close()

    async def ask(self, path: str, uid: str, body: Any, device: str = "") -> Any:
        headers = {"Authorization": f"Bearer {token_of(uid, self._tenant)}"}
        if device:
            headers["X-Device-Id"] = device
        url = self._cloud.http_url + path
        async with (
            aiohttp.ClientSession(headers=headers) as client,
            client.post(url, json=body) as answer,
        ):
            assert answer.status == 200, await answer.text()
            return await answer.json()


class RelayWorker:
    """Takes what the relay function says."""

    def __init__(self, worker_id: str) -> None:
        self.worker_id = worker_id
        self._told: asyncio.Queue[RelayMessages] = asyncio.Queue()
        self._address = ""

    async def next(self) -> RelayMessages:
        async with asyncio.timeout(SECONDS):
            return await self._told.get()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        application = web.Application()
        application.router.add_post(RELAY_PATH, self._take)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._address = f"127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield
        finally:
            await runner.cleanup()

    async def enrol(self, cloud: Cloud, client: aiohttp.ClientSession) -> None:
        now = now_seconds()
        ws_url = f"ws://{self._address}"
        lease = Lease(
            self.worker_id, int(now * 1000), self._address, ws_url, 0, 9, False, 1
        )
        token = worker_token(JWT_SECRET, self.worker_id, int(now))
        async with client.put(
            f"{cloud.http_url}/internal/workers/{self.worker_id}/lease",
            json=lease.render(),
            headers={"Authorization": f"Bearer {token}"},
        ) as answer:
            assert answer.status == 200

    async def connect(
        self,
        cloud: Cloud,
        client: aiohttp.ClientSession,
        tenant: str,
        query: dict[str, Any],
    ) -> aiohttp.ClientWebSocketResponse:
        """An application, which names this worker in its id."""
        asked = {**query, "token": token_of("mona", tenant)}
        return await client.ws_connect(cloud.sockets_url, params=asked)

    async def _take(self, request: web.Request) -> web.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        verify_worker(token, JWT_SECRET)
        self._told.put_nowait(parse_relayed(await request.json()))
        return web.Response(status=204)
