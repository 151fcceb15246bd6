"""Both ways to erase a user keep the contract; and DynamoDB's own, on moto."""

import json
from typing import Any

import pytest

from chalicelib.adapters.dynamodb import erasure as by_kind
from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.calls import DynamoDBCalls
from chalicelib.adapters.dynamodb.connections import DynamoDBConnections
from chalicelib.adapters.dynamodb.devices import DynamoDBDevices, DynamoDBTickets
from chalicelib.adapters.dynamodb.erasure import KINDS, NAMELESS, DynamoDBErasure
from chalicelib.adapters.dynamodb.history import DynamoDBHistory
from chalicelib.adapters.dynamodb.keys import DynamoDBKeys
from chalicelib.adapters.dynamodb.limits import DynamoDBWindows
from chalicelib.adapters.dynamodb.push_tokens import DynamoDBPushTokens
from chalicelib.adapters.dynamodb.rows import Row
from chalicelib.adapters.dynamodb.sessions import DynamoDBSessions
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_devices import MemoryDevices, MemoryTickets
from chalicelib.adapters.memory_erasure import MemoryErasure, StoreHolder
from chalicelib.adapters.memory_fleet import MemorySessions
from chalicelib.adapters.memory_history import MemoryHistory, MemoryPushTokens
from chalicelib.adapters.memory_identity import MemoryKeys, MemoryWindows
from chalicelib.adapters.memory_relay import MemoryConnections
from chalicelib.services.ports import Conflict
from tests.adapters.erasure_contract import (
    SUBJECT,
    ZOE,
    ErasureContract,
    Everything,
)


class TestMemoryErasure(ErasureContract):
    @pytest.fixture
    def everything(self) -> Everything:
        self.store = Store()
        history, tokens, keys = MemoryHistory(), MemoryPushTokens(), MemoryKeys()
        devices, tickets = MemoryDevices(), MemoryTickets()
        windows, connections = MemoryWindows(), MemoryConnections()
        others = (history, tokens, keys, devices, tickets, windows, connections)
        return Everything(
            MemoryCalls(self.store),
            history,
            MemorySessions(self.store),
            devices,
            tickets,
            tokens,
            keys,
            windows,
            connections,
            MemoryErasure((StoreHolder(self.store), *others)),
        )

    def texts(self, everything: Everything) -> list[str]:
        held = [
            vars(one) for one in vars(everything).values() if hasattr(one, "__dict__")
        ]
        mine = [
            f"{name}: {kept!r}"
            for one in held
            for name, kept in one.items()
            if isinstance(kept, dict) and kept
        ]
        return mine + [
            f"{name}: {key!r} {value!r}"
            for name, kept in vars(self.store).items()
            if isinstance(kept, dict)
            for key, value in kept.items()
        ]

    def test_nothing_is_behind_the_end(self) -> None:
        assert MemoryErasure(()).erase(SUBJECT, "").following == ""


class TestDynamoDBErasure(ErasureContract):
    @pytest.fixture
    def everything(
        self, table: type[Row], monkeypatch: pytest.MonkeyPatch
    ) -> Everything:
        monkeypatch.setattr(by_kind, "PIECE", 20)
        self.table = table
        connection = rows.connection_of(table)
        return Everything(
            DynamoDBCalls(table, connection),
            DynamoDBHistory(table),
            DynamoDBSessions(table, connection),
            DynamoDBDevices(table, connection),
            DynamoDBTickets(table),
            DynamoDBPushTokens(table),
            DynamoDBKeys(table),
            DynamoDBWindows(table),
            DynamoDBConnections(table),
            DynamoDBErasure(table, connection),
        )

    def texts(self, everything: Everything) -> list[str]:
        return [
            json.dumps(row.serialize(), ensure_ascii=False, sort_keys=True)
            for row in self.table.scan(consistent_read=True)
        ]

    def test_every_kind_of_item_is_known(self, everything: Everything) -> None:
        everything.live("default")
        found = {row.pk.partition("#")[0] for row in self.table.scan()}
        assert found - set(KINDS) - NAMELESS == set()
        assert not set(KINDS) & NAMELESS

    def test_item_that_others_write_is_looked_at_again(
        self, everything: Everything, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everything.live("default")
        races = _Races(monkeypatch, 1)
        everything.erase(SUBJECT)
        assert races.lost == 1
        assert not [text for text in self.texts(everything) if ZOE[:3] in text]

    def test_item_that_others_write_again_and_again_is_told(
        self, everything: Everything, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everything.live("default")
        _Races(monkeypatch, 99)
        with pytest.raises(Conflict):
            everything.erase(SUBJECT)

    def test_item_that_is_gone_meanwhile_needs_nothing(
        self, everything: Everything, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        everything.live("default")
        races = _Races(monkeypatch, 1, deletes=True)
        everything.erase(SUBJECT)
        assert races.lost == 1


class _Races:
    """Somebody else is first, so many times."""

    def __init__(
        self, patch: pytest.MonkeyPatch, times: int, deletes: bool = False
    ) -> None:
        self.lost = 0
        original = DynamoDBErasure._carry_out

        def carry_out(erasure: DynamoDBErasure, row: Row, verdict: Any) -> bool:
            if isinstance(verdict, by_kind.Keep) or self.lost >= times:
                return original(erasure, row, verdict)
            self.lost += 1
            if deletes:
                row.delete()
            raise Conflict("another was first")

        patch.setattr(DynamoDBErasure, "_carry_out", carry_out)
