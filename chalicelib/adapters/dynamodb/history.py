"""Ended calls in DynamoDB: an item for the tenant, and one for each member.

A tenant's live calls are found by the index through which calls are woken, which has
the keys of all that live, so that no call pays for being listed.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from chalicelib.adapters.dynamodb import bodies, rows
from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.domain.call import Call
from chalicelib.domain.history import Entry
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.protocol.vocabulary import (
    Dialect,
    EndReason,
    Initiator,
    MediaType,
    Provider,
)
from chalicelib.services import agenda
from chalicelib.services.history import LATEST_MS, RETENTION_SECONDS

KIND = "history"
SHARDS = 8
"""Over how many keys a tenant's history is spread."""
USER_PREFIX = "CALL#"
MOST_KEYS = 2_000
"""Of live calls, whosever they are, that are looked at in one shard of the index."""


@dataclass(frozen=True, slots=True)
class _Bounds:
    """Between which places entries are wanted."""

    from_ms: int
    to_ms: int
    before: str

    @property
    def low(self) -> str:
        return f"{self.from_ms:013d}#"

    @property
    def high(self) -> str:
        """Behind every id of a call that ended at ``to_ms``; itself not wanted."""
        latest = f"{self.to_ms:013d}$"
        return min(latest, self.before) if self.before else latest


class DynamoDBHistory:
    """A `HistoryRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def keep(self, entry: Entry) -> None:
        body = dump(entry)
        ttl = entry.ended_at_ms // 1000 + RETENTION_SECONDS
        shard = agenda.shard_of(entry.call_id) % SHARDS
        keys = [(_tenant_key(entry.tenant, shard), entry.place)]
        keys += (
            (rows.lock_key(entry.tenant, uid), USER_PREFIX + entry.place)
            for uid in entry.uids
        )
        with failures_typed(), self._table.batch_write() as batch:
            for pk, sk in keys:
                batch.save(self._table(pk, sk, body=body, ttl=ttl))

    def of_user(
        self,
        tenant: str,
        uid: str,
        from_ms: int,
        limit: int,
        to_ms: int = LATEST_MS,
        before: str = "",
    ) -> tuple[Entry, ...]:
        bounds = _Bounds(from_ms, to_ms, before)
        return tuple(
            self._query(rows.lock_key(tenant, uid), USER_PREFIX, bounds, limit)
        )

    def of_tenant(
        self, tenant: str, from_ms: int, to_ms: int, before: str, limit: int
    ) -> tuple[Entry, ...]:
        bounds = _Bounds(from_ms, to_ms, before)
        found = [
            entry
            for shard in range(SHARDS)
            for entry in self._query(_tenant_key(tenant, shard), "", bounds, limit)
        ]
        found.sort(key=lambda entry: entry.place, reverse=True)
        return tuple(found[:limit])

    def _query(
        self, pk: str, prefix: str, bounds: "_Bounds", limit: int
    ) -> list[Entry]:
        """A bound includes what it names, so one more is asked for."""
        low, high = prefix + bounds.low, prefix + bounds.high
        if high < low:
            return []
        with failures_typed():
            found = list(
                self._table.query(
                    pk,
                    self._table.sk.between(low, high),
                    scan_index_forward=False,
                    limit=limit + 1,
                )
            )
        entries = [parse(row.body) for row in found if row.body]
        return [one for one in entries if one.place < bounds.high][:limit]


class DynamoDBLiveCalls:
    """A `LiveCalls`.

    What it reads grows with the calls that live at the moment, of all tenants, not
    with those stored: 0.5 read units for each 4 KB of keys, 35 calls or so.
    """

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def ids_of_tenant(self, tenant: str) -> tuple[str, ...]:
        prefix = rows.call_key(tenant, "")
        with failures_typed():
            return tuple(
                row.pk.removeprefix(prefix)
                for shard in range(agenda.SHARDS)
                for row in self._table.by_wake.query(
                    rows.shard_key(shard), limit=MOST_KEYS
                )
                if row.pk.startswith(prefix)
            )

    def load(self, tenant: str, call_ids: Sequence[str]) -> tuple[Call, ...]:
        keys = [
            (rows.call_key(tenant, call_id), rows.CALL_SORT_KEY) for call_id in call_ids
        ]
        with failures_typed():
            found = list(self._table.batch_get(keys, consistent_read=True))
        return tuple(bodies.parse_call(row.body) for row in found if row.body)


def _tenant_key(tenant: str, shard: int) -> str:
    return f"HISTORY#{tenant}#{shard}"


def dump(entry: Entry) -> str:
    fields = {name: value for name, value in asdict(entry).items() if value is not None}
    return json.dumps(stamped(fields, KIND), ensure_ascii=False, separators=(",", ":"))


def parse(body: str) -> Entry:
    value = bodies.known(Entry, upcast(KIND, json.loads(body)))
    initiator = value.get("initiator")
    value.update(
        dialect=Dialect(value["dialect"]),
        provider=Provider(value["provider"]),
        media_type=MediaType(value["media_type"]),
        uids=tuple(value["uids"]),
        answered_at_ms=value.get("answered_at_ms"),
        reason=EndReason(value["reason"]),
        initiator=initiator and Initiator(initiator),
    )
    return Entry(**value)
