"""A table as the wiring has it, and what the contract looks for in one."""

from typing import Any

from chalicelib.adapters.dynamodb import bodies, rows
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.domain.commands import Join, Leave
from chalicelib.services.ports import CallRepository, OutboxEvent
from infra import wiring
from tests.adapters.contract import CallRepositoryContract
from tests.builders import NOW_MS, RING_MS, commit, create


def create_table(client: Any, name: str) -> None:
    """With its indexes, but no stream: nothing listens."""
    table = wiring.TABLE
    strings = [table.partition_key, table.sort_key]
    strings += (index.partition_key for index in table.indexes)
    numbers = [index.sort_key for index in table.indexes]
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            *({"AttributeName": key, "AttributeType": "S"} for key in strings),
            *({"AttributeName": key, "AttributeType": "N"} for key in numbers),
        ],
        KeySchema=_keys(table.partition_key, table.sort_key),
        GlobalSecondaryIndexes=[
            {
                "IndexName": index.name,
                "KeySchema": _keys(index.partition_key, index.sort_key),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for index in table.indexes
        ],
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition, "KeyType": "HASH"},
        {"AttributeName": sort, "KeyType": "RANGE"},
    ]


class TableCallRepositoryContract(CallRepositoryContract):
    """Subclasses set ``table`` when they give ``calls``."""

    table: type[Row]

    def forget(self, calls: CallRepository) -> None:
        key = rows.call_key("default", "call-1")
        self.table(key, rows.CALL_SORT_KEY).delete()

    def effects(self, calls: CallRepository) -> list[OutboxEvent]:
        return [
            bodies.parse_event(row.body)
            for row in self.table.scan()
            if row.sk.startswith(rows.EFFECT_PREFIX) and row.body
        ]

    def wake(self) -> int | None:
        """When the item beside call-1 expires, in epoch seconds."""
        key = rows.call_key("default", "call-1")
        for row in self.table.query(key, self.table.sk == rows.WAKE_SORT_KEY):
            return int(row.ttl or 0)
        return None

    def test_live_call_expires_by_the_item_beside_it_only(
        self, calls: CallRepository
    ) -> None:
        created = commit(None, create())
        calls.commit(created)
        assert self.wake() == (NOW_MS + RING_MS) // 1000 + rows.WAKE_GRACE_SECONDS
        key = rows.call_key("default", "call-1")
        assert self.table.get(key, rows.CALL_SORT_KEY).ttl is None
        joined = commit(created.after, Join("bob"), command_id="join")
        calls.commit(joined)
        wake_at_ms = joined.after.wake_at_ms
        assert wake_at_ms is not None
        assert self.wake() == -(-wake_at_ms // 1000) + rows.WAKE_GRACE_SECONDS
        calls.commit(commit(joined.after, Leave("bob"), command_id="leave"))
        assert self.wake() is None
        retention = rows.CALL_RETENTION_SECONDS
        ended = self.table.get(key, rows.CALL_SORT_KEY)
        assert ended.ttl == NOW_MS // 1000 + retention

    def test_rearm_puts_the_item_back(self, calls: CallRepository) -> None:
        created = commit(None, create())
        calls.commit(created)
        expected = self.wake()
        self.table(rows.call_key("default", "call-1"), rows.WAKE_SORT_KEY).delete()
        calls.rearm(created.after)
        assert self.wake() == expected
