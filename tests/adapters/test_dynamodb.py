"""The repositories in DynamoDB keep the contract, on moto."""

import pytest

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.connections import (
    LIFETIME_SECONDS,
    SORT_KEY,
    DynamoDBConnections,
)
from chalicelib.adapters.dynamodb.devices import DynamoDBDevices, DynamoDBTickets
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from chalicelib.adapters.dynamodb.keys import DynamoDBKeys
from chalicelib.adapters.dynamodb.limits import KEPT_SECONDS, DynamoDBWindows
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.dynamodb.tallies import DynamoDBTallies
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.identity.keys import KEPT_MS, KeyService, Wanted
from tests.adapters.contract import TallyRepositoryContract
from tests.adapters.device_contract import (
    DeviceRepositoryContract,
    TicketRepositoryContract,
)
from tests.adapters.fleet_contract import (
    FleetRepositoryContract,
    SessionRepositoryContract,
)
from tests.adapters.identity_contract import (
    KEY,
    OTHER,
    WINDOW,
    KeyRepositoryContract,
    WindowRepositoryContract,
)
from tests.adapters.relay_contract import (
    CONNECTION,
    ConnectionRepositoryContract,
)
from tests.adapters.tables import TableCallRepositoryContract
from tests.builders import NOW_MS, FakeClock, FakeDraws


class TestDynamoDBCalls(TableCallRepositoryContract):
    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        self.table = table
        return DynamoDBCalls(table, rows.connection_of(table))


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
        return DynamoDBCalls(table, rows.connection_of(table))

    @pytest.fixture
    def repository(self, table: type[Row]) -> DynamoDBSessions:
        return DynamoDBSessions(table, rows.connection_of(table))


class TestDynamoDBDevices(DeviceRepositoryContract):
    @pytest.fixture
    def devices(self, table: type[Row]) -> DynamoDBDevices:
        return DynamoDBDevices(table, rows.connection_of(table))


class TestDynamoDBTickets(TicketRepositoryContract):
    @pytest.fixture
    def tickets(self, table: type[Row]) -> DynamoDBTickets:
        return DynamoDBTickets(table)


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


class TestDynamoDBKeys(KeyRepositoryContract):
    @pytest.fixture
    def keys(self, table: type[Row]) -> DynamoDBKeys:
        return DynamoDBKeys(table)

    def test_key_is_kept_a_while_after_its_end(
        self, table: type[Row], keys: DynamoDBKeys
    ) -> None:
        for key in (KEY, OTHER):
            keys.add(key)
        kept = KEPT_MS // 1000
        assert table.get("KEYS#default", KEY.id).ttl == NOW_MS // 1000 + 60 + kept
        assert table.get("KEYS#default", OTHER.id).ttl is None
        keys.revoke(OTHER.revoked(NOW_MS + 1))
        assert table.get("KEYS#default", OTHER.id).ttl == NOW_MS // 1000 + 1 + kept

    def test_secret_is_stored_nowhere(
        self, table: type[Row], keys: DynamoDBKeys
    ) -> None:
        service = KeyService(keys, FakeClock(), FakeDraws())
        admin = Principal("default", "root", Role.ADMIN)
        _, text = service.create(admin, Wanted("shop"))
        assert service.verify(text)
        secret = text.rpartition(".")[2]
        stored = [str(row.attribute_values) for row in table.scan()]
        assert stored and not any(secret in row for row in stored)


class TestDynamoDBWindows(WindowRepositoryContract):
    @pytest.fixture
    def windows(self, table: type[Row]) -> DynamoDBWindows:
        return DynamoDBWindows(table)

    def test_count_expires_after_its_window(
        self, table: type[Row], windows: DynamoDBWindows
    ) -> None:
        windows.take("default", "alice", WINDOW, 10, 25)
        row = table.get("RATE#default#alice", str(WINDOW))
        assert row.ttl == (WINDOW + 1) * 60 + KEPT_SECONDS
