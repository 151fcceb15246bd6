"""The repositories in DynamoDB keep the contract, on moto."""

import pytest
from pynamodb.connection import Connection

from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.rows import Row
from tests.adapters.contract import CallRepositoryContract, LaneRepositoryContract


class TestDynamoDBCalls(CallRepositoryContract):
    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, Connection())


class TestDynamoDBLanes(LaneRepositoryContract):
    @pytest.fixture
    def lanes(self, table: type[Row]) -> DynamoDBLanes:
        return DynamoDBLanes(table)
