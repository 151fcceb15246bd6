"""What a business receives of an event: its body, its headers, its signatures.

Bodies are TgoRTC's (contract 003) for calls of every dialect, but Standard Webhooks'
for what is ours; the signature headers are both TgoRTC's and Standard Webhooks 1.0's.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from chalicelib.domain.endpoints import Endpoint
from chalicelib.protocol.session.instants import render as instant
from chalicelib.protocol.vocabulary import (
    CONTRACT_EVENTS,
    ENDPOINT_EVENTS,
    CallState,
    EndReason,
    EventType,
    MediaType,
)
from chalicelib.services.ports import OutboxEvent

WHSEC = "whsec_"

ROOM_STATUS: dict[tuple[CallState, EndReason | None], int] = {
    (CallState.WAITING, None): 0,
    (CallState.ACTIVE, None): 1,
    (CallState.ENDED, EndReason.HANGUP): 2,
    (CallState.ENDED, EndReason.CANCELLED): 3,
    (CallState.ENDED, EndReason.REJECTED): 4,
    (CallState.ENDED, EndReason.BUSY): 5,
    (CallState.ENDED, EndReason.MISSED): 6,
    (CallState.ENDED, EndReason.FAILED): 2,
}
"""TgoRTC's room status, which knows no failure: such a room is finished."""


def room_status(state: CallState, reason: EndReason | None, is_started: bool) -> int:
    """TgoRTC's status of a room, which has started with anybody's join."""
    if state is CallState.WAITING and is_started:
        return ROOM_STATUS[CallState.ACTIVE, None]
    return ROOM_STATUS[state, reason]


EVENT_STATUS = {
    EventType.ROOM_STARTED: 1,
    EventType.PARTICIPANT_INVITED: 1,
    EventType.PARTICIPANT_CANCELLED: 3,
}
"""Where an event says the status itself, whatever the room's was."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One post to make, the same at every endpoint and every attempt."""

    id: str
    type: str
    at_ms: int
    seq: int
    """The event's; members invited together share it."""
    body: bytes


def webhooks_of(event: OutboxEvent, endpoint: Endpoint) -> tuple[Webhook, ...]:
    """What the endpoint is told of an event: nothing, one webhook or several.

    Each of those invited together has one of their own, and ``call.*`` stands behind
    what it is derived from. No endpoint is told what became of itself.
    """
    if event.type in ENDPOINT_EVENTS and event.data["endpoint_id"] == endpoint.id:
        return ()
    own = _own(event) if endpoint.wants(event.type) else ()
    derived = _call_webhook(event)
    if derived is not None and endpoint.wants(derived.type):
        return (*own, derived)
    return own


def _own(event: OutboxEvent) -> tuple[Webhook, ...]:
    if event.type not in CONTRACT_EVENTS:
        return (_webhook(event, event.type, event.event_id, _ours(event)),)
    invited = event.data.get("invited_uids")
    if invited is None:
        body = _body(event, event.data)
        return (_webhook(event, event.type, event.event_id, body),)
    return tuple(
        _webhook(
            event,
            event.type,
            event.event_id if place == 0 else f"{event.event_id}-{place}",
            _body(event, {**event.data, "uid": uid, "invited_uids": [uid]}),
        )
        for place, uid in enumerate(invited)
    )


def _webhook(
    event: OutboxEvent, kind: str, webhook_id: str, body: Mapping[str, Any]
) -> Webhook:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Webhook(webhook_id, kind, event.at_ms, event.seq, text.encode())


def _ours(event: OutboxEvent) -> dict[str, Any]:
    """Standard Webhooks' shape: what is no part of TgoRTC's contract has it."""
    return {"type": event.type, "timestamp": instant(event.at_ms), "data": event.data}


def _call_webhook(event: OutboxEvent) -> Webhook | None:
    """Ours about the call, where the contract's event means that."""
    told = _call_news(event)
    if told is None:
        return None
    kind, news = told
    facts = event.data
    data = {
        "call_id": event.call_id,
        "trace_id": str(facts["trace_id"]),
        "caller": facts["creator"],
        "uids": facts["uids"],
        "media_type": MediaType(facts["media_type"]).name.lower(),
        "dialect": facts["dialect"],
        "provider": facts["provider"],
        **news,
    }
    body = {"type": kind, "timestamp": instant(event.at_ms), "data": data}
    return _webhook(event, kind, f"{event.event_id}-call", body)


