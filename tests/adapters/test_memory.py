"""The repositories in memory keep the contract."""

import pytest

from chalicelib.adapters.memory import MemoryCalls, MemoryLanes, Store
from tests.adapters.contract import CallRepositoryContract, LaneRepositoryContract


class TestMemoryCalls(CallRepositoryContract):
    @pytest.fixture
    def calls(self) -> MemoryCalls:
        return MemoryCalls(Store())


class TestMemoryLanes(LaneRepositoryContract):
    @pytest.fixture
    def lanes(self) -> MemoryLanes:
        return MemoryLanes(Store())
