"""Stream records become doorbells; what cannot be read stops nothing."""

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.dynamodb import bodies
from chalicelib.adapters.memory import MemoryBus
from chalicelib.protocol.control import Doorbell
from chalicelib.triggers import outbox
from tests.builders import commit, create


class RefusingBus(MemoryBus):
    def __init__(self, refused: list[int]) -> None:
        super().__init__()
        self.refused = refused

    def publish(self, doorbells: Any) -> list[int]:
        super().publish(doorbells)
        return self.refused


def record(number: int, body: Any) -> dict[str, Any]:
    return {
        "eventName": "INSERT",
        "dynamodb": {"SequenceNumber": str(number), "NewImage": {"body": body}},
    }


EVENT = commit(None, create()).events[0]
GOOD = {"S": bodies.dump_event(EVENT)}


def test_record_becomes_a_doorbell(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = MemoryBus()
    monkeypatch.setattr(bootstrap, "event_bus", lambda: bus)
    assert outbox.handler({"Records": [record(1, GOOD)]}, None) == {
        "batchItemFailures": []
    }
    assert bus.doorbells == [EVENT.doorbell]
    assert Doorbell.parse(bus.doorbells[0].render()) == EVENT.doorbell


@pytest.mark.parametrize(
    "poison", [{}, {"S": "{"}, {"S": "{}"}, {"S": '{"v":99}'}, {"S": "[]"}, None]
)
def test_record_that_cannot_be_read_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, poison: Any
) -> None:
    bus = MemoryBus()
    monkeypatch.setattr(bootstrap, "event_bus", lambda: bus)
    answer = outbox.handler({"Records": [record(1, poison), record(2, GOOD)]}, None)
    assert answer == {"batchItemFailures": []}
    assert len(bus.doorbells) == 1


def test_record_that_the_bus_refuses_is_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus = RefusingBus([1])
    monkeypatch.setattr(bootstrap, "event_bus", lambda: bus)
    records = [record(1, None), record(2, GOOD), record(3, GOOD)]
    assert outbox.handler({"Records": records}, None) == {
        "batchItemFailures": [{"itemIdentifier": "3"}]
    }
