"""Announcements in DynamoDB: outbox rows, so that stream and bus carry them."""

from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services import ports
from chalicelib.services.webhooks.announcements import announcement

MOST_AT_ONCE = 16
"""Of one endpoint in one millisecond, each of which is told a little later."""


class DynamoDBAnnouncer:
    """An `Announcer`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def announce(
        self, tenant: str, type: str, data: Mapping[str, Any], now_ms: int
    ) -> None:
        for place in range(MOST_AT_ONCE):
            event = announcement(tenant, type, data, now_ms + place)
            try:
                with failures_typed():
                    rows.event_row(self._table, event).save(
                        condition=self._table.pk.does_not_exist()
                    )
                return
            except ports.Conflict:
                continue
        raise ports.Throttled(type)
