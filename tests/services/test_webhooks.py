"""What businesses receive: contract 003's bodies, and signatures of both kinds."""

import hashlib
import hmac
import json
import re
from dataclasses import replace
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook as StandardVerifier

from chalicelib.adapters.clock import SystemClock
from chalicelib.domain.commands import Invite, Join, Leave
from chalicelib.domain.endpoints import Endpoint
from chalicelib.protocol.vocabulary import CONTRACT_EVENTS
from chalicelib.services.sessions import event_of
from chalicelib.services.webhooks.announcements import announcement
from chalicelib.services.webhooks.bodies import (
    Webhook,
    headers_of,
    tgortc_signature,
    url_of,
    webhooks_of,
)
from tests.adapters.fleet_contract import ended
from tests.builders import NOW_MS, commit, create

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ENDPOINT = Endpoint("e1", "https://shop.example/hook?shop=7#top", SECRET)
EVERY = Endpoint("e1", "https://shop.example/hook", SECRET, events=CONTRACT_EVENTS)
CALLS = Endpoint("e1", "https://shop.example/hook", SECRET, events=("call.*",))
WEBHOOK = Webhook("101-3", "room.finished", NOW_MS, 3, b'{"room_id":"call-1"}')

ROOM_FIELDS = {
    "room_id": str,
    "creator": str,
    "rtc_type": int,
    "invite_on": int,
    "status": int,
    "max_participants": int,
    "duration": int,
    "uids": list,
    "created_at": int,
    "updated_at": int,
}


def bodies(
    *commands: Any, endpoint: Endpoint | None = None, **changes: Any
) -> list[tuple[str, dict[str, Any]]]:
    """(type, body) of every webhook of a call, its commands ten seconds apart."""
    step = commit(None, create(**changes))
    events = list(step.events)
    for place, command in enumerate(commands, 1):
        at_ms = NOW_MS + place * 10_000
        step = commit(step.after, command, at_ms=at_ms, command_id=str(place))
        events += step.events
    return [
        (webhook.type, json.loads(webhook.body))
        for event in events
        for webhook in webhooks_of(event, endpoint or EVERY)
    ]


def test_session_s_body_is_standard_webhooks_own() -> None:
    event = event_of(ended(), True)
    assert webhooks_of(event, EVERY) == ()
    (webhook,) = webhooks_of(event, replace(EVERY, events=("session.*",)))
    assert json.loads(webhook.body) == {
        "type": "session.ended",
        "timestamp": "2023-11-14T22:13:29Z",
        "data": event.data,
    }
    assert (webhook.type, webhook.seq) == ("session.ended", 2)
    assert re.fullmatch("[0-9a-f]{32}", webhook.id), "it names an execution"


def test_bodies_of_a_whole_call() -> None:
    told = bodies(Join("alice", "app"), Join("bob", "web"), Leave("bob"))
    assert [(kind, body["status"], body.get("uid")) for kind, body in told] == [
        ("participant.invited", 1, "bob"),
        ("room.started", 1, None),
        ("participant.joined", 1, "alice"),
        ("participant.joined", 1, "bob"),
        ("participant.left", 2, "bob"),
        ("participant.left", 2, "alice"),
        ("room.finished", 2, None),
    ]
    finished = told[-1][1]
    assert finished["duration"] == 10
    assert finished["uids"] == ["alice", "bob"]
    assert finished["created_at"] == NOW_MS // 1000
    assert finished["updated_at"] == NOW_MS // 1000 + 30


def test_bodies_have_the_contracts_fields() -> None:
    for kind, body in bodies(Join("bob", "web"), Leave("alice")):
        for name, of_type in ROOM_FIELDS.items():
            assert type(body[name]) is of_type, (kind, name)
        assert ("uid" in body) == kind.startswith("participant.")
        assert ("device_type" in body) == (kind == "participant.joined")


def test_body_of_a_rejected_call() -> None:
    told = bodies(Leave("bob"))
    assert [(kind, body["status"]) for kind, body in told] == [
        ("participant.invited", 1),
        ("participant.rejected", 4),
        ("room.finished", 4),
    ]
    assert told[-1][1]["duration"] == 0


def test_body_of_a_cancelled_call() -> None:
    told = bodies(Leave("alice"))
    assert [(kind, body["status"], body.get("uid")) for kind, body in told][1:] == [
        ("participant.cancelled", 3, "alice"),
        ("room.finished", 3, None),
    ]


def test_invitees_have_a_webhook_each() -> None:
    step = commit(None, create("alice", "bob", "carol", max_participants=3))
    (event,) = step.events
    webhooks = webhooks_of(event, EVERY)
    invited = [json.loads(webhook.body) for webhook in webhooks]
    assert [(b["uid"], b["invited_uids"]) for b in invited] == [
        ("bob", ["bob"]),
        ("carol", ["carol"]),
    ]
    assert [webhook.id for webhook in webhooks] == ["101-1", "101-1-1"]


def test_body_is_the_same_every_time() -> None:
    (event,) = commit(None, create()).events
    assert webhooks_of(event, EVERY) == webhooks_of(event, EVERY)


CALL = {
    "call_id": "call-1",
    "trace_id": "101",
    "caller": "alice",
    "uids": ["alice", "bob"],
    "media_type": "video",
    "dialect": "tgortc",
    "provider": "livekit",
}


