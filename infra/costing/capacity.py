"""DynamoDB's capacity units, from what was asked and what it changed.

Reads of the stream by Lambda are free, and so is what TTL deletes. A write counts
the larger of the item before and after it. One whose condition fails counts as if it
had not; so does every item of a transaction that is cancelled, which is the most
that AWS may take for it. Indexes follow a commit at their own pace, so their writes
never count twice.
"""

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from infra.costing.layout import Key, Layout
from infra.costing.prices import (
    BACKUP_GB_MONTH,
    GIB,
    READ_UNIT,
    TABLE_GB_MONTH,
    WRITE_UNIT,
)
from infra.costing.requests import (
    READS,
    TRANSACT_WRITE,
    WRITES,
    Write,
    consistency_of,
    is_partial,
    reads_of,
    writes_of,
)
from infra.costing.sizes import (
    STORAGE_OVERHEAD_BYTES,
    TRANSACTIONAL,
    Item,
    item_bytes,
    read_units,
    write_units,
)
from infra.costing.tally import Tally
from infra.laptop.observation import AwsRequest, Change

MONTH_SECONDS = 365 * 86400 / 12
REFUSALS = ("ConditionalCheckFailedException", "TransactionCanceledException")
"""Failures that consume capacity; a throttled or malformed request does not."""
WORD = re.compile(r"[A-Z]+\Z")
USERS_HISTORY = ("USER", "CALL")


@dataclass(slots=True)
class _Stored:
    """What is known of an item in the table."""

    size: int
    size_in_indexes: int
    expires_at: float | None


class _Pending(threading.local):
    """What the request that now runs in this thread has changed."""

    def __init__(self) -> None:
        self.sizes: dict[Key, int] = {}


@dataclass(slots=True)
class Capacity:
    """Counts for tables of these layouts.

    It must be told of every change since the table was empty: only so does it know
    the size of an item that a request names and does not show.
    """

    layouts: dict[str, Layout]
    ttl_attribute: str
    tally: Tally
    _stored: dict[Key, _Stored] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)
    _pending: _Pending = field(default_factory=_Pending)

    def change(self, change: Change) -> None:
        """Changes are told before the request that made them, in its thread."""
        layout = self.layouts[change.table]
        key = layout.key_of(change.keys)
        if not change.by_ttl:
            self._pending.sizes[key] = max(_bytes(change.old), _bytes(change.new))
            for index in layout.indexes:
                units = index.write_units(change.old, change.new)
                if units:
                    what = f"writes to index {index.name}: {_kind(key)}"
                    self.tally.add(WRITE_UNIT, what, units)
        self._store(layout, key, change.new)

    def request(self, request: AwsRequest) -> None:
        """Any request to DynamoDB, the failed ones too."""
        operation = request.operation
        if operation in WRITES:
            self._write(request)
        elif request.status == 200 and operation in READS:
            self._read(request)
        elif request.status == 200 and operation == "Query":
            self._query(request)
        elif request.status == 200:
            self.tally.miss(f"DynamoDB {operation}")
        self._pending.sizes.clear()

    def store(self, now_seconds: float) -> None:
        """Count what stands in the table now, for as long as it will stand there."""
        for key, stored in list(self._stored.items()):
            if stored.expires_at is None:
                self.tally.miss(f"an item that never expires: {_kind(key)}")
                continue
            months = max(0.0, stored.expires_at - now_seconds) / MONTH_SECONDS
            kept = stored.size + STORAGE_OVERHEAD_BYTES
            self.tally.add(
                TABLE_GB_MONTH,
                f"kept until TTL: {_kind(key)}",
                (kept + stored.size_in_indexes) * months / GIB,
            )
            self.tally.add(BACKUP_GB_MONTH, "its backups", kept * months / GIB)

    def _write(self, request: AwsRequest) -> None:
        writes = writes_of(request.operation, request.parameters, self.layouts)
        if request.status != 200:
            if str(request.answer.get("__type", "")).endswith(REFUSALS):
                self._count_writes(request.operation, writes, "refused")
            return
        token = request.parameters.get("ClientRequestToken")
        if token in self._tokens:
            for write in writes:
                units = read_units(self._size(write.key), TRANSACTIONAL)
                self.tally.add(READ_UNIT, "repeated transactions", units)
            return
        if token:
            self._tokens.add(token)
        self._count_writes(request.operation, writes, "")

    def _count_writes(
        self, operation: str, writes: Iterable[Write], outcome: str
    ) -> None:
        is_transaction = operation == TRANSACT_WRITE
        times = 2 if is_transaction else 1
        manner = "in transactions" if is_transaction else "single"
        for write in writes:
            size = max(
                self._pending.sizes.get(write.key, 0),
                self._size(write.key),
                _bytes(write.item),
            )
            what = " ".join(
                filter(None, ("writes,", manner, outcome, f"({_kind(write.key)})"))
            )
            self.tally.add(WRITE_UNIT, what, write_units(size) * times)

    def _read(self, request: AwsRequest) -> None:
        for read in reads_of(request.operation, request.parameters, self.layouts):
            units = read_units(self._size(read.key), read.consistency)
            what = f"reads, {request.operation} ({_kind(read.key)})"
            self.tally.add(READ_UNIT, what, units)

    def _query(self, request: AwsRequest) -> None:
        if is_partial(request.parameters):
            self.tally.miss("DynamoDB Query that reads more than it answers")
        size = sum(map(_bytes, request.answer.get("Items") or ()))
        units = read_units(size, consistency_of(request.parameters))
        self.tally.add(READ_UNIT, "reads, Query", units)

    def _size(self, key: Key) -> int:
        stored = self._stored.get(key)
        return stored.size if stored else 0

    def _store(self, layout: Layout, key: Key, item: Item | None) -> None:
        if item is None:
            self._stored.pop(key, None)
            return
        entries = [index.entry(item) for index in layout.indexes]
        ttl = item.get(self.ttl_attribute)
        self._stored[key] = _Stored(
            size=item_bytes(item),
            size_in_indexes=sum(
                _bytes(entry) + STORAGE_OVERHEAD_BYTES for entry in entries if entry
            ),
            expires_at=float(ttl["N"]) if ttl else None,
        )


def _bytes(item: Item | None) -> int:
    return item_bytes(item) if item else 0


def _kind(key: Key) -> str:
    """Of an item: the word that its sort key begins with, or else its partition's."""
    partition, sort = (part.partition("#")[0] for part in key[1:])
    if (partition, sort) == USERS_HISTORY:
        return "HISTORY"
    return sort if WORD.match(sort) else partition
