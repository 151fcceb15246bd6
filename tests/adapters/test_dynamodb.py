"""The repositories in DynamoDB keep the contract, on moto."""

import pytest
from pynamodb.connection import Connection

from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.connections import (
    LIFETIME_SECONDS,
    SORT_KEY,
    DynamoDBConnections,
)
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from tests.adapters.contract import (
    LaneRepositoryContract,
    TallyRepositoryContract,
)
from tests.adapters.fleet_contract import (
    FleetRepositoryContract,
    SessionRepositoryContract,
)
from tests.adapters.relay_contract import (
    CONNECTION,
    ConnectionRepositoryContract,
)
from tests.adapters.tables import TableCallRepositoryContract


class TestDynamoDBCalls(TableCallRepositoryContract):
    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        self.table = table
        return DynamoDBCalls(table, Connection())


class TestDynamoDBLanes(LaneRepositoryContract):
    @pytest.fixture
    def lanes(self, table: type[Row]) -> DynamoDBLanes:
        return DynamoDBLanes(table)


class TestDynamoDBTallies(TallyRepositoryContract):
    @pytest.fixture
    def tallies(self, table: type[Row]) -> DynamoDBTallies:
        return DynamoDBTallies(table)


class TestDynamoDBFleet(FleetRepositoryContract):
    @pytest.fixture
    def fleet(self, table: type[Row]) -> DynamoDBFleet:
        return DynamoDBFleet(table)


class TestDynamoDBSessions(SessionRepositoryContract):
    @pytest.fixture
    def fleet(self, table: type[Row]) -> DynamoDBFleet:
        return DynamoDBFleet(table)

    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, Connection())

    @pytest.fixture
    def repository(self, table: type[Row]) -> DynamoDBSessions:
        return DynamoDBSessions(table, Connection())


class TestDynamoDBConnections(ConnectionRepositoryContract):
    @pytest.fixture
    def connections(self, table: type[Row]) -> DynamoDBConnections:
        return DynamoDBConnections(table)

    def test_connection_expires_after_the_longest_that_one_lives(
        self, table: type[Row], connections: DynamoDBConnections
    ) -> None:
        connections.keep(CONNECTION)
        row = table.get(f"CONN#{CONNECTION.connection_id}", SORT_KEY)
        assert row.ttl == CONNECTION.opened_at_ms // 1000 + LIFETIME_SECONDS
