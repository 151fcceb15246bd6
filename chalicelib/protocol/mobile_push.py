"""What phones in pockets are told of a ring, as APNs and FCM want it.

Nothing is sent here: these are the headers and payloads, whoever sends them. Sources:
Apple's "Sending notification requests to APNs" and "Responding to VoIP Notifications
from PushKit"; Firebase's "FCM HTTP v1 API".
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from chalicelib.protocol.vocabulary import MediaType

RING = "call.ringing"
RING_ENDED = "call.ring_ended"
MOST_BYTES_VOIP = 5 * 1024
MOST_BYTES_APNS = 4 * 1024
MOST_BYTES_FCM = 4 * 1024
"""Of the data, names and values together."""
URGENT = "10"
IN_ITS_OWN_TIME = "5"
"""The only priority that APNs takes for a background push."""
RING_ENDED_SECONDS = 60
"""How long it is worth telling: the ring itself is not delivered later either."""
MISSED_SECONDS = 24 * 3600
"""How long a person wants to hear of a missed call."""
NAMESPACE_URL = bytes.fromhex("6ba7b8119dad11d180b400c04fd430c8")
"""RFC 9562 section 6.6."""
UUID_NAME = "parley:call:"


class Platform(StrEnum):
    """Whose tokens they are, and of which kind."""

    APNS_VOIP = "apns_voip"
    """Of PushKit: wakes the app for calls, and for nothing else."""
    APNS = "apns"
    FCM = "fcm"


class Environment(StrEnum):
    """Which of Apple's services knows the token."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class PushToken:
    """How a device of a user is reached while its app sleeps."""

    tenant: str
    uid: str
    device: str
    platform: Platform
    token: str = field(repr=False)
    app: str
    """The bundle id, or the package."""
    environment: Environment = Environment.PRODUCTION
    registered_at_ms: int = 0
    endpoint: str = field(default="", repr=False)
    """What the sender has made of it, if it makes anything."""


class RingEnd(StrEnum):
    """Why a phone is to stop ringing."""

    ANSWERED_ELSEWHERE = "answered_elsewhere"
    CANCELLED = "cancelled"
    MISSED = "missed"
    REJECTED = "rejected"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Ring:
    """Somebody calls."""

    call_id: str
    seq: int
    caller: str
    media_type: MediaType
    deadline_at_ms: int


@dataclass(frozen=True, slots=True)
class RingEnded:
    """A ring is over for one who was rung."""

    call_id: str
    seq: int
    caller: str
    media_type: MediaType
    reason: RingEnd


@dataclass(frozen=True, slots=True)
class Push:
    """What is handed to a push service for one token."""

    headers: Mapping[str, str]
    """Of APNs' HTTP request; empty for FCM, which has all of it in its payload."""
    payload: Mapping[str, Any]
    ttl_seconds: int
    """How long it is worth delivering, at least 1."""


class PushTooLarge(ValueError):
    """The push service would refuse it."""


