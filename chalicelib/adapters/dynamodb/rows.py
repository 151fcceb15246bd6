"""The items of the one table: their keys, their attributes, how long they stay."""

from typing import Any

from pynamodb.attributes import (
    BooleanAttribute,
    ListAttribute,
    NumberAttribute,
    UnicodeAttribute,
)
from pynamodb.connection import Connection
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters.dynamodb import bodies
from chalicelib.domain.call import Call
from chalicelib.protocol.envelope import stamped
from chalicelib.services import agenda
from chalicelib.services.ports import CommandRecord, OutboxEvent
from chalicelib.services.webhooks.lanes import LaneKey

DAY_SECONDS = 24 * 3600
ID_RETENTION_SECONDS = 400 * DAY_SECONDS
"""As long as a call's id and numbers are not used again."""
CALL_RETENTION_SECONDS = 90 * DAY_SECONDS
"""As long as an ended call can be read."""
EVENT_RETENTION_SECONDS = 14 * DAY_SECONDS
"""Longer than the last attempt at a webhook comes late."""
RECORD_RETENTION_SECONDS = DAY_SECONDS
WAKE_GRACE_SECONDS = 60
"""How long after its time a call's TTL wakes it, if nothing else has."""

CALL_SORT_KEY = "CALL"
EVENT_PREFIX = "EVENT#"
EFFECT_PREFIX = "EFFECT#"
LANE_PREFIX = "LANE#"
WAKE_SORT_KEY = "WAKE"
NUMBER_SORT_KEY = "NUMBER"


def written_version() -> int:
    """Of an item that is made now."""
    return int(stamped({})["v"])


class WakeIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]
    """The calls to be looked at, by when; sparse, with the keys alone."""

    class Meta:
        index_name = "wake"
        projection = KeysOnlyProjection()

    wake_shard = UnicodeAttribute(hash_key=True)
    wake_at_ms = NumberAttribute(range_key=True)


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
    v = NumberAttribute(null=True)
    """Of an item that has no ``body`` to say it in, and counts nothing."""
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
    uncounted = NumberAttribute(null=True)
    attempts: ListAttribute[Any] = ListAttribute(of=UnicodeAttribute, null=True)
    wake_shard = UnicodeAttribute(null=True)
    """Of a call that is to be looked at."""
    wake_at_ms = NumberAttribute(null=True)
    told = NumberAttribute(null=True)
    """Of a day's tally, as are the next."""
    delivered = NumberAttribute(null=True)
    given_up = NumberAttribute(null=True)
    failed = NumberAttribute(null=True)
    epoch = NumberAttribute(null=True)
    """Of a worker's lease, or of an order to it."""
    cleared_epoch = NumberAttribute(null=True)
    renewed_at_ms = NumberAttribute(null=True)
    is_dead = BooleanAttribute(null=True)
    is_live = BooleanAttribute(null=True)
    """Of a session."""
    used = NumberAttribute(null=True)
    """Of a principal's limit, in a minute."""
    by_wake = WakeIndex()


def table(name: str, host: str | None = None) -> type[Row]:
    """The rows of the table of this name; ``host`` is another endpoint's URL."""
    meta = type("Meta", (Row.Meta,), {"table_name": name, "host": host})
    return type(f"{name}Row", (Row,), {"Meta": meta})


def connection_of(table: type[Row]) -> Connection:
    """The one through which the rows themselves are read, for transactions."""
    return table._get_connection().connection


def call_key(tenant: str, call_id: str) -> str:
    """A tenant's name has no ``#``, so no two pairs share a key."""
    return f"CALL#{tenant}#{call_id}"


def event_sort_key(seq: int) -> str:
    return f"{EVENT_PREFIX}{seq:010d}"


def lock_key(tenant: str, uid: str) -> str:
    return f"USER#{tenant}#{uid}"


def shard_key(shard: int) -> str:
    return f"WAKE#{shard:02d}"


def trace_key(trace_id: int) -> str:
    """Of all tenants, since the numbers are."""
    return f"TRACE#{trace_id}"


def parse_holder(holder: str) -> tuple[str, str]:
    """(tenant, call id), of who has a number."""
    tenant, _, call_id = holder.partition("#")
    return tenant, call_id


def parse_call_key(key: str) -> tuple[str, str]:
    """(tenant, call id)"""
    _, tenant, call_id = key.split("#", 2)
    return tenant, call_id


def lane_keys(key: LaneKey) -> tuple[str, str]:
    return call_key(key.tenant, key.call_id), LANE_PREFIX + key.endpoint_id


def call_row(table: type[Row], call: Call) -> Row:
    ended_at_ms = call.ended_at_ms
    return table(
        call_key(call.tenant, call.id),
        CALL_SORT_KEY,
        version=call.version,
        body=bodies.dump_call(call),
        ttl=ended_at_ms and ended_at_ms // 1000 + CALL_RETENTION_SECONDS,
        wake_shard=shard_key(agenda.shard_of(call.id)),
        wake_at_ms=agenda.look_at_ms(call),
    )


def wake_row(table: type[Row], call: Call) -> Row:
    """What expires beside a live call, and so wakes it when all else has failed."""
    at_ms = call.wake_at_ms
    return table(
        call_key(call.tenant, call.id),
        WAKE_SORT_KEY,
        ttl=at_ms and -(-at_ms // 1000) + WAKE_GRACE_SECONDS,
        v=written_version(),
    )


def effect_row(table: type[Row], effect: OutboxEvent) -> Row:
    return table(
        call_key(effect.tenant, effect.call_id),
        EFFECT_PREFIX + effect.event_id,
        body=bodies.dump_event(effect),
        ttl=effect.at_ms // 1000 + EVENT_RETENTION_SECONDS,
    )


def event_row(table: type[Row], event: OutboxEvent) -> Row:
    return table(
        call_key(event.tenant, event.call_id),
        event_sort_key(event.seq),
        body=bodies.dump_event(event),
        ttl=event.at_ms // 1000 + EVENT_RETENTION_SECONDS,
    )


def lock_row(table: type[Row], tenant: str, uid: str, call_id: str) -> Row:
    return table(lock_key(tenant, uid), "LOCK", holder=call_id, v=written_version())


def number_rows(table: type[Row], call: Call) -> list[Row]:
    """What makes the call's numbers its own, and finds it by them."""
    ttl = call.created_at_ms // 1000 + ID_RETENTION_SECONDS
    keys = (trace_key(call.trace_id), f"ROOM#{call.room_number}")
    holder = f"{call.tenant}#{call.id}"
    return [
        table(key, NUMBER_SORT_KEY, holder=holder, ttl=ttl, v=written_version())
        for key in keys
    ]


def tombstone_row(table: type[Row], call: Call) -> Row:
    """What keeps the call's id from being used again, long after the call."""
    ttl = call.created_at_ms // 1000 + ID_RETENTION_SECONDS
    key = f"ID#{call.tenant}#{call.id}"
    return table(key, "TOMBSTONE", ttl=ttl, v=written_version())


def record_keys(tenant: str, command_id: str) -> tuple[str, str]:
    return f"COMMAND#{tenant}#{command_id}", "COMMAND"


def record_row(table: type[Row], record: CommandRecord) -> Row:
    return table(
        *record_keys(record.tenant, record.command_id),
        body=bodies.dump_record(record),
        ttl=record.call.updated_at_ms // 1000 + RECORD_RETENTION_SECONDS,
    )
