"""One call through Lambda, DynamoDB's stream and EventBridge, as deployed by CDK."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from standardwebhooks.webhooks import Webhook

from chalicelib.protocol.fleet import Facts, Heartbeat
from chalicelib.protocol.lease import (
    EndSession,
    Lease,
    SessionEnded,
    SessionStarted,
)
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import worker_token
from infra.deployed import Cloud
from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from tests.e2e.conftest import JWT_SECRET
from tests.e2e.receiver import Received, WebhookReceiver

pytestmark = pytest.mark.cloud

WEBHOOK_SECONDS = 60.0
"""Every event of the burst may start a function cold, on whatever cores there are."""
TIMEOUT_SECONDS = 30.0


def _request(
    cloud: Cloud,
    method: str,
    path: str,
    uid: str = "",
    body: Any = None,
    **more: str,
) -> tuple[int, Any]:
    """``more`` are headers."""
    headers = {"content-type": "application/json", **more}
    if uid:
        claims = claims_of(Wanted(uid, "user", "default", hours=1), int(now_seconds()))
        headers["authorization"] = f"Bearer {jwt.encode(claims, JWT_SECRET)}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        cloud.http_url + path, data, headers, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_health_is_answered_through_the_http_api(cloud: Cloud) -> None:
    assert _request(cloud, "GET", "/health") == (200, {"status": "ok"})


def test_request_without_a_token_is_refused(cloud: Cloud) -> None:
    status, body = _request(cloud, "POST", "/api/v1/rooms", body={"creator": "alice"})
    assert (status, body["code"]) == (401, 401)


def test_post_that_comes_again_gets_its_answer_again(cloud: Cloud) -> None:
    """By powertools, as the bundle has it, and sealed by the environment's key."""
    key = {"idempotency-key": uuid.uuid4().hex}
    status, first = _request(cloud, "POST", "/v1/tickets", "alice", **key)
    assert status == 201
    assert _request(cloud, "POST", "/v1/tickets", "alice", **key) == (201, first)
    status, other = _request(cloud, "POST", "/v1/tickets", "bob", **key)
    assert status == 201 and other["ticket"] != first["ticket"]
    items = cloud.client("dynamodb").scan(TableName=cloud.table_name)["Items"]
    kept = [item for item in items if item["pk"]["S"].startswith("REPEAT#")]
    assert len(kept) >= 2 and first["ticket"] not in str(kept)


