"""Counts of webhooks in DynamoDB: an item a day, and one a day and event type."""

from datetime import UTC, datetime

from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services.webhooks.tallies import Tally

SHARDS = 8
"""Over how many keys a tenant's counting is spread."""
KEPT_SECONDS = 90 * 24 * 3600
"""How long a day is counted, unless it is cleaned up before."""
DAY_PREFIX = "DAY#"
FAILURE_PREFIX = "FAILED#"


class DynamoDBTallies:
    """A `TallyRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def add(self, tenant: str, now_ms: int, tally: Tally) -> None:
        table, pk = self._table, _key(tenant, now_ms % SHARDS)
        day = _day(now_ms)
        counts = (
            (table.told, tally.told),
            (table.delivered, tally.delivered),
            (table.given_up, tally.given_up),
        )
        expires = table.ttl.set(now_ms // 1000 + KEPT_SECONDS)
        actions: list[Action] = [
            count.add(number) for count, number in counts if number
        ]
        if actions:
            table(pk, f"{DAY_PREFIX}{day}").update([*actions, expires])
        for event_type, number in tally.failures.items():
            row = table(pk, f"{FAILURE_PREFIX}{day}#{event_type}")
            row.update([table.failed.add(number), expires])

    def total(self, tenant: str) -> Tally:
        told = delivered = given_up = 0
        failures: dict[str, int] = {}
        for row in self._rows(tenant):
            told += int(row.told or 0)
            delivered += int(row.delivered or 0)
            given_up += int(row.given_up or 0)
            if row.sk.startswith(FAILURE_PREFIX):
                event_type = row.sk.rpartition("#")[2]
                failed = int(row.failed or 0)
                failures[event_type] = failures.get(event_type, 0) + failed
        return Tally(told, delivered, given_up, failures)

    def forget_before(self, tenant: str, at_ms: int) -> None:
        day = _day(at_ms)
        for row in self._rows(tenant):
            if row.sk.split("#")[1] < day:
                row.delete()

    def _rows(self, tenant: str) -> list[Row]:
        return [
            row
            for shard in range(SHARDS)
            for row in self._table.query(_key(tenant, shard), consistent_read=True)
        ]


def _key(tenant: str, shard: int) -> str:
    return f"TALLY#{tenant}#{shard}"


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y%m%d")
