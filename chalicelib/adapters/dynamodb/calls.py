"""Calls in DynamoDB: one consistent read, one transaction."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from pynamodb.connection import Connection
from pynamodb.constants import ALL_OLD
from pynamodb.exceptions import (
    CancellationReason,
    DoesNotExist,
    PynamoDBException,
    TransactWriteError,
)
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.transactions import TransactWrite

from chalicelib.adapters.dynamodb import bodies, rows
from chalicelib.adapters.dynamodb.failures import (
    CONDITION_FAILED,
    THROTTLES,
    typed,
)
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.domain.call import Call
from chalicelib.services import agenda, ports
from chalicelib.services.ports import CommandRecord, Commit, OutboxEvent


@dataclass(frozen=True, slots=True)
class _Write:
    """One item of a transaction, and what it means if its condition fails."""

    row: Row
    condition: Condition | None
    on_failure: Callable[[dict[str, Any]], ports.RepositoryError]
    """Takes the item that stands there; the most telling error is raised."""


class DynamoDBCalls:
    """A `CallRepository`."""

    def __init__(self, table: type[Row], connection: Connection) -> None:
        self._table = table
        self._connection = connection

    def load(self, tenant: str, call_id: str) -> Call | None:
        row = self._get(rows.call_key(tenant, call_id), rows.CALL_SORT_KEY)
        return bodies.parse_call(row.body) if row and row.body else None

    def call_id_of(self, tenant: str, uid: str) -> str | None:
        row = self._get(rows.lock_key(tenant, uid), "LOCK")
        return row.holder if row else None

    def call_id_of_trace(self, tenant: str, trace_id: int) -> str | None:
        row = self._get(rows.trace_key(trace_id), rows.NUMBER_SORT_KEY)
        if row is None or row.holder is None:
            return None
        of, call_id = rows.parse_holder(row.holder)
        return call_id if of == tenant else None

    def record(self, tenant: str, command_id: str) -> CommandRecord | None:
        row = self._get(*rows.record_keys(tenant, command_id))
        if row is None or row.body is None:
            return None
        return bodies.parse_record(tenant, command_id, row.body)

    def drop_lock(self, tenant: str, uid: str, call_id: str) -> None:
        row = rows.lock_row(self._table, tenant, uid, call_id)
        try:
            with _failures_typed():
                row.delete(condition=self._table.holder == call_id)
        except ports.Conflict:
            return

    def outbox(
        self, tenant: str, call_id: str, from_seq: int
    ) -> tuple[OutboxEvent, ...]:
        last = rows.EVENT_PREFIX + "~"
        with _failures_typed():
            found = list(
                self._table.query(
                    rows.call_key(tenant, call_id),
                    self._table.sk.between(rows.event_sort_key(from_seq), last),
                    consistent_read=True,
                )
            )
        return tuple(bodies.parse_event(row.body) for row in found if row.body)

    def commit(self, commit: Commit) -> None:
        deletes, puts = self._deletes(commit), self._puts(commit)
        try:
            with TransactWrite(
                connection=self._connection, client_request_token=commit.token
            ) as transaction:
                for write in deletes:
                    transaction.delete(write.row, write.condition)
                for write in puts:
                    transaction.save(write.row, write.condition, ALL_OLD)
        except TransactWriteError as error:
            # DynamoDB names its reasons in the order of the request, and pynamodb
            # puts deletes before puts.
            reasons = error.cancellation_reasons
            failure = _most_telling([*deletes, *puts], reasons) or typed(error)
            raise failure or error from error

    def request(self, effect: OutboxEvent) -> None:
        with _failures_typed():
            rows.effect_row(self._table, effect).save()

    def due(self, shard: int, now_ms: int) -> tuple[tuple[str, str], ...]:
        with _failures_typed():
            found = self._table.by_wake.query(
                rows.shard_key(shard),
                rows.WakeIndex.wake_at_ms <= now_ms,
                limit=agenda.MOST_DUE,
            )
            return tuple(rows.parse_call_key(row.pk) for row in found)

    def rearm(self, call: Call) -> None:
        with _failures_typed():
            rows.wake_row(self._table, call).save()

    def postpone(self, call: Call, at_ms: int) -> None:
        self._rewake(call, [self._table.wake_at_ms.set(at_ms)])

    def disarm(self, call: Call) -> None:
        table = self._table
        self._rewake(call, [table.wake_shard.remove(), table.wake_at_ms.remove()])

    def _rewake(self, call: Call, actions: list[Action]) -> None:
        row = self._table(rows.call_key(call.tenant, call.id), rows.CALL_SORT_KEY)
        try:
            with _failures_typed():
                row.update(actions, condition=self._table.version == call.version)
        except ports.Conflict:
            # It is not as it was looked at, so it will be looked at again.
            return

    def _get(self, pk: str, sk: str) -> Row | None:
        try:
            with _failures_typed():
                return self._table.get(pk, sk, consistent_read=True)
        except self._table.DoesNotExist:
            return None

    def _deletes(self, commit: Commit) -> list[_Write]:
        after = commit.after
        is_ours = self._table.pk.does_not_exist() | (self._table.holder == after.id)
        deletes = [
            _Write(
                rows.lock_row(self._table, after.tenant, uid, after.id),
                is_ours,
                _conflict,
            )
            for uid in sorted(commit.locks_freed)
        ]
        if commit.before is not None and not after.is_live:
            deletes.append(_Write(rows.wake_row(self._table, after), None, _conflict))
        return deletes

    def _puts(self, commit: Commit) -> list[_Write]:
        after, table = commit.after, self._table
        is_free = table.pk.does_not_exist()
        record = commit.record

        def done(item: dict[str, Any]) -> ports.RepositoryError:
            body = item.get("body", {}).get("S")
            if body is None:
                return ports.UnknownOutcome("the command's record was not returned")
            stored = bodies.parse_record(record.tenant, record.command_id, body)
            return ports.AlreadyDone(stored)

        writes = [
            _Write(rows.record_row(table, record), is_free, done),
            self._call_write(commit),
        ]
        is_free_or_ours = is_free | (table.holder == after.id)
        writes += (
            _Write(
                rows.lock_row(table, after.tenant, uid, after.id),
                is_free_or_ours,
                partial(_lock_held, uid),
            )
            for uid in sorted(commit.locks_taken)
        )
        if commit.before is None:
            tombstone = rows.tombstone_row(table, after)
            writes.append(_Write(tombstone, is_free, lambda item: ports.CallIdTaken()))
            writes += (
                _Write(row, is_free, lambda item: ports.NumberTaken())
                for row in rows.number_rows(table, after)
            )
        if after.is_live and not _is_armed_already(commit):
            writes.append(_Write(rows.wake_row(table, after), None, _conflict))
        told = [rows.event_row(table, event) for event in commit.events]
        told += (rows.effect_row(table, effect) for effect in commit.effects)
        writes += (_Write(row, None, _conflict) for row in told)
        return writes

    def _call_write(self, commit: Commit) -> _Write:
        row = rows.call_row(self._table, commit.after)
        if commit.before is None:
            is_new = self._table.pk.does_not_exist()
            return _Write(row, is_new, lambda item: ports.CallIdTaken())
        is_same = self._table.version == commit.before.version
        return _Write(row, is_same, _conflict)


@contextmanager
def _failures_typed() -> Iterator[None]:
    try:
        yield
    except DoesNotExist:
        raise
    except PynamoDBException as error:
        raise typed(error) or error from error


def _conflict(item: dict[str, Any]) -> ports.RepositoryError:
    return ports.Conflict()


def _is_armed_already(commit: Commit) -> bool:
    before = commit.before
    return before is not None and before.wake_at_ms == commit.after.wake_at_ms


def _lock_held(uid: str, item: dict[str, Any]) -> ports.RepositoryError:
    return ports.LocksHeld({uid: item["holder"]["S"]})


PRECEDENCE = (
    ports.AlreadyDone,
    ports.UnknownOutcome,
    ports.CallIdTaken,
    ports.Conflict,
    ports.LocksHeld,
    ports.NumberTaken,
)


def _most_telling(
    writes: Sequence[_Write], reasons: Sequence[CancellationReason | None]
) -> ports.RepositoryError | None:
    """Of all that cancelled a transaction, what the service must hear."""
    failures: list[ports.RepositoryError] = []
    holders: dict[str, str] = {}
    for write, reason in zip(writes, reasons, strict=False):
        if reason is None:
            continue
        if reason.code == CONDITION_FAILED:
            failure = write.on_failure(reason.raw_item or {})
        elif reason.code in THROTTLES:
            return ports.Throttled(reason.code)
        else:
            failure = ports.Conflict(reason.code)
        if isinstance(failure, ports.LocksHeld):
            holders.update(failure.holders)
        failures.append(failure)
    if not failures:
        return None
    first = min(failures, key=lambda failure: PRECEDENCE.index(type(failure)))
    return ports.LocksHeld(holders) if isinstance(first, ports.LocksHeld) else first
