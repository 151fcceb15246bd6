"""What deliverers keep in DynamoDB keeps the contract, on moto."""

import pytest

from chalicelib.adapters.dynamodb.endpoints import DynamoDBEndpoints
from chalicelib.adapters.dynamodb.failures_log import KEPT_SECONDS, DynamoDBFailures
from chalicelib.adapters.dynamodb.health import DynamoDBHealth
from chalicelib.adapters.dynamodb.lanes import DynamoDBLanes
from chalicelib.adapters.dynamodb.rows import EVENT_RETENTION_SECONDS, Row, lane_keys
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.services.ports import Throttled
from tests.adapters.delivery_contract import (
    KEY,
    REFUSED,
    TAKEN,
    FailureLogContract,
    HealthRepositoryContract,
    LaneRepositoryContract,
)
from tests.builders import NOW_MS, FakeDraws
from tests.services.deliverers import SHOP


class TestDynamoDBLanes(LaneRepositoryContract):
    @pytest.fixture
    def lanes(self, table: type[Row]) -> DynamoDBLanes:
        return DynamoDBLanes(table)

    def test_every_lane_expires(self, table: type[Row], lanes: DynamoDBLanes) -> None:
        lanes.note(KEY, (TAKEN,))
        noted = NOW_MS // 1000 + EVENT_RETENTION_SECONDS
        assert table.get(*lane_keys(KEY)).ttl == noted
        lanes.lease(KEY, 1, NOW_MS + 9_000, NOW_MS + 10_000, "mine")
        leased = NOW_MS // 1000 + 9 + EVENT_RETENTION_SECONDS
        assert table.get(*lane_keys(KEY)).ttl == leased

    def test_failure_that_is_no_lost_race_is_raised(
        self, lanes: DynamoDBLanes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lane = lanes.lease(KEY, 1, NOW_MS, NOW_MS + 1000, "mine")
        assert lane is not None

        def throttled(*args: object, **kwargs: object) -> None:
            raise Throttled

        monkeypatch.setattr(Row, "update", throttled)
        with pytest.raises(Throttled):
            lanes.settle(lane, 2, ())


class TestDynamoDBHealth(HealthRepositoryContract):
    @pytest.fixture
    def health(self, table: type[Row]) -> DynamoDBHealth:
        return DynamoDBHealth(table)

    @pytest.fixture
    def endpoints(self, table: type[Row]) -> DynamoDBEndpoints:
        vault = LocalVault("a-secret-of-at-least-thirty-two-bytes", FakeDraws())
        return DynamoDBEndpoints(table, vault, {"default": (SHOP,)})

    def test_slots_are_not_read_with_the_endpoints(
        self, health: DynamoDBHealth, endpoints: DynamoDBEndpoints
    ) -> None:
        assert health.take_slot("default", "shop", 0, "a", NOW_MS, NOW_MS + 1)
        assert [one.endpoint for one in endpoints.of_tenant("default")] == [SHOP]


class TestDynamoDBFailures(FailureLogContract):
    @pytest.fixture
    def failures(self, table: type[Row]) -> DynamoDBFailures:
        return DynamoDBFailures(table)

    def test_failure_expires(
        self, table: type[Row], failures: DynamoDBFailures
    ) -> None:
        failures.add("default", "shop", "call-1", (REFUSED,), False)
        (row,) = table.query("FAILED#default#shop")
        assert row.ttl == REFUSED.at_ms // 1000 + KEPT_SECONDS
