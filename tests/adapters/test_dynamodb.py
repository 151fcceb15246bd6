"""The repositories in DynamoDB keep the contract, on moto."""

import pytest
from pynamodb.connection import Connection

from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
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
