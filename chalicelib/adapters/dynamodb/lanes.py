"""Delivery lanes in DynamoDB: an item each, leased by conditional updates."""

from pynamodb.exceptions import PynamoDBException, UpdateError

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.failures import typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services import ports
from chalicelib.services.ports import Lane, LaneKey


class DynamoDBLanes:
    """A `LaneRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def lease(
        self, key: LaneKey, seq: int, now_ms: int, until_ms: int, lease: str
    ) -> Lane | None:
        table, row = self._table, self._table(*rows.lane_keys(key))
        is_free = table.lease_until_ms.does_not_exist() | (
            table.lease_until_ms <= now_ms
        )
        is_wanted = table.next_seq.does_not_exist() | (table.next_seq <= seq)
        ttl = now_ms // 1000 + rows.EVENT_RETENTION_SECONDS
        try:
            row.update(
                actions=[
                    table.lease.set(lease),
                    table.lease_until_ms.set(until_ms),
                    table.next_seq.set(table.next_seq | 1),
                    table.rings.set(table.rings | 0),
                    table.ttl.set(ttl),
                ],
                condition=is_free & is_wanted,
            )
        except UpdateError as error:
            failure = typed(error)
            if not isinstance(failure, ports.Conflict):
                raise failure or error from error
            if not self._ring(row, seq, now_ms):
                return None
            return self.lease(key, seq, now_ms, until_ms, lease)
        return Lane(key, int(row.next_seq or 1), int(row.rings or 0), lease)

    def _ring(self, row: Row, seq: int, now_ms: int) -> bool:
        """Tell the holder to look again; True when there is none any more."""
        table = self._table
        try:
            row.update(
                actions=[table.rings.set((table.rings | 0) + 1)],
                condition=(table.lease_until_ms > now_ms) & (table.next_seq <= seq),
            )
        except UpdateError as error:
            failure = typed(error)
            if not isinstance(failure, ports.Conflict):
                raise failure or error from error
            row.refresh(consistent_read=True)
            return int(row.next_seq or 1) <= seq
        return False

    def settle(self, lane: Lane, next_seq: int) -> Lane | None:
        table, row = self._table, self._table(*rows.lane_keys(lane.key))
        is_ours = table.lease == lane.lease
        try:
            row.update(
                actions=[table.next_seq.set(next_seq), table.lease_until_ms.set(0)],
                condition=is_ours & (table.rings == lane.rings),
            )
            return None
        except UpdateError as error:
            failure = typed(error)
            if not isinstance(failure, ports.Conflict):
                raise failure or error from error
        return self._keep(row, lane, next_seq)

    def next_seq(self, key: LaneKey) -> int:
        try:
            row = self._table.get(*rows.lane_keys(key), consistent_read=True)
        except self._table.DoesNotExist:
            return 1
        except PynamoDBException as error:
            raise typed(error) or error from error
        return int(row.next_seq or 1)

    def _keep(self, row: Row, lane: Lane, next_seq: int) -> Lane | None:
        """It was rung meanwhile, unless the lease has gone to another."""
        try:
            row.update(
                actions=[self._table.next_seq.set(next_seq)],
                condition=self._table.lease == lane.lease,
            )
        except PynamoDBException as error:
            failure = typed(error)
            if isinstance(failure, ports.Conflict):
                return None
            raise failure or error from error
        return Lane(lane.key, next_seq, int(row.rings or 0), lane.lease)
