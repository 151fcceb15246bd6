"""A domain event with its call, as the facts that outlive them in the outbox."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.call import Call
from chalicelib.domain.effects import Effect, RemoveParticipant
from chalicelib.domain.events import (
    ParticipantInvited,
    ParticipantJoined,
    ParticipantMissed,
    RoomFinished,
    RoomStarted,
    Told,
)
from chalicelib.services.ports import OutboxEvent

DELETE_ROOM = "effect.delete_room"
REMOVE_PARTICIPANT = "effect.remove_participant"


def outbox_events(call: Call, told: Sequence[Told]) -> tuple[OutboxEvent, ...]:
    """What a command told; ``call`` is the call after it."""
    return tuple(_outbox_event(call, one, one is told[-1]) for one in told)


def _outbox_event(call: Call, told: Told, is_last: bool) -> OutboxEvent:
    return OutboxEvent(
        tenant=call.tenant,
        call_id=call.id,
        seq=told.seq,
        event_id=f"{call.trace_id}-{told.seq}",
        type=told.event.type.value,
        at_ms=told.at_ms,
        data=_call_facts(call) | _own_facts(call, told) | _gone(call),
        is_last=is_last,
    )


def effect_event(call: Call, effect: Effect, place: int) -> OutboxEvent:
    """``place`` tells the effects of one command apart."""
    kind, data = DELETE_ROOM, dict[str, Any]()
    if isinstance(effect, RemoveParticipant):
        kind, data = REMOVE_PARTICIPANT, {"uid": effect.uid}
    return OutboxEvent(
        tenant=call.tenant,
        call_id=call.id,
        seq=0,
        event_id=f"{call.trace_id}-{call.version}-{place}",
        type=kind,
        at_ms=call.updated_at_ms,
        data={"provider": call.provider.value, **data},
    )


def instant(at_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, as Step Functions reads it."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _call_facts(call: Call) -> dict[str, Any]:
    return {
        "creator": call.creator,
        "media_type": int(call.media_type),
        "is_invite_only": call.is_invite_only,
        "state": call.state.value,
        "is_started": call.started_at_ms is not None,
        "end_reason": call.end_reason.value if call.end_reason else None,
        "max_participants": call.max_participants,
        "uids": list(call.uids),
        "created_at_ms": call.created_at_ms,
        "updated_at_ms": call.updated_at_ms,
        "trace_id": call.trace_id,
        "dialect": call.dialect.value,
        "provider": call.provider.value,
    }


def _gone(call: Call) -> dict[str, Any]:
    """The members of a live call who are neither in nor rung, if there are any."""
    locked = call.locked_uids
    gone = [uid for uid in call.uids if uid not in locked]
    return {"gone_uids": gone} if call.is_live and gone else {}


def _own_facts(call: Call, told: Told) -> dict[str, Any]:
    match told.event:
        case RoomStarted():
            return {}
        case RoomFinished():
            return {
                "duration_seconds": call.duration_seconds,
                "initiator": call.initiator.value if call.initiator else None,
                "answered_at_ms": call.talk_started_at_ms,
            }
        case ParticipantInvited(uids=uids):
            deadline_at_ms = told.at_ms + call.ring_seconds * 1000
            return {
                "invited_uids": list(uids),
                "deadline_at": instant(deadline_at_ms),
            }
        case ParticipantMissed(uid=uid):
            return {"uid": uid, "missed_uids": [uid]}
        case ParticipantJoined(uid=uid, device_type=device_type, device=device):
            known: dict[str, Any] = {"device": device} if device else {}
            if told.event.is_answer:
                known["is_answer"] = True
            return {"uid": uid, "device_type": device_type, **known}
        case event:
            return {"uid": event.uid}
