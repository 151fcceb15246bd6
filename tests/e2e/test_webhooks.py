"""An endpoint that a request makes hears of calls on the laptop cloud."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from standardwebhooks.webhooks import Webhook

from chalicelib.bootstrap import parts
from infra.laptop.built import forget_built
from infra.laptop.cloud import Cloud, Pace
from infra.laptop.environment import FAKE_AWS
from tests.e2e.receiver import Received, WebhookReceiver

pytestmark = pytest.mark.laptop

JWT_SECRET = "signs-the-tokens-of-the-tests-and-nothing-else"
ENDPOINTS = "/v1/webhooks/endpoints"
SECONDS = 20.0


@dataclass(frozen=True)
class Tenant:
    """Of a laptop cloud; it has no endpoint but those that it makes."""

    cloud: Cloud
    name: str

    def ask(
        self, method: str, path: str, body: Any = None, uid: str = "root"
    ) -> tuple[int, Any]:
        claims = {"sub": uid, "exp": 4_000_000_000, "role": "admin"}
        claims["tenant"] = self.name
        token = jwt.encode(claims, JWT_SECRET, algorithm="HS256")
        path, _, query = path.partition("?")
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {"authorization": f"Bearer {token}"},
            "requestContext": {"http": {"method": method, "sourceIp": "127.0.0.1"}},
            "body": None if body is None else json.dumps(body),
        }
        answer = self.cloud.invoke("api", json.dumps(event).encode())
        assert answer.error is None, answer.payload
        reply = json.loads(answer.payload)
        return reply["statusCode"], json.loads(reply["body"] or "null")

    def call(self, room_id: str) -> None:
        room = {"creator": "alice", "device_type": "app", "uids": ["bob"]}
        body = {**room, "room_id": room_id}
        assert self.ask("POST", "/api/v1/rooms", body, "alice")[0] == 200


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    forget_built()
    environment = {
        **FAKE_AWS,
        "PATH": "/bin",
        "PARLEY_ENV": "development",
        "PARLEY_JWT_SECRET": JWT_SECRET,
    }
    pace = Pace(stream_retry_seconds=0.01, sweep_seconds=3600)
    with Cloud(environment, pace=pace) as cloud:
        yield cloud
    forget_built()


@pytest.fixture
def tenant(cloud: Cloud, request: pytest.FixtureRequest) -> Tenant:
    return Tenant(cloud, request.node.name[-64:])


def verify(one: Received, secret: str) -> None:
    assert Webhook(secret).verify(one.raw, one.headers)


def test_endpoint_made_by_a_request_hears_tries_rotates_and_replays(
    tenant: Tenant,
) -> None:
    with WebhookReceiver("") as business:
        status, made = tenant.ask("POST", ENDPOINTS, {"url": business.url})
        assert status == 201
        place = f"{ENDPOINTS}/{made['id']}"
        tenant.call("first")
        told = business.wait_for(lambda one: one.type == "participant.invited", SECONDS)
        verify(told, made["secret"])

        _, tested = tenant.ask("POST", f"{place}/test")
        assert tested["delivered"]
        assert business.received[-1].headers["webhook-id"] == tested["webhook_id"]

        _, rotated = tenant.ask("POST", f"{place}/rotate", {})
        tenant.ask("POST", f"{place}/test")
        for secret in (made["secret"], rotated["secret"]):
            verify(business.received[-1], secret)

        assert tenant.cloud.settle()
        _, shown = tenant.ask("GET", f"{place}/attempts?status=all&call_id=first")
        assert [one["delivered"] for one in shown["attempts"]] == [True]

        status, replay = tenant.ask("POST", f"{place}/replay", {"call_id": "first"})
        assert (status, replay["webhooks"]) == (202, 1)
        again = business.wait_for(
            lambda one: one.type == told.type and one is not told, SECONDS
        )
        assert again.headers["webhook-id"] == told.headers["webhook-id"]
        assert again.raw == told.raw


def test_disabled_endpoint_hears_nothing_until_it_is_enabled(
    tenant: Tenant,
) -> None:
    with WebhookReceiver("") as business:
        _, made = tenant.ask("POST", ENDPOINTS, {"url": business.url})
        place = f"{ENDPOINTS}/{made['id']}"
        assert tenant.ask("POST", f"{place}/disable")[1]["status"] == "disabled"
        tenant.call("unheard")
        assert tenant.cloud.settle()
        assert business.received == []
        assert tenant.ask("POST", f"{place}/enable")[0] == 200
        assert tenant.ask("POST", f"{place}/replay", {"call_id": "unheard"})[0] == 202
        business.wait_for(lambda one: one.body["room_id"] == "unheard", SECONDS)
        assert tenant.ask("DELETE", place)[0] == 204


def test_other_endpoint_is_told_of_one_that_is_gone(
    tenant: Tenant,
) -> None:
    with WebhookReceiver("") as business:
        wanted = {"url": business.url, "events": ["webhook.*"]}
        tenant.ask("POST", ENDPOINTS, wanted)
        nobody = {"url": "http://127.0.0.1:9/", "events": ["webhook.*", "room.*"]}
        _, made = tenant.ask("POST", ENDPOINTS, nobody)
        data = {"endpoint_id": made["id"], "reason": "gone"}
        announcer = parts.delivery_ports().announcer
        announcer.announce(tenant.name, "webhook.endpoint_disabled", data, 1)
        told = business.wait_for(lambda one: True, SECONDS)
        assert (told.type, told.body["data"]) == ("webhook.endpoint_disabled", data)
        assert tenant.cloud.settle()
        _, shown = tenant.ask("GET", f"{ENDPOINTS}/{made['id']}/attempts")
        assert shown["attempts"] == []
