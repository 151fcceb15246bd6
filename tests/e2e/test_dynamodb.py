"""The repositories keep the contract on the emulated cloud's DynamoDB too."""

import uuid
from collections.abc import Iterator

import pytest

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.announcements import DynamoDBAnnouncer
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.connections import DynamoDBConnections
from chalicelib.adapters.dynamodb.devices import DynamoDBDevices, DynamoDBTickets
from chalicelib.adapters.dynamodb.endpoints import DynamoDBEndpoints
from chalicelib.adapters.dynamodb.failures_log import DynamoDBFailures
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.health import DynamoDBHealth
from chalicelib.adapters.dynamodb.history import DynamoDBHistory, DynamoDBLiveCalls
from chalicelib.adapters.dynamodb.keys import DynamoDBKeys
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.limits import DynamoDBWindows
from chalicelib.adapters.dynamodb.push_tokens import DynamoDBPushTokens
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from chalicelib.adapters.repetitions import StoredRepetitions
from chalicelib.adapters.vault_local import LocalVault
from infra.deployed import FAKE_AWS, Cloud
from tests.adapters.contract import TallyRepositoryContract
from tests.adapters.delivery_contract import (
    FailureLogContract,
    HealthRepositoryContract,
    LaneRepositoryContract,
)
from tests.adapters.device_contract import (
    DeviceRepositoryContract,
    TicketRepositoryContract,
)
from tests.adapters.endpoints_contract import (
    FIXED,
    AnnouncerContract,
    EndpointRepositoryContract,
)
from tests.adapters.fleet_contract import (
    FleetRepositoryContract,
    SessionRepositoryContract,
)
from tests.adapters.history_contract import (
    HistoryRepositoryContract,
    LiveCallsContract,
    PushTokenRepositoryContract,
)
from tests.adapters.identity_contract import (
    KeyRepositoryContract,
    WindowRepositoryContract,
)
from tests.adapters.relay_contract import ConnectionRepositoryContract
from tests.adapters.repetition_contract import RepetitionsContract
from tests.adapters.tables import TableCallRepositoryContract, create_table
from tests.builders import FakeClock, FakeDraws
from tests.services.deliverers import SHOP

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def tests_table(cloud: Cloud) -> Iterator[type[Row]]:
    """One of these tests' own, which no stream feeds to anybody."""
    name = f"contract-{uuid.uuid4().hex}"
    create_table(cloud.client("dynamodb"), name)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in FAKE_AWS.items():
            patch.setenv(variable, value)
        yield rows.table(name, cloud.endpoint)


@pytest.fixture
def table(tests_table: type[Row]) -> type[Row]:
    """With nothing in it: to make one, and a client of it, takes longer."""
    with tests_table.batch_write() as batch:
        for row in tests_table.scan():
            batch.delete(row)
    return tests_table


class TestCloudCalls(TableCallRepositoryContract):
    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        self.table = table
        return DynamoDBCalls(table, rows.connection_of(table))


class TestCloudHealth(HealthRepositoryContract):
    @pytest.fixture
    def health(self, table: type[Row]) -> DynamoDBHealth:
        return DynamoDBHealth(table)

    @pytest.fixture
    def endpoints(self, table: type[Row]) -> DynamoDBEndpoints:
        vault = LocalVault("a-secret-of-at-least-thirty-two-bytes", FakeDraws())
        return DynamoDBEndpoints(table, vault, {"default": (SHOP,)})


class TestCloudFailures(FailureLogContract):
    @pytest.fixture
    def failures(self, table: type[Row]) -> DynamoDBFailures:
        return DynamoDBFailures(table)


class TestCloudEndpoints(EndpointRepositoryContract):
    @pytest.fixture
    def endpoints(self, table: type[Row]) -> DynamoDBEndpoints:
        vault = LocalVault("a-secret-of-at-least-thirty-two-bytes", FakeDraws())
        return DynamoDBEndpoints(table, vault, FIXED)

    @pytest.fixture
    def health(self, table: type[Row]) -> DynamoDBHealth:
        return DynamoDBHealth(table)


class TestCloudAnnouncer(AnnouncerContract):
    @pytest.fixture
    def announcer(self, table: type[Row]) -> DynamoDBAnnouncer:
        return DynamoDBAnnouncer(table)

    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, rows.connection_of(table))


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
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, rows.connection_of(table))

    @pytest.fixture
    def repository(self, table: type[Row]) -> DynamoDBSessions:
        connection = rows.connection_of(table)
        return DynamoDBSessions(table, connection)


class TestCloudDevices(DeviceRepositoryContract):
    @pytest.fixture
    def devices(self, table: type[Row]) -> DynamoDBDevices:
        return DynamoDBDevices(table, rows.connection_of(table))


class TestCloudTickets(TicketRepositoryContract):
    @pytest.fixture
    def tickets(self, table: type[Row]) -> DynamoDBTickets:
        return DynamoDBTickets(table)


class TestCloudConnections(ConnectionRepositoryContract):
    @pytest.fixture
    def connections(self, table: type[Row]) -> DynamoDBConnections:
        return DynamoDBConnections(table)


class TestCloudHistory(HistoryRepositoryContract):
    @pytest.fixture
    def history(self, table: type[Row]) -> DynamoDBHistory:
        return DynamoDBHistory(table)


class TestCloudLiveCalls(LiveCallsContract):
    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, rows.connection_of(table))

    @pytest.fixture
    def live(self, table: type[Row]) -> DynamoDBLiveCalls:
        return DynamoDBLiveCalls(table)


class TestCloudPushTokens(PushTokenRepositoryContract):
    @pytest.fixture
    def tokens(self, table: type[Row]) -> DynamoDBPushTokens:
        return DynamoDBPushTokens(table)


class TestCloudKeys(KeyRepositoryContract):
    @pytest.fixture
    def keys(self, table: type[Row]) -> DynamoDBKeys:
        return DynamoDBKeys(table)


class TestCloudWindows(WindowRepositoryContract):
    @pytest.fixture
    def windows(self, table: type[Row]) -> DynamoDBWindows:
        return DynamoDBWindows(table)


class TestCloudRepetitions(RepetitionsContract):
    @pytest.fixture
    def clock(self) -> FakeClock:
        return FakeClock()

    @pytest.fixture
    def repetitions(self, table: type[Row], clock: FakeClock) -> StoredRepetitions:
        draws = FakeDraws()
        vault = LocalVault("a-secret-of-at-least-thirty-two-bytes", draws)
        return StoredRepetitions(table, vault, clock, draws)