def _call_news(event: OutboxEvent) -> tuple[str, dict[str, Any]] | None:
    """The type, and what is new by it."""
    facts = event.data
    if event.type == EventType.PARTICIPANT_INVITED:
        news = {
            "invited_uids": facts["invited_uids"],
            "deadline_at": facts["deadline_at"],
        }
        return "call.ringing", news
    if event.type == EventType.PARTICIPANT_JOINED and facts.get("is_answer"):
        who = {"uid": facts["uid"], "device_type": facts["device_type"]}
        return "call.answered", who
    if event.type == EventType.ROOM_FINISHED:
        return "call.ended", {
            "reason": facts["end_reason"],
            "initiator": facts["initiator"],
            "duration": facts["duration_seconds"],
        }
    return None


def _body(event: OutboxEvent, data: Mapping[str, Any]) -> dict[str, Any]:
    event_type = EventType(event.type)
    reason = data["end_reason"] and EndReason(data["end_reason"])
    status = room_status(CallState(data["state"]), reason, data["is_started"])
    body: dict[str, Any] = {
        "room_id": event.call_id,
        "creator": data["creator"],
        "rtc_type": data["media_type"],
        "invite_on": int(data["is_invite_only"]),
        "status": EVENT_STATUS.get(event_type, status),
        "max_participants": data["max_participants"],
        "duration": data.get("duration_seconds", 0),
        "uids": data["uids"],
        "created_at": data["created_at_ms"] // 1000,
        "updated_at": data["updated_at_ms"] // 1000,
    }
    if event_type in (EventType.ROOM_STARTED, EventType.ROOM_FINISHED):
        return body
    body["uid"] = data["uid"]
    if "device_type" in data:
        body["device_type"] = data["device_type"]
    body["invited_uids"] = data.get("invited_uids")
    body["missed_uids"] = data.get("missed_uids")
    return body


def url_of(endpoint: Endpoint, webhook: Webhook) -> str:
    """The endpoint's URL, its own query kept, with the event's type and id."""
    parts = urlsplit(endpoint.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [("event_id", webhook.id), ("event_type", webhook.type)]
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def headers_of(endpoint: Endpoint, webhook: Webhook, now_ms: int) -> dict[str, str]:
    """The headers of one attempt; ``now_ms`` is signed, so each is fresh."""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "Parley-Webhooks/1",
        "X-Event-Type": webhook.type,
        "X-Event-ID": webhook.id,
        "X-Timestamp": str(webhook.at_ms // 1000),
        "X-Event-Seq": str(webhook.seq),
        "webhook-id": webhook.id,
        "webhook-timestamp": str(now_ms // 1000),
    }
    return headers | _signatures(endpoint, webhook, now_ms)


def _signatures(endpoint: Endpoint, webhook: Webhook, now_ms: int) -> dict[str, str]:
    """While a secret is being replaced, what knows the old one alone goes on working:
    ``X-Signature`` is the old one's until its time has come."""
    if not endpoint.secret:
        return {}
    secrets, at_s = endpoint.secrets(now_ms), now_ms // 1000
    signed = [
        standard_signature(one, webhook.id, at_s, webhook.body) for one in secrets
    ]
    headers = {
        "X-Signature": tgortc_signature(secrets[-1], webhook.body),
        "webhook-signature": " ".join(signed),
    }
    if len(secrets) > 1:
        headers["X-Signature-New"] = tgortc_signature(secrets[0], webhook.body)
    return headers


def tgortc_signature(secret: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of the body; the key is the string as it stands."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def standard_signature(secret: str, webhook_id: str, at_s: int, body: bytes) -> str:
    """Standard Webhooks' ``v1``: the key is base64 behind ``whsec_``, else as is."""
    signed = f"{webhook_id}.{at_s}.".encode() + body
    digest = hmac.new(_standard_key(secret), signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _standard_key(secret: str) -> bytes:
    if not secret.startswith(WHSEC):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(WHSEC), validate=True)
    except ValueError:
        return secret.encode()