def test_news_of_a_call_are_in_standard_webhooks_shape() -> None:
    told = bodies(
        Join("bob", "web"), Join("alice", "app"), Leave("bob"), endpoint=CALLS
    )
    assert [(body["type"], body["timestamp"], body["data"]) for _, body in told] == [
        (
            "call.ringing",
            "2023-11-14T22:13:20Z",
            {
                **CALL,
                "invited_uids": ["bob"],
                "deadline_at": "2023-11-14T22:13:50.000Z",
            },
        ),
        (
            "call.answered",
            "2023-11-14T22:13:30Z",
            {**CALL, "uid": "bob", "device_type": "web"},
        ),
        (
            "call.ended",
            "2023-11-14T22:13:50Z",
            {**CALL, "reason": "hangup", "initiator": "callee", "duration": 10},
        ),
    ]
    assert [kind for kind, _ in told] == [body["type"] for _, body in told]


def test_answer_of_a_call_is_told_once() -> None:
    told = bodies(
        Join("alice"),
        Join("bob"),
        Invite(("dave",), "alice"),
        Join("carol"),
        Leave("bob"),
        Join("bob"),
        endpoint=CALLS,
        invitees=("bob", "carol"),
        max_participants=4,
        ring_seconds=180,
    )
    assert [kind for kind, _ in told] == [
        "call.ringing",
        "call.answered",
        "call.ringing",
    ]
    assert told[0][1]["data"]["invited_uids"] == ["bob", "carol"]


def test_news_of_a_call_have_an_id_of_their_own_behind_the_contracts() -> None:
    (event,) = commit(None, create()).events
    both = replace(EVERY, events=("participant.*", "call.ringing"))
    webhooks = webhooks_of(event, both)
    assert [(one.id, one.type, one.seq) for one in webhooks] == [
        ("101-1", "participant.invited", 1),
        ("101-1-call", "call.ringing", 1),
    ]


def test_no_endpoint_is_told_what_became_of_itself() -> None:
    event = announcement("default", "webhook.exhausted", {"endpoint_id": "e2"}, NOW_MS)
    hearer = replace(EVERY, events=("webhook.*",))
    (webhook,) = webhooks_of(event, hearer)
    assert json.loads(webhook.body) == {
        "type": "webhook.exhausted",
        "timestamp": "2023-11-14T22:13:20Z",
        "data": {"endpoint_id": "e2"},
    }
    assert webhooks_of(event, replace(hearer, id="e2")) == ()


def test_both_secrets_sign_while_one_is_being_replaced() -> None:
    now_ms = SystemClock().now_ms()
    old, new = SECRET, "whsec_" + "bmV3LXNlY3JldC1vZi10aGUtYnVzaW5lc3M="
    endpoint = replace(ENDPOINT, secret=old).rotated(new, now_ms, 60_000)
    headers = headers_of(endpoint, WEBHOOK, now_ms + 59_999)
    for secret in (old, new):
        StandardVerifier(secret).verify(WEBHOOK.body, headers)
    assert len(headers["webhook-signature"].split(" ")) == 2
    assert headers["X-Signature"] == tgortc_signature(old, WEBHOOK.body)
    assert headers["X-Signature-New"] == tgortc_signature(new, WEBHOOK.body)
    alone = headers_of(endpoint, WEBHOOK, now_ms + 60_000)
    assert alone["X-Signature"] == tgortc_signature(new, WEBHOOK.body)
    assert "X-Signature-New" not in alone
    assert headers["webhook-signature"].split(" ")[0].startswith("v1,")


def test_url_keeps_its_query_and_names_the_event() -> None:
    assert url_of(ENDPOINT, WEBHOOK) == (
        "https://shop.example/hook?shop=7&event_id=101-3&event_type=room.finished"
    )


def test_tgortc_signature_is_of_the_body_with_the_secret_as_it_stands() -> None:
    headers = headers_of(ENDPOINT, WEBHOOK, NOW_MS)
    expected = hmac.new(SECRET.encode(), WEBHOOK.body, hashlib.sha256).hexdigest()
    assert headers["X-Signature"] == expected
    assert headers["X-Event-Type"] == "room.finished"
    assert headers["X-Event-ID"] == headers["webhook-id"] == "101-3"
    assert headers["X-Timestamp"] == str(NOW_MS // 1000)


@pytest.mark.parametrize("secret", [SECRET, "whsec_%%% not base64", "just a string"])
def test_standard_signature_is_believed_by_the_standards_library(secret: str) -> None:
    now_ms = SystemClock().now_ms()
    endpoint = Endpoint("e1", "https://shop.example/", secret)
    headers = headers_of(endpoint, WEBHOOK, now_ms)
    key: Any = secret if secret == SECRET else secret.encode()
    assert StandardVerifier(key).verify(WEBHOOK.body, headers) == {"room_id": "call-1"}


def test_endpoint_without_a_secret_gets_no_signature() -> None:
    headers = headers_of(Endpoint("e1", "https://shop.example/", ""), WEBHOOK, NOW_MS)
    assert "X-Signature" not in headers and "webhook-signature" not in headers
    assert headers["webhook-id"] == "101-3"


def test_signature_differs_by_one_byte_of_the_body() -> None:
    assert tgortc_signature(SECRET, b"a") != tgortc_signature(SECRET, b"b")
