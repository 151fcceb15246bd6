"""OpenChat's JSON of rooms, participants and providers."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.dialects.openchat.tickets import Entrance, Ticket
from chalicelib.dialects.openchat.wire import GROUP, P2P, PROVIDERS
from chalicelib.domain.call import Call, Participant
from chalicelib.protocol.session.instants import render as instant
from chalicelib.protocol.vocabulary import EndReason, ParticipantState, Provider

PROVIDER_NAMES = {
    Provider.LIVEKIT: "livekit",
    Provider.TRTC: "tencent",
    Provider.P2P: "p2p",
    Provider.WORKER: "worker",
}
END_REASONS = {
    EndReason.HANGUP: "completed",
    EndReason.CANCELLED: "cancelled",
    EndReason.REJECTED: "rejected",
    EndReason.BUSY: "busy",
    EndReason.MISSED: "missed",
    EndReason.FAILED: "failed",
}
NEVER_IN = {EndReason.MISSED: "timeout", EndReason.REJECTED: "rejected"}
"""The status of who was rung and never came, where it is not simply ``left``."""
COMMON_MEDIA = ("provider", "url", "token", "roomId")
"""What every provider's media says; the rest is its own."""


def room_answer(call: Call, entrance: Entrance | None = None) -> dict[str, Any]:
    """The contract's bare room and the SDK's envelope, in one."""
    room = render_room(call)
    if entrance is not None:
        media = entrance.media
        room |= {"token": entrance.token, "url": media["url"], "media": media}
    return enveloped(room)


def enveloped(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An object bare, for the contract, and as ``data``, for the SDK."""
    return {**fields, **envelope(fields)}


def envelope(data: Any) -> dict[str, Any]:
    """What the SDK looks for in every answer."""
    return {"code": 0, "message": "ok", "data": data}


def render_rooms(calls: Iterable[Call]) -> dict[str, Any]:
    """``GET /rooms/user/{userId}``."""
    rooms = [render_room(call) for call in calls]
    return {**envelope(rooms), "rooms": rooms}


def render_participants(call: Call) -> dict[str, Any]:
    """``GET /rooms/{id}/participants``."""
    members = [_participant(call, member) for member in call.participants]
    return {**envelope(members), "participants": members}


def render_providers(carried: Iterable[Provider], default: Provider) -> dict[str, Any]:
    """``GET /providers/capabilities``."""
    ready = set(carried)
    providers = [
        {
            "provider": PROVIDER_NAMES[provider],
            "configured": provider in ready,
            "default": provider is default,
        }
        for provider in dict.fromkeys(PROVIDERS.values())
    ]
    default_name = PROVIDER_NAMES[default]
    return enveloped({"defaultProvider": default_name, "providers": providers})


def render_token(entrance: Entrance, token_id: str) -> dict[str, Any]:
    """``POST /tokens``; the id is nobody's but this answer's."""
    call = entrance.call
    return {
        "id": token_id,
        "uuid": token_id,
        "roomId": call.id,
        "userId": entrance.uid,
        "channelId": call.details.get("channelId"),
        "provider": PROVIDER_NAMES[call.provider],
        "token": entrance.token,
        "role": entrance.role,
        "metadata": {},
        "expiresAt": instant(entrance.expires_at_ms),
        "createdAt": instant(entrance.created_at_ms),
        "media": entrance.media,
    }


def render_connection(entrance: Entrance, token_id: str) -> dict[str, Any]:
    """``POST /rooms/{id}/connection``: all that a client begins with."""
    call, media = entrance.call, entrance.media
    config = {
        "provider": PROVIDER_NAMES[call.provider],
        "appId": media.get("sdkAppId"),
        "providerRoomId": media["roomId"],
        "businessRoomId": call.id,
        "userId": entrance.uid,
        "token": entrance.token,
        "role": entrance.role,
        "expiresAt": instant(entrance.expires_at_ms),
        "endpoint": media["url"],
        "region": None,
        "extras": {k: v for k, v in media.items() if k not in COMMON_MEDIA},
    }
    return enveloped(
        {
            "room": render_room(call),
            "rtcToken": render_token(entrance, token_id),
            "providerConfig": config,
        }
    )


def render_validity(ticket: Ticket | None, call: Call | None) -> dict[str, Any]:
    """``/tokens/validate``; of a token that opens nothing there is nothing to say."""
    if ticket is None or call is None:
        return enveloped({"valid": False})
    return enveloped(
        {
            "valid": True,
            "roomId": ticket.room,
            "userId": ticket.uid,
            "provider": PROVIDER_NAMES[call.provider],
            "channelId": call.details.get("channelId"),
            "role": ticket.role,
            "expiresAt": instant(ticket.expires_at_ms),
        }
    )


def render_room(call: Call) -> dict[str, Any]:
    """A call of any dialect, as a room."""
    others = [member.uid for member in call.others(call.creator)]
    details = call.details
    metadata = details.get("aiMetadata")
    return {
        "id": call.id,
        "uuid": call.id,
        "type": P2P if call.is_two_person else GROUP,
        "callerId": call.creator,
        "creatorId": call.creator,
        "calleeId": others[0] if call.is_two_person and others else None,
        "participants": list(call.uids),
        "mediaType": call.media_type.name.lower(),
        "status": call.state.value,
        "endReason": call.end_reason and END_REASONS[call.end_reason],
        "name": details.get("name"),
        "channelId": details.get("channelId"),
        "provider": PROVIDER_NAMES[call.provider],
        "aiMetadata": metadata and json.loads(metadata),
        "createdAt": instant(call.created_at_ms),
        "startedAt": _instant(call.started_at_ms),
        "endedAt": _instant(call.ended_at_ms),
        "duration": call.duration_seconds,
    }


def _role(call: Call, uid: str) -> str:
    if uid == call.creator:
        return "caller"
    return "callee" if call.is_two_person else "participant"


def _participant(call: Call, member: Participant) -> dict[str, Any]:
    return {
        "userId": member.uid,
        "role": _role(call, member.uid),
        "status": _status(call, member),
        "endReason": member.end_reason and END_REASONS[member.end_reason],
        "joinedAt": _instant(member.joined_at_ms),
        "leftAt": _instant(member.left_at_ms),
    }


def _status(call: Call, member: Participant) -> str:
    was_rung = member.uid != call.creator and not member.has_joined
    if member.state is ParticipantState.LEFT and was_rung and member.end_reason:
        return NEVER_IN.get(member.end_reason, member.state.value)
    return member.state.value


def _instant(at_ms: int | None) -> str | None:
    return None if at_ms is None else instant(at_ms)
