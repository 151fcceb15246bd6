"""Applications' connections in DynamoDB: an item each, until no socket is so old."""

import json

from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services.relay import Connection

SORT_KEY = "RELAY"
LIFETIME_SECONDS = 2 * 3_600 + 300
"""API Gateway ends a socket after two hours."""


class DynamoDBConnections:
    """A `ConnectionRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def keep(self, connection: Connection) -> None:
        row = self._table(
            *_keys(connection.connection_id),
            body=json.dumps(
                connection.render(), ensure_ascii=False, separators=(",", ":")
            ),
            ttl=connection.opened_at_ms // 1000 + LIFETIME_SECONDS,
        )
        with failures_typed():
            row.save()

    def find(self, connection_id: str) -> Connection | None:
        try:
            with failures_typed():
                row = self._table.get(*_keys(connection_id), consistent_read=True)
        except self._table.DoesNotExist:
            return None
        return Connection.parse(json.loads(row.body or ""))

    def forget(self, connection_id: str) -> None:
        with failures_typed():
            self._table(*_keys(connection_id)).delete()


def _keys(connection_id: str) -> tuple[str, str]:
    return f"CONN#{connection_id}", SORT_KEY
