"""The console's own pages get a user's token; nobody else's do."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from infra.laptop.clock import now_seconds
from infra.laptop.settings import Settings
from infra.laptop.sign_in import CONFIG_PATH, TOKEN_PATH, SignIn

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"
SETTINGS = Settings("127.0.0.1", 8000, 8081, "INFO", Path("state"))

Client = TestClient[web.Request, web.Application]


def visit(talk: Callable[[Client, str], Awaitable[None]]) -> None:
    async def run() -> None:
        application = web.Application()
        SignIn(SECRET, SETTINGS, now_seconds).add_routes(application.router)
        async with TestClient(TestServer(application)) as client:
            await talk(client, f"http://127.0.0.1:{client.port}")

    asyncio.run(run())


def test_page_of_the_console_gets_a_users_token() -> None:
    async def talk(client: Client, origin: str) -> None:
        answer = await client.post(
            TOKEN_PATH, json={"uid": "ana"}, headers={"Origin": origin}
        )
        assert answer.status == 200 and answer.headers["Cache-Control"] == "no-store"
        token = (await answer.json())["token"]
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        assert (claims["uid"], claims["role"], claims["tenant"]) == (
            "ana",
            "user",
            "default",
        )

    visit(talk)


def test_page_may_ask_for_an_administrators_token() -> None:
    async def talk(client: Client, origin: str) -> None:
        answer = await client.post(
            TOKEN_PATH, json={"uid": "ana", "role": "admin"}, headers={"Origin": origin}
        )
        token = (await answer.json())["token"]
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
        assert (claims["uid"], claims["role"]) == ("ana", "admin")

    visit(talk)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://evil.example:80", "Host": "evil.example:80"},
        {"Origin": "http://[", "Host": "["},
    ],
)
def test_page_of_another_origin_gets_none(headers: dict[str, str]) -> None:
    async def talk(client: Client, origin: str) -> None:
        answer = await client.post(TOKEN_PATH, json={"uid": "ana"}, headers=headers)
        assert answer.status in (400, 403) and "token" not in await answer.json()

    visit(talk)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"uid": 1}',
        '{"uid": ""}',
        '{"uid": " a"}',
        '{"uid":"a\\n"}',
        '{"uid": "a", "role": "server"}',
        '{"uid": "a", "role": ["user"]}',
    ],
)
def test_body_without_a_user_is_refused(body: str) -> None:
    async def talk(client: Client, origin: str) -> None:
        answer = await client.post(TOKEN_PATH, data=body, headers={"Origin": origin})
        assert answer.status == 400 and (await answer.json())["code"] == 400

    visit(talk)


def test_config_names_the_worker_by_the_host_that_was_asked() -> None:
    async def talk(client: Client, origin: str) -> None:
        config = await (await client.get(CONFIG_PATH)).json()
        assert config == {
            "sessionsUrl": "ws://127.0.0.1:8081",
            "clientsUrl": f"ws://127.0.0.1:{client.port}/ws",
            "tokenUrl": TOKEN_PATH,
        }
        asked = await client.get(CONFIG_PATH, headers={"Host": "[::1]:8000"})
        config = await asked.json()
        assert config["sessionsUrl"] == "ws://[::1]:8081"
        assert config["clientsUrl"] == "ws://[::1]:8000/ws"

    visit(talk)
