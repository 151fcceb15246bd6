"""The repositories keep the contract on the emulated cloud's DynamoDB too."""

import uuid

import pytest
from pynamodb.connection import Connection

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.connections import DynamoDBConnections
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from infra.deployed import FAKE_AWS, REGION, Cloud
from tests.adapters.contract import LaneRepositoryContract, TallyRepositoryContract
from tests.adapters.fleet_contract import (
    FleetRepositoryContract,
    SessionRepositoryContract,
)
from tests.adapters.relay_contract import ConnectionRepositoryContract
from tests.adapters.tables import TableCallRepositoryContract, create_table

pytestmark = pytest.mark.cloud


@pytest.fixture
def table(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> type[Row]:
    """A table of the test's own, which no stream feeds to anybody."""
    for name, value in FAKE_AWS.items():
        monkeypatch.setenv(name, value)
    name = f"contract-{uuid.uuid4().hex}"
    create_table(cloud.client("dynamodb"), name)
    return rows.table(name, cloud.endpoint)


class TestCloudCalls(TableCallRepositoryContract):
    @pytest.fixture
    def calls(self, cloud: Cloud, table: type[Row]) -> DynamoDBCalls:
        self.table = table
        return DynamoDBCalls(table, Connection(region=REGION, host=cloud.endpoint))


class TestCloudLanes(LaneRepositoryContract):
    @pytest.fixture
    def lanes(self, table: type[Row]) -> DynamoDBLanes:
        return DynamoDBLanes(table)


class TestCloudTallies(TallyRepositoryContract):
    @pytest.fixture
    def tallies(self, table: type[Row]) -> DynamoDBTallies:
        return DynamoDBTallies(table)


class TestCloudFleet(FleetRepositoryContract):
    @pytest.fixture
    def fleet(self, table: type[Row]) -> DynamoDBFleet:
        return DynamoDBFleet(table)


class TestCloudSessions(SessionRepositoryContract):
    @pytest.fixture
    def fleet(self, table: type[Row]) -> DynamoDBFleet:
        return DynamoDBFleet(table)

    @pytest.fixture
    def calls(self, cloud: Cloud, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, Connection(region=REGION, host=cloud.endpoint))

    @pytest.fixture
    def repository(self, cloud: Cloud, table: type[Row]) -> DynamoDBSessions:
        connection = Connection(region=REGION, host=cloud.endpoint)
        return DynamoDBSessions(table, connection)


class TestCloudConnections(ConnectionRepositoryContract):
    @pytest.fixture
    def connections(self, table: type[Row]) -> DynamoDBConnections:
        return DynamoDBConnections(table)
