"""The repositories in memory keep the contract."""

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_delivery import (
    FixedEndpoints,
    MemoryFailures,
    MemoryHealth,
    MemoryLanes,
    MemoryTallies,
)
from chalicelib.adapters.memory_devices import MemoryDevices, MemoryTickets
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.adapters.memory_identity import MemoryKeys, MemoryWindows
from chalicelib.adapters.memory_relay import MemoryConnections
from chalicelib.services.ports import CallRepository, Conflict, OutboxEvent
from tests.adapters.contract import CallRepositoryContract, TallyRepositoryContract
from tests.adapters.delivery_contract import (
    FailureLogContract,
    HealthRepositoryContract,
    LaneRepositoryContract,
)
from tests.adapters.device_contract import (
    DeviceRepositoryContract,
    TicketRepositoryContract,
)
from tests.adapters.fleet_contract import (
    FleetRepositoryContract,
    SessionRepositoryContract,
)
from tests.adapters.identity_contract import (
    KeyRepositoryContract,
    WindowRepositoryContract,
)
from tests.adapters.relay_contract import ConnectionRepositoryContract
from tests.services.deliverers import SHOP


class TestMemoryCalls(CallRepositoryContract):
    store: Store

    @pytest.fixture
    def calls(self) -> MemoryCalls:
        self.store = Store()
        return MemoryCalls(self.store)

    def forget(self, calls: CallRepository) -> None:
        del self.store.calls["default", "call-1"]

    def effects(self, calls: CallRepository) -> list[OutboxEvent]:
        return list(self.store.effects.values())


class TestMemoryLanes(LaneRepositoryContract):
    @pytest.fixture
    def lanes(self) -> MemoryLanes:
        return MemoryLanes(Store())


class TestMemoryHealth(HealthRepositoryContract):
    @pytest.fixture
    def store(self) -> Store:
        return Store()

    @pytest.fixture
    def health(self, store: Store) -> MemoryHealth:
        return MemoryHealth(store)

    @pytest.fixture
    def endpoints(self, store: Store) -> FixedEndpoints:
        return FixedEndpoints({"default": (SHOP,)}, store)

    def test_fixed_endpoints_stay_as_they_are(self, endpoints: FixedEndpoints) -> None:
        with pytest.raises(Conflict):
            endpoints.create("default", SHOP)
        with pytest.raises(Conflict):
            endpoints.replace("default", SHOP, SHOP)
        assert not endpoints.delete("default", "shop")


class TestMemoryFailures(FailureLogContract):
    @pytest.fixture
    def failures(self) -> MemoryFailures:
        return MemoryFailures()


class TestMemoryTallies(TallyRepositoryContract):
    @pytest.fixture
    def tallies(self) -> MemoryTallies:
        return MemoryTallies()


class TestMemoryFleet(FleetRepositoryContract):
    @pytest.fixture
    def fleet(self) -> MemoryFleet:
        return MemoryFleet(Store())


class TestMemorySessions(SessionRepositoryContract):
    @pytest.fixture
    def store(self) -> Store:
        return Store()

    @pytest.fixture
    def fleet(self, store: Store) -> MemoryFleet:
        return MemoryFleet(store)

    @pytest.fixture
    def calls(self, store: Store) -> MemoryCalls:
        return MemoryCalls(store)

    @pytest.fixture
    def repository(self, store: Store) -> MemorySessions:
        return MemorySessions(store)


class TestMemoryDevices(DeviceRepositoryContract):
    @pytest.fixture
    def devices(self) -> MemoryDevices:
        return MemoryDevices()


class TestMemoryTickets(TicketRepositoryContract):
    @pytest.fixture
    def tickets(self) -> MemoryTickets:
        return MemoryTickets()


class TestMemoryConnections(ConnectionRepositoryContract):
    @pytest.fixture
    def connections(self) -> MemoryConnections:
        return MemoryConnections()


class TestMemoryKeys(KeyRepositoryContract):
    @pytest.fixture
    def keys(self) -> MemoryKeys:
        return MemoryKeys()


class TestMemoryWindows(WindowRepositoryContract):
    @pytest.fixture
    def windows(self) -> MemoryWindows:
        return MemoryWindows()
