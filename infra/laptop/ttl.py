"""DynamoDB's time to live, within seconds instead of days.

moto keeps the setting and never deletes. Nothing may rely on this haste.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

from infra.laptop.dynamodb import Database
from infra.laptop.environment import REGION

logger = logging.getLogger(__name__)

OLDEST_SECONDS = 5 * 365 * 86400
"""DynamoDB takes a time further back for a mistake, and keeps the item."""


class Sweeper:
    """Looks through every table with a time to live, again and again."""

    def __init__(
        self,
        database: Database,
        now_seconds: Callable[[], float],
        interval_seconds: float,
    ) -> None:
        self._database = database
        self._now_seconds = now_seconds
        self._interval_seconds = interval_seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ttl", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        self._stopped.set()
        self._thread.join(timeout_seconds)

    def sweep(self, now: float) -> int:
        """Remove what has expired at ``now``; how many items that was."""
        backend = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION]
        return sum(
            self._database.remove(table, partial(_is_expired, table, now))
            for table in list(backend.tables.values())
            if table.ttl.get("TimeToLiveStatus") == "ENABLED"
        )

    def _run(self) -> None:
        while not self._stopped.wait(self._interval_seconds):
            try:
                self.sweep(self._now_seconds())
            except Exception:
                logger.exception("a sweep failed")


def _is_expired(table: Table, now: float, item: Item) -> bool:
    value = item.attrs.get(table.ttl["AttributeName"])
    if value is None or value.type != "N":
        return False
    return now - OLDEST_SECONDS < float(value.value) <= now
