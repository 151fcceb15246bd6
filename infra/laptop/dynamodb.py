"""moto's DynamoDB made safe for threads, quick enough, and true to its word.

moto loses updates under threads, sorts the whole table for a query, copies it
for a transaction, ignores ClientRequestToken, puts the writes of a failed transaction
into the stream, and never lets go of an item that it has made.
"""

import copy
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from moto.core.common_models import BaseModel
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.dynamodb.exceptions import ERROR_TYPE_PREFIX, DynamodbException
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import StreamShard, Table
from moto.dynamodb.responses import DynamoHandler

from infra.laptop.environment import REGION
from infra.laptop.indexes import SparseIndexes
from infra.laptop.observation import Change
from infra.laptop.patching import replaced
from infra.laptop.rows import (
    image_of,
    items_of,
    key_of,
    put_back,
    stored_items,
    touched_rows,
)
from infra.laptop.tokens import ClientRequestTokens, TokenMismatch

FIRST_ERROR_STATUS = 400

Key = tuple[str, DynamoType, DynamoType | None]


class Database:
    """Every operation on every table, one after the other, under one lock."""

    def __init__(
        self,
        publish: Callable[[Sequence[Change]], None],
        now_seconds: Callable[[], float],
    ) -> None:
        """``publish`` is told of each commit: the changes that belong together."""
        self._publish = publish
        self._indexes = SparseIndexes()
        self._tokens = ClientRequestTokens(now_seconds)
        self._lock = threading.RLock()
        self._changes: dict[Key, Change] = {}
        self._is_transacting = False
        self._found: tuple[Table, list[Item]] | None = None

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Within the block moto's DynamoDB is this one."""
        with ExitStack() as stack:
            for owner, name, value in (
                (DynamoHandler, "call_action", self._call_action()),
                (DynamoHandler, "transact_write_items", self._honour_token()),
                (DynamoDBBackend, "transact_write_items", self._transact()),
                (Table, "query", self._query()),
                (Table, "all_items", self._all_items()),
                (Table, "__deepcopy__", self._deep_copy()),
                (StreamShard, "add", self._record()),
                (BaseModel, "__new__", staticmethod(_untracked)),
            ):
                stack.enter_context(replaced(owner, name, value))
            yield

    @contextmanager
    def operation(self) -> Iterator[None]:
        """One operation: its changes are published when it ends, if it succeeds."""
        with self._lock:
            self._changes.clear()
            try:
                yield
                # Under the lock, so that the stream has the order of the writes.
                changes = [c for c in self._changes.values() if c.old != c.new]
                if changes:
                    self._publish(changes)
            finally:
                self._changes.clear()

    def put_back(self, items: Iterable[Change]) -> None:
        """Hold ``items`` as if they had always been there: nobody is told."""
        tables = dynamodb_backends[DEFAULT_ACCOUNT_ID][REGION].tables
        with self._lock:
            for item in items:
                if item.table in tables and item.new is not None:
                    put_back(tables[item.table], item.new)

    def remove(self, table: Table, is_expired: Callable[[Item], bool]) -> int:
        """Delete as the service does what has expired; how many items that was."""
        with self.operation():
            expired = [item for item in stored_items(table) if is_expired(item)]
            for item in expired:
                table.delete_item(item.hash_key, item.range_key)
            for key, change in self._changes.items():
                self._changes[key] = replace(change, by_ttl=True)
        return len(expired)

    def _call_action(self) -> Callable[..., Any]:
        original = DynamoHandler.call_action

        def call_action(handler: DynamoHandler) -> Any:
            with self.operation():
                answer = original(handler)
                if answer[0] >= FIRST_ERROR_STATUS:
                    self._changes.clear()
                return answer

        return call_action

    def _honour_token(self) -> Callable[..., Any]:
        original = DynamoHandler.transact_write_items

        def transact_write_items(handler: DynamoHandler) -> Any:
            token = handler.body.get("ClientRequestToken")
            items = copy.deepcopy(handler.body["TransactItems"])
            try:
                if token and self._tokens.is_repeat(token, items):
                    return ActionResult({})
            except TokenMismatch:
                raise DynamodbException(
                    ERROR_TYPE_PREFIX + "IdempotentParameterMismatchException",
                    "The token was used with other parameters",
                ) from None
            answer = original(handler)
            if token:
                self._tokens.committed(token, items)
            return answer

        return transact_write_items

    def _transact(self) -> Callable[..., None]:
        original = DynamoDBBackend.transact_write_items

        def transact(backend: DynamoDBBackend, items: list[dict[str, Any]]) -> None:
            before = [
                (row, copy.deepcopy(row.read())) for row in touched_rows(backend, items)
            ]
            self._is_transacting = True
            try:
                original(backend, items)
            except BaseException:
                for row, item in before:
                    row.write(item)
                self._changes.clear()
                raise
            finally:
                self._is_transacting = False

        return transact

    def _deep_copy(self) -> Callable[[Table, dict[int, Any]], Table]:
        def deep_copy(table: Table, memo: dict[int, Any]) -> Table:
            # moto's backup for a roll-back, which `_transact` does by itself.
            if self._is_transacting:
                return table
            twin = memo[id(table)] = copy.copy(table)
            vars(twin).update(copy.deepcopy(vars(table), memo))
            return twin

        return deep_copy

    def _query(self) -> Callable[..., Any]:
        original = Table.query

        def query(
            table: Table, key: DynamoType | None, *more: Any, **named: Any
        ) -> Any:
            index = named.get("index_name") or next(iter(more[6:7]), None)
            if key is not None:
                # Through these moto looks as through all items, and sorts them.
                found = (
                    self._indexes.items(table, index, key)
                    if index
                    else items_of(table, key)
                )
                self._found = (table, found)
            try:
                return original(table, key, *more, **named)
            finally:
                self._found = None

        return query

    def _all_items(self) -> Callable[[Table], list[Item]]:
        original = Table.all_items

        def all_items(table: Table) -> list[Item]:
            if self._found is None or self._found[0] is not table:
                return original(table)
            return self._found[1]

        return all_items

    def _record(self) -> Callable[..., None]:
        def record(shard: StreamShard, old: Item | None, new: Item | None) -> None:
            item = new if new is not None else old
            assert item is not None
            table = shard.table
            self._indexes.note(table, item)
            key = (table.name, item.hash_key, item.range_key)
            # moto tells of an item that an update creates in two steps.
            first = self._changes.get(key)
            self._changes[key] = Change(
                table=table.name,
                keys=key_of(table, item),
                old=first.old if first else image_of(old),
                new=image_of(new),
            )

        return record


def _untracked(kind: type, *arguments: Any, **named: Any) -> Any:
    """moto keeps a list of every model ever made, for a page that nobody opens."""
    return object.__new__(kind)
