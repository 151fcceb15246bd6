"""The items of the one table: their keys, their attributes, their bodies."""

import json
from dataclasses import asdict, replace
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.models import Model

from chalicelib.domain.call import Call, Participant
from chalicelib.protocol.envelope import stamped, version_of
from chalicelib.protocol.vocabulary import (
    CallState,
    Dialect,
    EndReason,
    Initiator,
    MediaType,
    ParticipantState,
    Provider,
)
from chalicelib.services.ports import CommandRecord, LaneKey, OutboxEvent

DAY_SECONDS = 24 * 3600
CALL_RETENTION_SECONDS = 400 * DAY_SECONDS
"""As long as a call's id is not used again."""
EVENT_RETENTION_SECONDS = 14 * DAY_SECONDS
"""Longer than the last attempt at a webhook comes late."""
RECORD_RETENTION_SECONDS = DAY_SECONDS

CALL_SORT_KEY = "CALL"
EVENT_PREFIX = "EVENT#"


class Row(Model):
    """Any item; which attributes it has, its keys tell."""

    class Meta:
        table_name = "calls"
        connect_timeout_seconds = 1
        read_timeout_seconds = 2
        max_retry_attempts = 1
        max_pool_connections = 50

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    ttl = NumberAttribute(null=True)
    """Epoch seconds after which DynamoDB may delete it."""
    version = NumberAttribute(null=True)
    """Of a call."""
    body = UnicodeAttribute(null=True)
    """JSON with ``v``."""
    holder = UnicodeAttribute(null=True)
    """Of a lock or a number: the id of the call that has it."""
    next_seq = NumberAttribute(null=True)
    """Of a lane."""
    rings = NumberAttribute(null=True)
    lease = UnicodeAttribute(null=True)
    lease_until_ms = NumberAttribute(null=True)


def table(name: str, host: str | None = None) -> type[Row]:
    """The rows of the table of this name; ``host`` is another endpoint's URL."""
    meta = type("Meta", (Row.Meta,), {"table_name": name, "host": host})
    return type(f"{name}Row", (Row,), {"Meta": meta})


def call_key(tenant: str, call_id: str) -> str:
    """A tenant's name has no ``#``, so no two pairs share a key."""
    return f"CALL#{tenant}#{call_id}"


def event_sort_key(seq: int) -> str:
    return f"{EVENT_PREFIX}{seq:010d}"


def lock_key(tenant: str, uid: str) -> str:
    return f"USER#{tenant}#{uid}"


def lane_keys(key: LaneKey) -> tuple[str, str]:
    return call_key(key.tenant, key.call_id), f"LANE#{key.endpoint_id}"


def call_row(table: type[Row], call: Call) -> Row:
    ended_at_ms = call.ended_at_ms
    return table(
        call_key(call.tenant, call.id),
        CALL_SORT_KEY,
        version=call.version,
        body=dump_call(call),
        ttl=ended_at_ms and ended_at_ms // 1000 + CALL_RETENTION_SECONDS,
    )


def event_row(table: type[Row], event: OutboxEvent) -> Row:
    return table(
        call_key(event.tenant, event.call_id),
        event_sort_key(event.seq),
        body=dump_event(event),
        ttl=event.at_ms // 1000 + EVENT_RETENTION_SECONDS,
    )


def lock_row(table: type[Row], tenant: str, uid: str, call_id: str) -> Row:
    return table(lock_key(tenant, uid), "LOCK", holder=call_id)


def number_rows(table: type[Row], call: Call) -> list[Row]:
    """What makes the call's numbers its own, and finds it by them."""
    ttl = call.created_at_ms // 1000 + CALL_RETENTION_SECONDS
    keys = (f"TRACE#{call.trace_id}", f"ROOM#{call.room_number}")
    holder = f"{call.tenant}#{call.id}"
    return [table(key, "NUMBER", holder=holder, ttl=ttl) for key in keys]


def record_row(table: type[Row], record: CommandRecord) -> Row:
    fields = {
        "fingerprint": record.fingerprint,
        "call": _call_fields(record.call),
        "refusal": record.refusal,
        "refusal_subject": record.refusal_subject,
    }
    return table(
        f"COMMAND#{record.tenant}#{record.command_id}",
        "COMMAND",
        body=_dump(stamped(fields)),
        ttl=record.call.updated_at_ms // 1000 + RECORD_RETENTION_SECONDS,
    )


def parse_record(tenant: str, command_id: str, body: str) -> CommandRecord:
    value = _versioned(body)
    return CommandRecord(
        tenant=tenant,
        command_id=command_id,
        fingerprint=value["fingerprint"],
        call=_parse_call_fields(value["call"]),
        refusal=value["refusal"],
        refusal_subject=value["refusal_subject"],
    )


def dump_event(event: OutboxEvent) -> str:
    return _dump(stamped(asdict(event)))


def parse_event(body: str) -> OutboxEvent:
    value = _versioned(body)
    del value["v"]
    return OutboxEvent(**value)


def dump_call(call: Call) -> str:
    return _dump(stamped(_call_fields(call)))


def parse_call(body: str) -> Call:
    return _parse_call_fields(_versioned(body))


def _call_fields(call: Call) -> dict[str, Any]:
    """The fields that say something: None and the defaults of a member go without."""
    fields = asdict(replace(call, participants=()))
    fields["participants"] = [
        {name: value for name, value in asdict(member).items() if value not in _EMPTY}
        for member in call.participants
    ]
    return {name: value for name, value in fields.items() if value is not None}


_EMPTY = (None, "")


def _parse_call_fields(value: dict[str, Any]) -> Call:
    fields = {name: field for name, field in value.items() if name != "v"}
    reason, initiator = fields.get("end_reason"), fields.get("initiator")
    fields.update(
        dialect=Dialect(fields["dialect"]),
        provider=Provider(fields["provider"]),
        media_type=MediaType(fields["media_type"]),
        state=CallState(fields["state"]),
        end_reason=reason and EndReason(reason),
        initiator=initiator and Initiator(initiator),
        participants=tuple(map(_parse_participant, fields["participants"])),
    )
    return Call(**fields)


def _parse_participant(value: dict[str, Any]) -> Participant:
    reason = value.get("end_reason")
    fields = {
        **value,
        "state": ParticipantState(value["state"]),
        "end_reason": reason and EndReason(reason),
    }
    return Participant(**fields)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _versioned(body: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(body)
    version_of(value)
    return value
