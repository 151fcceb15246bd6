"""Endpoints and announcements keep their contract, in memory and on moto."""

import logging
from collections.abc import Mapping
from dataclasses import replace

import pytest

from chalicelib.adapters.dynamodb import announcements, rows
from chalicelib.adapters.dynamodb.announcements import DynamoDBAnnouncer
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.endpoints import DynamoDBEndpoints, endpoint_keys
from chalicelib.adapters.dynamodb.health import DynamoDBHealth
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_delivery import MemoryHealth
from chalicelib.adapters.memory_endpoints import (
    MemoryAnnouncer,
    MemoryEndpoints,
    TakingPoster,
)
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.services import ports
from chalicelib.services.ports import Answer
from chalicelib.services.vault import VaultFailed
from tests.adapters.endpoints_contract import (
    FIXED,
    MADE,
    AnnouncerContract,
    EndpointRepositoryContract,
)
from tests.builders import NOW_MS, FakeDraws

KEY = "a-secret-of-at-least-thirty-two-bytes"


class TestMemoryEndpoints(EndpointRepositoryContract):
    @pytest.fixture
    def store(self) -> Store:
        return Store()

    @pytest.fixture
    def endpoints(self, store: Store) -> MemoryEndpoints:
        return MemoryEndpoints(store, FIXED)

    @pytest.fixture
    def health(self, store: Store) -> MemoryHealth:
        return MemoryHealth(store)


class TestDynamoDBEndpoints(EndpointRepositoryContract):
    @pytest.fixture
    def endpoints(self, table: type[Row]) -> DynamoDBEndpoints:
        return DynamoDBEndpoints(table, LocalVault(KEY, FakeDraws()), FIXED)

    @pytest.fixture
    def health(self, table: type[Row]) -> DynamoDBHealth:
        return DynamoDBHealth(table)

    def test_no_secret_stands_in_the_table(
        self, table: type[Row], endpoints: DynamoDBEndpoints
    ) -> None:
        endpoints.create("default", MADE)
        row = table.get(*endpoint_keys("default", MADE.id))
        for secret in (MADE.secret, MADE.previous_secret):
            assert secret not in (row.body or "")

    def test_secret_that_nobody_can_open_holds_up_no_other(
        self,
        table: type[Row],
        endpoints: DynamoDBEndpoints,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        other = DynamoDBEndpoints(table, LocalVault(KEY * 2, FakeDraws()), FIXED)
        other.create("default", MADE)
        mine = replace(MADE, id="ep_2")
        endpoints.create("default", mine)
        with caplog.at_level(logging.ERROR):
            found = {one.endpoint.id: one for one in endpoints.of_tenant("default")}
        assert found["ep_2"].endpoint == mine
        lost = found[MADE.id].endpoint
        assert (lost.secret, lost.url) == ("", MADE.url)
        assert "cannot be opened" in caplog.text
        changed = replace(lost, description="changed", version=2)
        endpoints.replace("default", lost, changed)
        rotated = changed.rotated("whsec_new", NOW_MS, 0)
        endpoints.replace("default", changed, rotated)
        again = endpoints.find("default", MADE.id)
        assert again is not None and again.endpoint.secret == "whsec_new"

    def test_vault_that_fails_for_now_is_told(self, table: type[Row]) -> None:
        class Closed(LocalVault):
            def open(self, sealed: str, context: Mapping[str, str]) -> str:
                raise VaultFailed("throttled")

        endpoints = DynamoDBEndpoints(table, Closed(KEY, FakeDraws()), FIXED)
        endpoints.create("default", MADE)
        with pytest.raises(VaultFailed):
            endpoints.of_tenant("default")


class TestMemoryAnnouncer(AnnouncerContract):
    @pytest.fixture
    def store(self) -> Store:
        return Store()

    @pytest.fixture
    def announcer(self, store: Store) -> MemoryAnnouncer:
        return MemoryAnnouncer(store)

    @pytest.fixture
    def calls(self, store: Store) -> MemoryCalls:
        return MemoryCalls(store)


class TestDynamoDBAnnouncer(AnnouncerContract):
    @pytest.fixture
    def announcer(self, table: type[Row]) -> DynamoDBAnnouncer:
        return DynamoDBAnnouncer(table)

    @pytest.fixture
    def calls(self, table: type[Row]) -> DynamoDBCalls:
        return DynamoDBCalls(table, rows.connection_of(table))

    def test_flood_is_throttled(
        self, announcer: DynamoDBAnnouncer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(announcements, "MOST_AT_ONCE", 1)
        data = {"endpoint_id": "ep_1"}
        announcer.announce("default", "webhook.exhausted", data, NOW_MS)
        with pytest.raises(ports.Throttled):
            announcer.announce("default", "webhook.exhausted", data, NOW_MS)


def test_business_in_memory_takes_everything() -> None:
    assert TakingPoster().post("https://a.example", {}, b"", 1.0) == Answer(200)
