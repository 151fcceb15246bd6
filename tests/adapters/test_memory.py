"""The repositories in memory keep the contract."""

import pytest

from chalicelib.adapters.memory import (
    MemoryCalls,
    MemoryLanes,
    MemoryTallies,
    Store,
)
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.adapters.memory_relay import MemoryConnections
from chalicelib.services.ports import CallRepository, OutboxEvent
from tests.adapters.contract import (
    CallRepositoryContract,
    LaneRepositoryContract,
    TallyRepositoryContract,
)
from tests.adapters.fleet_contract import (
    FleetRepositoryContract,
    SessionRepositoryContract,
)
from tests.adapters.relay_contract import ConnectionRepositoryContract


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


class TestMemoryConnections(ConnectionRepositoryContract):
    @pytest.fixture
    def connections(self) -> MemoryConnections:
        return MemoryConnections()
