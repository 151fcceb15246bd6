"""The laptop's own business believes what is signed, and shows what it got."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from chalicelib.domain.endpoints import Endpoint
from chalicelib.services.webhooks.bodies import Webhook, headers_of, url_of
from infra.laptop.clock import now_seconds
from infra.laptop.inbox import PATH, Inbox, endpoints_with_inbox, secret_of

SECRET = secret_of("a-jwt-secret-of-at-least-thirty-two-bytes")
ENDPOINT = Endpoint("inbox", PATH, SECRET)

Client = TestClient[web.Request, web.Application]


def visit(talk: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        application = web.Application()
        Inbox(SECRET, now_seconds).add_routes(application.router)
        async with TestClient(TestServer(application)) as client:
            await talk(client)

    asyncio.run(run())


def webhook(room_id: str) -> Webhook:
    now_ms = int(now_seconds() * 1000)
    body = json.dumps({"room_id": room_id}).encode()
    return Webhook("101-1", "room.started", now_ms, 1, body)


async def post(client: Client, one: Webhook, **changed: str) -> int:
    headers = {**headers_of(ENDPOINT, one, int(now_seconds() * 1000)), **changed}
    answer = await client.post(url_of(ENDPOINT, one), data=one.body, headers=headers)
    return answer.status


def test_signed_webhook_is_kept_and_shown_by_its_room() -> None:
    async def talk(client: Client) -> None:
        assert await post(client, webhook("room-1")) == 200
        assert await post(client, webhook("room-2")) == 200
        (shown,) = await (await client.get(PATH + "?room_id=room-2")).json()
        assert shown["is_verified"] and shown["body"] == {"room_id": "room-2"}
        assert (shown["id"], shown["type"]) == ("101-1", "room.started")
        assert len(await (await client.get(PATH)).json()) == 2

    visit(talk)


@pytest.mark.parametrize(
    "changed",
    [
        {"X-Signature": "0" * 64},
        {"webhook-signature": "v1,AAAA"},
        {"webhook-timestamp": "1"},
    ],
)
def test_webhook_with_a_wrong_signature_is_refused_and_said_so(
    changed: Mapping[str, str],
) -> None:
    async def talk(client: Client) -> None:
        assert await post(client, webhook("room-1"), **changed) == 401
        (shown,) = await (await client.get(PATH)).json()
        assert not shown["is_verified"]

    visit(talk)


@pytest.mark.parametrize("body", ["", "{", "[]"])
def test_body_that_is_no_event_is_refused(body: str) -> None:
    async def talk(client: Client) -> None:
        assert (await client.post(PATH, data=body)).status == 400
        assert await (await client.get(PATH)).json() == []

    visit(talk)


@pytest.mark.parametrize(
    "given", ["BUSINESS_WEBHOOK_ENDPOINTS", "BUSINESS_WEBHOOK_URLS"]
)
def test_inbox_is_the_endpoint_unless_another_is_named(given: str) -> None:
    environment: dict[str, Any] = {
        "PARLEY_HTTP_PORT": "8123",
        "PARLEY_JWT_SECRET": "a-jwt-secret-of-at-least-thirty-two-bytes",
    }
    added = endpoints_with_inbox({**environment, given: " "})
    (endpoint,) = json.loads(added["BUSINESS_WEBHOOK_ENDPOINTS"])
    assert endpoint == {
        "url": f"http://127.0.0.1:8123{PATH}",
        "secret": SECRET,
        "events": ["room.*", "participant.*", "session.*"],
    }
    assert endpoints_with_inbox({**environment, given: "https://shop.example"}) == {}
