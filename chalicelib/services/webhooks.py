"""What a business receives of an event: its body, its headers, its signatures.

Bodies are TgoRTC's (contract 003) for calls of every dialect; the signature
headers are both TgoRTC's and Standard Webhooks 1.0's.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from chalicelib.protocol.session.instants import render as instant
from chalicelib.protocol.vocabulary import (
    SESSION_EVENTS,
    CallState,
    EndReason,
    EventType,
)
from chalicelib.services.ports import Endpoint, OutboxEvent

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


def webhooks_of(event: OutboxEvent) -> tuple[Webhook, ...]:
    """One for an event, but for each of those invited together one of their own."""
    invited = event.data.get("invited_uids")
    if invited is None:
        return (_webhook(event, event.event_id, event.data),)
    return tuple(
        _webhook(
            event,
            event.event_id if place == 0 else f"{event.event_id}-{place}",
            {**event.data, "uid": uid, "invited_uids": [uid]},
        )
        for place, uid in enumerate(invited)
    )


def _webhook(event: OutboxEvent, webhook_id: str, data: Mapping[str, Any]) -> Webhook:
    body = json.dumps(
        _session_body(event) if event.type in SESSION_EVENTS else _body(event, data),
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    return Webhook(webhook_id, event.type, event.at_ms, event.seq, body)


def _session_body(event: OutboxEvent) -> dict[str, Any]:
    """Standard Webhooks' shape: what is no part of TgoRTC's contract has it."""
    return {"type": event.type, "timestamp": instant(event.at_ms), "data": event.data}


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
    if endpoint.secret:
        headers["X-Signature"] = tgortc_signature(endpoint.secret, webhook.body)
        headers["webhook-signature"] = standard_signature(
            endpoint.secret, webhook.id, now_ms // 1000, webhook.body
        )
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
