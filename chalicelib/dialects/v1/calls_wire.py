"""Calls as our own dialect shows them: lists, one call, its timeline."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from chalicelib.dialects.v1 import wire
from chalicelib.dialects.v1.wire import InvalidRequest
from chalicelib.domain.call import Call, Participant
from chalicelib.domain.history import PLACE, Entry
from chalicelib.protocol.claims import UID_MAX_LENGTH
from chalicelib.protocol.vocabulary import CallState
from chalicelib.services.history import LATEST_MS, Period
from chalicelib.services.ports import OutboxEvent
from chalicelib.services.timeline import NoSuchCall, Timeline
from chalicelib.services.webhooks.lanes import Attempt

PATH = f"{wire.PREFIX}/calls"
CALL_ID_MAX_LENGTH = 64
TOLD = (
    "uid",
    "device_type",
    "device",
    "invited_uids",
    "missed_uids",
    "deadline_at",
    "duration_seconds",
    "initiator",
    "answered_at_ms",
)
"""What is an event's own; what the call was like by then is left out."""


class Which(StrEnum):
    """Of which calls a list is."""

    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Listing:
    """A list that is asked for."""

    which: Which
    uid: str
    """Whose calls; empty for those of who asks, or of the tenant."""
    period: Period
    after: str
    """The id of the last live call that is known already."""


def parse_listing(query: Mapping[str, str]) -> Listing:
    """Raises `InvalidRequest`."""
    wire.known(query, "state", "uid", "from", "to", "cursor", "limit")
    state = query.get("state", Which.ACTIVE)
    if state not in tuple(Which):
        raise InvalidRequest("state must be active or ended")
    which = Which(state)
    uid = wire.text(query, "uid", UID_MAX_LENGTH, "")
    return Listing(which, uid, _period(query, which), _after(query, which))


def _period(query: Mapping[str, str], which: Which) -> Period:
    from_ms, to_ms = _instant(query, "from", 0), _instant(query, "to", LATEST_MS)
    if which is Which.ACTIVE and not {"from", "to"}.isdisjoint(query):
        raise InvalidRequest("from and to are for state=ended")
    if from_ms > to_ms:
        raise InvalidRequest("from must not be later than to")
    before = wire.cursor(query) if which is Which.ENDED else ""
    if before and not PLACE.fullmatch(before):
        raise InvalidRequest("cursor is what an earlier page gave as next")
    return Period(from_ms, to_ms, before, wire.page_size(query))


def _after(query: Mapping[str, str], which: Which) -> str:
    after = wire.cursor(query) if which is Which.ACTIVE else ""
    if len(after) > CALL_ID_MAX_LENGTH:
        raise InvalidRequest("cursor is what an earlier page gave as next")
    return after


def _instant(query: Mapping[str, str], name: str, default: int) -> int:
    given = query.get(name, str(default))
    if not (given.isascii() and given.isdecimal() and len(given) <= 13):
        raise InvalidRequest(f"{name} must be in epoch milliseconds")
    return int(given)


def parse_call_id(call_id: str) -> str:
    """Raises `NoSuchCall` for what no call is called."""
    if not (1 <= len(call_id) <= CALL_ID_MAX_LENGTH and call_id.isprintable()):
        raise NoSuchCall(call_id)
    return call_id


def render_call(call: Call) -> dict[str, Any]:
    """All of it; an instant that has not come is left out."""
    ended = call.state is CallState.ENDED
    return {
        "id": call.id,
        "state": call.state.value,
        "end_reason": call.end_reason and call.end_reason.value,
        "initiator": call.initiator and call.initiator.value,
        "media_type": call.media_type.name.lower(),
        "dialect": call.dialect.value,
        "provider": call.provider.value,
        "creator": call.creator,
        "uids": list(call.uids),
        "created_at_ms": call.created_at_ms,
        **_present("answered_at_ms", call.talk_started_at_ms),
        **_present("ended_at_ms", call.ended_at_ms if ended else None),
        "duration": call.duration_seconds,
        "participants": [_participant(member) for member in call.participants],
    }


def _participant(member: Participant) -> dict[str, Any]:
    return {
        "uid": member.uid,
        "state": member.state.value,
        "end_reason": member.end_reason and member.end_reason.value,
        "device_type": member.device_type,
        "device": member.device,
        **_present("joined_at_ms", member.joined_at_ms),
        **_present("left_at_ms", member.left_at_ms),
    }


def render_entry(entry: Entry) -> dict[str, Any]:
    """An ended call in a list: as a call, without what each member did."""
    return {
        "id": entry.call_id,
        "state": CallState.ENDED.value,
        "end_reason": entry.reason.value,
        "initiator": entry.initiator and entry.initiator.value,
        "media_type": entry.media_type.name.lower(),
        "dialect": entry.dialect.value,
        "provider": entry.provider.value,
        "creator": entry.caller,
        "uids": list(entry.uids),
        "created_at_ms": entry.created_at_ms,
        **_present("answered_at_ms", entry.answered_at_ms),
        "ended_at_ms": entry.ended_at_ms,
        "duration": entry.duration_seconds,
    }


def render_timeline(timeline: Timeline) -> dict[str, Any]:
    """The call, what was told of it, and what was posted where."""
    attempts = [
        _attempt(endpoint_id, attempt)
        for endpoint_id, made in timeline.attempts.items()
        for attempt in made
    ]
    attempts.sort(key=lambda one: (one["at_ms"], one["seq"], one["endpoint_id"]))
    return {
        "call": render_call(timeline.call),
        "events": [_event(event) for event in timeline.events],
        "attempts": attempts,
    }


def _event(event: OutboxEvent) -> dict[str, Any]:
    data = {name: event.data[name] for name in TOLD if event.data.get(name) is not None}
    return {
        "seq": event.seq,
        "type": event.type,
        "at_ms": event.at_ms,
        "data": data,
    }


def _attempt(endpoint_id: str, attempt: Attempt) -> dict[str, Any]:
    return {
        "endpoint_id": endpoint_id,
        "webhook_id": attempt.webhook_id,
        "type": attempt.type,
        "seq": attempt.seq,
        "number": attempt.number,
        "at_ms": attempt.at_ms,
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "error": attempt.error,
    }


def _present(name: str, value: int | None) -> dict[str, int]:
    return {} if value is None else {name: value}
