"""Ended calls, live calls and push tokens keep their contracts, in memory and moto."""

import json
from dataclasses import replace

import pytest

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.history import DynamoDBHistory, DynamoDBLiveCalls
from chalicelib.adapters.dynamodb.push_tokens import KEPT_SECONDS, DynamoDBPushTokens
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_history import (
    MemoryHistory,
    MemoryLiveCalls,
    MemoryPushTokens,
)
from tests.adapters.history_contract import (
    ENTRY,
    TOKEN,
    HistoryRepositoryContract,
    LiveCallsContract,
    PushTokenRepositoryContract,
)
from tests.builders import NOW_MS

DAY_SECONDS = 24 * 3600


class TestMemoryHistory(HistoryRepositoryContract):
    @pytest.fixture
    def history(self) -> MemoryHistory:
        return MemoryHistory()


class TestMemoryLiveCalls(LiveCallsContract):
    @pytest.fixture
    def store(self) -> Store:
        return Store()

    @pytest.fixture
    def calls(self, store: Store) -> MemoryCalls:
        return MemoryCalls(store)

    @pytest.fixture
    def live(self, store: Store) -> MemoryLiveCalls:
        return MemoryLiveCalls(store)


class TestMemoryPushTokens(PushTokenRepositoryContract):
    @pytest.fixture
    def tokens(self) -> MemoryPushTokens:
        return MemoryPushTokens()


class TestDynamoDBHistory(HistoryRepositoryContract):
    @pytest.fixture
    def history(self, table: type[Row]) -> DynamoDBHistory:
        return DynamoDBHistory(table)

    def test_rows_stand_at_the_tenant_and_at_each_member(
        self, table: type[Row], history: DynamoDBHistory
    ) -> None:
        history.keep(ENTRY)
        stored = {(row.pk, row.sk): row for row in table.scan()}
        (shard,) = (pk for pk, _ in stored if pk.startswith("HISTORY#default#"))
        assert shard.removeprefix("HISTORY#default#") in set("01234567")
        assert set(stored) == {
            (shard, f"{NOW_MS}#call-1"),
            ("USER#default#alice", f"CALL#{NOW_MS}#call-1"),
            ("USER#default#bob", f"CALL#{NOW_MS}#call-1"),
        }
        for row in stored.values():
            assert row.ttl == NOW_MS // 1000 + 90 * DAY_SECONDS
            assert row.body is not None and json.loads(row.body)["v"] == 1
            assert len(row.body) < 512, "a row is to cost one write"

    def test_lock_of_a_member_is_no_ended_call(
        self, table: type[Row], history: DynamoDBHistory
    ) -> None:
        rows.lock_row(table, "default", "alice", "call-9").save()
        history.keep(ENTRY)
        assert history.of_user("default", "alice", 0, 10) == (ENTRY,)


class TestDynamoDBLiveCalls(LiveCallsContract):
    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, rows.connection_of(table))

    @pytest.fixture
    def live(self, table: type[Row]) -> DynamoDBLiveCalls:
        return DynamoDBLiveCalls(table)


class TestDynamoDBPushTokens(PushTokenRepositoryContract):
    @pytest.fixture
    def tokens(self, table: type[Row]) -> DynamoDBPushTokens:
        return DynamoDBPushTokens(table)

    def test_rows_expire_when_the_app_does_not_come_back(
        self, table: type[Row], tokens: DynamoDBPushTokens
    ) -> None:
        tokens.keep(TOKEN)
        stored = list(table.scan())
        assert len(stored) == 2
        assert {row.ttl for row in stored} == {NOW_MS // 1000 + KEPT_SECONDS}

    def test_forgotten_token_leaves_nothing(
        self, table: type[Row], tokens: DynamoDBPushTokens
    ) -> None:
        tokens.keep(TOKEN)
        tokens.keep(replace(TOKEN, uid="carol"))
        tokens.forget(replace(TOKEN, uid="carol"))
        assert list(table.scan()) == []
