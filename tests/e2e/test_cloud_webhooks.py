"""An endpoint that a request makes, as deployed by CDK: its secret is KMS's to keep."""

import json
import urllib.request
from typing import Any

import jwt
import pytest
from standardwebhooks.webhooks import Webhook

from chalicelib.adapters import vault_kms
from infra.deployed import Cloud
from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from tests.e2e.conftest import JWT_SECRET
from tests.e2e.receiver import WebhookReceiver

pytestmark = pytest.mark.cloud

TENANT = "webhooks"
ENDPOINTS = "/v1/webhooks/endpoints"
SECONDS = 60.0


def ask(cloud: Cloud, path: str, uid: str, body: Any) -> Any:
    wanted = Wanted(uid, "admin", TENANT, hours=1)
    token = jwt.encode(claims_of(wanted, int(now_seconds())), JWT_SECRET)
    request = urllib.request.Request(
        cloud.http_url + path,
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": f"Bearer {token}"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=SECONDS) as answer:
        return json.load(answer)


def test_endpoint_made_by_a_request_hears_of_calls_and_replays(cloud: Cloud) -> None:
    with WebhookReceiver("") as business:
        made = ask(cloud, ENDPOINTS, "root", {"url": business.url})
        place = f"{ENDPOINTS}/{made['id']}"
        stored = cloud.client("dynamodb").get_item(
            TableName=cloud.table_name,
            Key={
                "pk": {"S": f"WEBHOOKS#{TENANT}"},
                "sk": {"S": f"ENDPOINT#{made['id']}"},
            },
        )["Item"]["body"]["S"]
        assert json.loads(stored)["secret"].startswith(vault_kms.PREFIX)
        room = {"creator": "nina", "device_type": "app", "uids": ["omar"]}
        room_id = ask(cloud, "/api/v1/rooms", "nina", room)["room_id"]
        told = business.wait_for(lambda one: True, SECONDS)
        assert (told.type, told.body["room_id"]) == ("participant.invited", room_id)
        Webhook(made["secret"]).verify(told.raw, told.headers)
        replay = ask(cloud, f"{place}/replay", "root", {"call_id": room_id})
        assert replay["webhooks"] == 1
        again = business.wait_for(lambda one: one is not told, SECONDS)
        assert again.headers["webhook-id"] == told.headers["webhook-id"]
        Webhook(made["secret"]).verify(again.raw, again.headers)
