"""What is used of rates, in DynamoDB: an item a principal and minute, if at all."""

from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services.identity.limits import WINDOW_MS
from chalicelib.services.ports import Conflict

KEPT_SECONDS = 600
"""How long after its window an item may be told of still; then it expires."""


class DynamoDBWindows:
    """A `WindowRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def take(self, tenant: str, uid: str, window: int, block: int, limit: int) -> int:
        table, row = self._table, self._table(*_keys(tenant, uid, window))
        ends_at = (window + 1) * WINDOW_MS // 1000
        actions: list[Action] = [
            table.used.add(block),
            table.ttl.set(ends_at + KEPT_SECONDS),
        ]
        has_left = table.used.does_not_exist() | (table.used < limit)
        try:
            with failures_typed():
                row.update(actions, condition=has_left)
        except Conflict:
            return 0
        # The last block may have reached beyond the limit.
        return block - max(0, int(row.used or 0) - limit)


def _keys(tenant: str, uid: str, window: int) -> tuple[str, str]:
    """A tenant's name has no ``#``, so no two pairs share a key."""
    return f"RATE#{tenant}#{uid}", str(window)