def test_table_has_its_ttl_switched_on(cloud: Cloud) -> None:
    answer = cloud.client("dynamodb").describe_time_to_live(TableName=cloud.table_name)
    assert answer["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"


def test_call_is_told_to_the_business_to_its_end(
    cloud: Cloud, business: WebhookReceiver
) -> None:
    room_id, created = _create_room(cloud, "alice", "bob")
    assert created["token"]
    place = f"/api/v1/rooms/{room_id}"
    alice, bob = ({"uid": uid, "device_type": "app"} for uid in ("alice", "bob"))
    assert _request(cloud, "POST", f"{place}/join", "alice", alice)[0] == 200
    assert _request(cloud, "POST", f"{place}/join", "bob", bob)[0] == 200
    assert _request(cloud, "POST", f"{place}/leave", "bob", bob)[0] == 200

    last = business.wait_for(_is_told(room_id, "room.finished"), WEBHOOK_SECONDS)
    signature = hmac.new(business.secret.encode(), last.raw, hashlib.sha256)
    assert last.headers["x-signature"] == signature.hexdigest()
    assert last.query["event_type"] == ["room.finished"]
    assert Webhook(business.secret.encode()).verify(last.raw, last.headers)
    told = [one.type for one in business.received if _room_of(one) == room_id]
    assert told == [
        "participant.invited",
        "room.started",
        "participant.joined",
        "participant.joined",
        "participant.left",
        "participant.left",
        "room.finished",
    ]


def test_webhook_that_was_refused_comes_again(
    cloud: Cloud, business: WebhookReceiver
) -> None:
    business.refuse("participant.invited", times=1)
    room_id, _ = _create_room(cloud, "carol", "dave")
    is_invited = _is_told(room_id, "participant.invited")
    refused = business.wait_for(is_invited, WEBHOOK_SECONDS)
    again = business.wait_for(
        lambda one: is_invited(one) and one is not refused, WEBHOOK_SECONDS
    )
    assert again.headers["webhook-id"] == refused.headers["webhook-id"]


def test_webhook_that_is_refused_for_long_goes_to_the_retry_machine(
    cloud: Cloud, business: WebhookReceiver
) -> None:
    business.refuse("participant.rejected", times=3)
    room_id, _ = _create_room(cloud, "erin", "frank")
    frank = {"uid": "frank"}
    assert _request(cloud, "POST", f"/api/v1/rooms/{room_id}/leave", "frank", frank)
    business.wait_for(_is_told(room_id, "participant.rejected"), WEBHOOK_SECONDS)
    # What is taken meanwhile shows that the refused one alone is at fault.
    other_id, _ = _create_room(cloud, "niaj", "olivia")
    business.wait_for(_is_told(other_id, "participant.invited"), WEBHOOK_SECONDS)
    business.wait_for(_is_told(room_id, "room.finished"), WEBHOOK_SECONDS)
    machines = cloud.client("stepfunctions")
    (machine,) = (
        one
        for one in machines.list_state_machines()["stateMachines"]
        if "Redelivery" in one["name"]
    )
    found = machines.list_executions(stateMachineArn=machine["stateMachineArn"])
    assert [one["status"] for one in found["executions"]] == ["RUNNING"]


def test_ring_is_missed_by_step_functions(
    cloud: Cloud, business: WebhookReceiver
) -> None:
    room_id, _ = _create_room(cloud, "grace", "heidi", timeout=5)
    missed = business.wait_for(_is_told(room_id, "participant.missed"), WEBHOOK_SECONDS)
    assert missed.body["missed_uids"] == ["heidi"]
    business.wait_for(_is_told(room_id, "room.finished"), WEBHOOK_SECONDS)


def test_call_goes_through_three_dialects(
    cloud: Cloud, business: WebhookReceiver
) -> None:
    asked = {"groupId": "", "invitees": ["judy"], "RTCType": 1}
    status, started = _request(cloud, "POST", "/app/start-call", "ivan", asked)
    assert (status, started["result"]) == (200, 0)
    room_id = started["data"]["traceIdStr"]
    room = f"/im/api/v1/rtc/rooms/{room_id}"
    status, joined = _request(cloud, "POST", f"{room}/join", "judy", {})
    assert (status, joined["status"]) == (201, "active")
    place = f"/api/v1/rooms/{room_id}/leave"
    assert _request(cloud, "POST", place, "ivan", {"uid": "ivan"})[0] == 200
    assert _request(cloud, "GET", room, "judy")[1]["status"] == "ended"
    last = business.wait_for(_is_told(room_id, "room.finished"), WEBHOOK_SECONDS)
    assert last.body["creator"] == "ivan"


def test_worker_s_session_is_listed_killed_and_ended(cloud: Cloud) -> None:
    now_ms = int(now_seconds() * 1_000)
    lease = Lease("w9", now_ms, "w9:8080", "ws://w9:8080", 1, 10, False, now_ms)
    assert _as_worker(cloud, "PUT", "lease", lease.render())[0] == 200
    session = ("default", "w9-a", "w9", now_ms, "kim", CallType.WEBSOCKET, now_ms)
    started = Facts((SessionStarted(*session),))
    assert _as_worker(cloud, "POST", "facts", started.render())[0] == 204
    _, listed = _request(cloud, "GET", "/call/lists", "kim")
    assert [call["id"] for call in listed["calls"]] == ["w9-a"]
    assert _request(cloud, "POST", "/call/kill/w9-a", "lara")[0] == 404
    assert _request(cloud, "POST", "/call/kill/w9-a", "kim") == (200, True)
    _, answer = _as_worker(cloud, "PUT", "lease", lease.render())
    (order,) = Heartbeat.parse(answer).orders
    assert isinstance(order, EndSession) and order.session_id == "w9-a"
    ended = SessionEnded(
        *session, ended_at_ms=now_ms + 1, reason="bySystem", initiator="system"
    )
    told = _as_worker(cloud, "POST", "facts", Facts((ended,)).render())
    assert told[0] == 204
    assert _request(cloud, "GET", "/call/lists", "kim") == (200, {"calls": []})


def _as_worker(cloud: Cloud, method: str, what: str, body: Any) -> tuple[int, Any]:
    credentials = worker_token(JWT_SECRET, "w9", int(now_seconds()))
    request = urllib.request.Request(
        f"{cloud.http_url}/internal/workers/w9/{what}",
        json.dumps(body).encode(),
        {
            "content-type": "application/json",
            "authorization": f"Bearer {credentials}",
        },
        method=method,
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        content = answer.read()
        return answer.status, json.loads(content) if content else None


def _create_room(
    cloud: Cloud, creator: str, invitee: str, **more: Any
) -> tuple[str, Any]:
    room_id = f"room-{uuid.uuid4().hex[:12]}"
    room = {
        "creator": creator,
        "device_type": "app",
        "room_id": room_id,
        "rtc_type": 0,
        "invite_on": 1,
        "uids": [invitee],
        **more,
    }
    status, created = _request(cloud, "POST", "/api/v1/rooms", creator, room)
    assert (status, created["room_id"]) == (200, room_id)
    return room_id, created


def _is_told(room_id: str, event_type: str) -> Callable[[Received], bool]:
    return lambda one: one.type == event_type and _room_of(one) == room_id


def _room_of(webhook: Received) -> Any:
    return webhook.body["room_id"]
