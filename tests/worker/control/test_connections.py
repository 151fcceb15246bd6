"""Posts to the gateway's sockets, and how they are signed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.control import signing
from mediaworker.control.connections import Connections, connections, url_of
from mediaworker.control.signing import Credentials, region_of, signed_headers
from mediaworker.control.task_role import TaskRole, parse
from mediaworker.transports.relay_peer import Outcome

NOW = 1_790_000_000.0
HOST = "a1b2c3.execute-api.eu-west-1.amazonaws.com"
CREDENTIALS = Credentials("AKID", "secret", "to/ken+=", NOW + 3_600)
ANSWER = {
    "AccessKeyId": "AKID",
    "SecretAccessKey": "secret",
    "Token": "to/ken+=",
    "Expiration": "2026-09-21T15:13:20Z",
}


@given(
    st.sampled_from(["POST", "GET", "DELETE"]),
    st.text("abzAZ09_-=+/", min_size=1, max_size=20),
    st.binary(max_size=50),
)
def test_sign_as_botocore_does(method: str, connection_id: str, body: bytes) -> None:
    url = url_of(f"https://{HOST}/live", connection_id)
    ours = signed_headers(method, url, body, CREDENTIALS, "eu-west-1", NOW)
    request = AWSRequest(method=method, url=url, data=body)
    request.context["timestamp"] = ours["X-Amz-Date"]
    request.headers["X-Amz-Date"] = ours["X-Amz-Date"]
    theirs = SigV4Auth(
        BotocoreCredentials("AKID", "secret", "to/ken+="), "execute-api", "eu-west-1"
    )
    request.headers["X-Amz-Security-Token"] = "to/ken+="
    to_sign = theirs.string_to_sign(request, theirs.canonical_request(request))
    assert ours["Authorization"].endswith(theirs.signature(to_sign, request))
    assert f"AKID/20260921/eu-west-1/{signing.SERVICE}/" in ours["Authorization"]


@pytest.mark.parametrize(
    ("host", "region"),
    [
        (HOST, "eu-west-1"),
        ("a.execute-api.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("127.0.0.1", None),
        ("execute-api.eu-west-1.amazonaws.com", None),
        ("a.execute-api.eu-west-1.example.com", None),
    ],
)
def test_find_the_region_in_the_name(host: str, region: str | None) -> None:
    assert region_of(host) == region


def test_hide_the_secrets() -> None:
    assert "secret" not in repr(CREDENTIALS)
    assert "to/ken" not in repr(CREDENTIALS)


class Server:
    """The gateway, and ECS's endpoint for credentials."""

    def __init__(self) -> None:
        self.status = 200
        self.answer: Any = ANSWER
        self.seen: list[tuple[str, str, bytes]] = []
        self.asked = 0

    async def take(self, request: web.Request) -> web.Response:
        self.seen.append((request.method, request.raw_path, await request.read()))
        return web.Response(status=self.status)

    async def give(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.answer is None:
            return web.Response(status=404, text="no role")
        return web.json_response(self.answer)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        application = web.Application()
        application.router.add_get("/role", self.give)
        application.router.add_route("*", "/{path:.*}", self.take)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def speak(talk: Callable[[Server, str], Awaitable[None]]) -> None:
    async def whole() -> None:
        server = Server()
        async with asyncio.timeout(10), server.listening() as url:
            await talk(server, url)

    asyncio.run(whole())


def test_post_look_and_close() -> None:
    async def talk(server: Server, url: str) -> None:
        async with connections(None, lambda: int(NOW * 1_000)) as way:
            assert await way.post(url, "a/b=", "hellö") is Outcome.TAKEN
            assert await way.look(url, "a/b=") is Outcome.TAKEN
            assert await way.close(url + "/", "a/b=") is Outcome.TAKEN
        path = "/@connections/a%2Fb%3D"
        assert server.seen == [
            ("POST", path, "hellö".encode()),
            ("GET", path, b""),
            ("DELETE", path, b""),
        ]

    speak(talk)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (404, Outcome.GONE),
        (410, Outcome.GONE),
        (413, Outcome.TOO_LARGE),
        (403, Outcome.FAILED),
        (429, Outcome.FAILED),
        (307, Outcome.FAILED),
        (500, Outcome.FAILED),
    ],
)
def test_tell_what_came_of_it(status: int, outcome: Outcome) -> None:
    async def talk(server: Server, url: str) -> None:
        server.status = status
        async with connections("/role", lambda: int(NOW * 1_000)) as way:
            assert await way.post(url, "c", "text") is outcome

    speak(talk)


def test_tell_of_a_gateway_that_is_away() -> None:
    async def talk(server: Server, url: str) -> None:
        async with connections(None, lambda: int(NOW * 1_000)) as way:
            assert await way.post("http://127.0.0.1:9", "c", "x") is Outcome.FAILED

    speak(talk)


def test_sign_for_the_gateway_alone() -> None:
    async def talk(server: Server, url: str) -> None:
        async with aiohttp.ClientSession() as client:
            role = TaskRole(client, "/role", lambda: int(NOW * 1_000), url)
            way = Connections(client, role, lambda: int(NOW * 1_000))
            there = url_of(f"https://{HOST}/live", "c")
            signed = await way._signed("POST", there, b"x")
            assert signed["X-Amz-Security-Token"] == "to/ken+="
            assert await way._signed("POST", url_of(url, "c"), b"x") == {}
            server.answer = None
            role = TaskRole(client, "/role", lambda: int(NOW * 1_000), url)
            way = Connections(client, role, lambda: int(NOW * 1_000))
            assert await way._signed("POST", there, b"x") == {}

    speak(talk)


def test_keep_credentials_until_they_are_nearly_out_of_date() -> None:
    async def talk(server: Server, url: str) -> None:
        now = NOW
        async with aiohttp.ClientSession() as client:
            role = TaskRole(client, "/role", lambda: int(now * 1_000), url)
            for _ in range(3):
                assert await role.credentials() == CREDENTIALS
            assert server.asked == 1
            now += 3_400
            server.answer = {"Code": "AccessDenied"}
            assert await role.credentials() == CREDENTIALS, "better than none"
            server.answer = {**ANSWER, "AccessKeyId": "NEW"}
            found = await role.credentials()
            assert found is not None and found.key_id == "NEW"

    speak(talk)


@pytest.mark.parametrize("value", [None, [], {}, {**ANSWER, "Expiration": "soon"}])
def test_take_nothing_else_for_credentials(value: Any) -> None:
    with pytest.raises(ValueError):
        parse(value)
