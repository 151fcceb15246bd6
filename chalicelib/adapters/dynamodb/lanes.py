"""Delivery lanes in DynamoDB: an item each, leased by conditional updates."""

from collections.abc import Mapping

from pynamodb.expressions.condition import Condition, size
from pynamodb.expressions.update import Action

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.fleet import failures_typed
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.services import ports
from chalicelib.services.webhooks.lanes import (
    MOST_LOGGED,
    Attempt,
    Lane,
    LaneKey,
    Progress,
)


class DynamoDBLanes:
    """A `LaneRepository`."""

    def __init__(self, table: type[Row]) -> None:
        self._table = table

    def lease(
        self, key: LaneKey, seq: int, now_ms: int, until_ms: int, lease: str
    ) -> Lane | None:
        table, row = self._table, self._row(key)
        is_free = table.lease_until_ms.does_not_exist() | (
            table.lease_until_ms <= now_ms
        )
        is_wanted = table.next_seq.does_not_exist() | (table.next_seq <= seq)
        actions: list[Action] = [
            table.lease.set(lease),
            table.lease_until_ms.set(until_ms),
            table.next_seq.set(table.next_seq | 1),
            table.rings.set(table.rings | 0),
            table.ttl.set(now_ms // 1000 + rows.EVENT_RETENTION_SECONDS),
        ]
        if self._update(row, actions, is_free & is_wanted):
            return _lane(key, row)
        if not self._ring(row, seq, now_ms):
            return None
        return self.lease(key, seq, now_ms, until_ms, lease)

    def _ring(self, row: Row, seq: int, now_ms: int) -> bool:
        """Tell the holder to look again; True when there is none any more."""
        table = self._table
        rung: list[Action] = [table.rings.set((table.rings | 0) + 1)]
        is_held = table.lease_until_ms > now_ms
        if self._update(row, rung, is_held & (table.next_seq <= seq)):
            return False
        with failures_typed():
            row.refresh(consistent_read=True)
        return int(row.next_seq or 1) <= seq

    def settle(
        self, lane: Lane, next_seq: int, attempts: tuple[Attempt, ...]
    ) -> Lane | None:
        table, row = self._table, self._row(lane.key)
        kept = self._kept(lane, next_seq, attempts)
        is_ours = table.lease == lane.lease
        is_quiet = table.rings == lane.rings
        if self._update(row, [*kept, table.lease_until_ms.set(0)], is_ours & is_quiet):
            return None
        # It was rung meanwhile, unless the lease has gone to another.
        return _lane(lane.key, row) if self._update(row, kept, is_ours) else None

    def park(
        self, lane: Lane, next_seq: int, until_ms: int, attempts: tuple[Attempt, ...]
    ) -> bool:
        table, row = self._table, self._row(lane.key)
        kept = self._kept(lane, next_seq, attempts)
        held = table.lease_until_ms.set(until_ms)
        return self._update(row, [*kept, held], self._is_held_by(lane.lease))

    def resume(self, key: LaneKey, lease: str, until_ms: int) -> Lane | None:
        table, row = self._table, self._row(key)
        actions: list[Action] = [
            table.lease_until_ms.set(until_ms),
            table.ttl.set(until_ms // 1000 + rows.EVENT_RETENTION_SECONDS),
        ]
        if not self._update(row, actions, self._is_held_by(lease)):
            return None
        return _lane(key, row)

    def note(self, key: LaneKey, attempts: tuple[Attempt, ...]) -> None:
        table, at_seconds = self._table, attempts[-1].at_ms // 1000
        count = size(table.attempts)  # type: ignore[no-untyped-call]
        has_room = table.attempts.does_not_exist() | (
            count <= MOST_LOGGED - len(attempts)
        )
        # A replay's may be the first that the lane hears of.
        expires = table.ttl.set(table.ttl | at_seconds + rows.EVENT_RETENTION_SECONDS)
        self._update(self._row(key), [*self._logged(attempts), expires], has_room)

    def attempts_of(
        self, tenant: str, call_id: str
    ) -> Mapping[str, tuple[Attempt, ...]]:
        pk, is_lane = (
            rows.call_key(tenant, call_id),
            self._table.sk.startswith(rows.LANE_PREFIX),
        )
        with failures_typed():
            found = list(self._table.query(pk, is_lane, consistent_read=True))
        return {
            row.sk.removeprefix(rows.LANE_PREFIX): tuple(
                map(Attempt.parse, row.attempts or ())
            )
            for row in found
        }

    def progress(self, key: LaneKey) -> Progress:
        try:
            with failures_typed():
                row = self._table.get(*rows.lane_keys(key), consistent_read=True)
        except self._table.DoesNotExist:
            return Progress()
        return Progress(int(row.next_seq or 1), int(row.lease_until_ms or 0))

    def _row(self, key: LaneKey) -> Row:
        return self._table(*rows.lane_keys(key))

    def _is_held_by(self, lease: str) -> Condition:
        """Let go of, a lane has its last lease still, but until no time at all."""
        table = self._table
        is_held: Condition = (table.lease == lease) & (table.lease_until_ms > 0)
        return is_held

    def _kept(
        self, lane: Lane, next_seq: int, attempts: tuple[Attempt, ...]
    ) -> list[Action]:
        table = self._table
        kept: list[Action] = [
            table.next_seq.set(next_seq),
            table.uncounted.set(lane.uncounted),
        ]
        if attempts and lane.logged + len(attempts) <= MOST_LOGGED:
            kept += self._logged(attempts)
        return kept

    def _logged(self, attempts: tuple[Attempt, ...]) -> list[Action]:
        table, texts = self._table, [one.render() for one in attempts]
        return [table.attempts.set((table.attempts | []).append(texts))]

    def _update(self, row: Row, actions: list[Action], condition: Condition) -> bool:
        """Whether the condition held; the row is then as it is stored."""
        try:
            with failures_typed():
                row.update(actions, condition=condition)
        except ports.Conflict:
            return False
        return True


def _lane(key: LaneKey, row: Row) -> Lane:
    return Lane(
        key=key,
        next_seq=int(row.next_seq or 1),
        rings=int(row.rings or 0),
        lease=row.lease or "",
        uncounted=int(row.uncounted or 0),
        logged=len(row.attempts or ()),
    )