def ring_push(token: PushToken, ring: Ring, now_ms: int) -> Push:
    """Good until the deadline, which has not passed. Raises `PushTooLarge`."""
    ttl_seconds = max(1, (ring.deadline_at_ms - now_ms) // 1000)
    told = {
        "event": RING,
        **_facts(ring),
        "deadline_at_ms": ring.deadline_at_ms,
    }
    if token.platform is Platform.FCM:
        return _fcm(token, ring.call_id, told, ttl_seconds)
    expires_at_s = ring.deadline_at_ms // 1000
    if token.platform is Platform.APNS_VOIP:
        headers = _headers(token, ring.call_id, "voip", URGENT, expires_at_s)
        return _apns(headers, {"aps": {}, **told}, ttl_seconds, MOST_BYTES_VOIP)
    headers = _headers(token, ring.call_id, "alert", URGENT, expires_at_s)
    aps = {
        "alert": {"title": ring.caller, "body": _INCOMING[ring.media_type]},
        "sound": "default",
        "category": RING,
        "interruption-level": "time-sensitive",
        "mutable-content": 1,
    }
    return _apns(headers, {"aps": aps, **told}, ttl_seconds, MOST_BYTES_APNS)


def ring_ended_push(token: PushToken, ended: RingEnded, now_ms: int) -> Push | None:
    """None for a token of PushKit: each push to it has to ring. Raises
    `PushTooLarge`."""
    told = {"event": RING_ENDED, **_facts(ended), "reason": ended.reason.value}
    is_missed = ended.reason is RingEnd.MISSED
    ttl_seconds = MISSED_SECONDS if is_missed else RING_ENDED_SECONDS
    if token.platform is Platform.APNS_VOIP:
        return None
    if token.platform is Platform.FCM:
        return _fcm(token, ended.call_id, told, ttl_seconds)
    expires_at_s = now_ms // 1000 + ttl_seconds
    aps: dict[str, Any] = {"content-available": 1}
    kind, priority = "background", IN_ITS_OWN_TIME
    if is_missed:
        kind, priority = "alert", URGENT
        alert = {"title": ended.caller, "body": _MISSED[ended.media_type]}
        aps |= {"alert": alert, "category": RING_ENDED, "mutable-content": 1}
    headers = _headers(token, ended.call_id, kind, priority, expires_at_s)
    return _apns(headers, {"aps": aps, **told}, ttl_seconds, MOST_BYTES_APNS)


_INCOMING = {
    MediaType.AUDIO: "Incoming call",
    MediaType.VIDEO: "Incoming video call",
}
_MISSED = {MediaType.AUDIO: "Missed call", MediaType.VIDEO: "Missed video call"}


def call_uuid(call_id: str) -> str:
    """The call's name for CallKit, the same on every device and in every push.

    RFC 9562 version 5 of the name ``parley:call:<call id>`` among URLs.
    """
    name = NAMESPACE_URL + (UUID_NAME + call_id).encode()
    digest = bytearray(hashlib.sha1(name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    parts = (text[:8], text[8:12], text[12:16], text[16:20], text[20:])
    return "-".join(parts)


def push_id(token: PushToken, call_id: str, seq: int) -> str:
    """The same for the same token and event, however often it is sent."""
    parts = (token.tenant, token.uid, token.device, token.platform.value, call_id)
    named = json.dumps([*parts, seq]).encode()
    return "push_" + hashlib.sha256(named).hexdigest()[:32]


def _facts(told: Ring | RingEnded) -> dict[str, Any]:
    return {
        "call_id": told.call_id,
        "uuid": call_uuid(told.call_id),
        "seq": told.seq,
        "caller": told.caller,
        "media_type": told.media_type.name.lower(),
    }


def _headers(
    token: PushToken, call_id: str, kind: str, priority: str, expires_at_s: int
) -> dict[str, str]:
    topic = f"{token.app}.voip" if kind == "voip" else token.app
    return {
        "apns-push-type": kind,
        "apns-topic": topic,
        "apns-priority": priority,
        "apns-expiration": str(expires_at_s),
        # What has not been delivered yet is replaced by what is told next.
        "apns-collapse-id": call_uuid(call_id),
    }


def _apns(
    headers: Mapping[str, str], payload: dict[str, Any], ttl_seconds: int, most: int
) -> Push:
    if len(dump(payload).encode()) > most:
        raise PushTooLarge(f"an APNs payload has at most {most} bytes")
    return Push(headers, payload, ttl_seconds)


def _fcm(
    token: PushToken, call_id: str, told: Mapping[str, Any], ttl_seconds: int
) -> Push:
    """A message of data alone: the app itself decides what is shown."""
    data = {name: str(value) for name, value in told.items()}
    if sum(len(f"{name}{value}".encode()) for name, value in data.items()) > (
        MOST_BYTES_FCM
    ):
        raise PushTooLarge(f"FCM's data has at most {MOST_BYTES_FCM} bytes")
    android = {
        "priority": "high",
        "ttl": f"{ttl_seconds}s",
        "collapse_key": call_uuid(call_id),
        "restricted_package_name": token.app,
    }
    message = {"token": token.token, "data": data, "android": android}
    return Push({}, {"message": message}, ttl_seconds)


def dump(payload: Mapping[str, Any]) -> str:
    """As it is sent."""
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
