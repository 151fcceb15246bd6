"""Handlers of the three wakes, as Lambda calls them."""

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.protocol.control import Doorbell
from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.services import agenda
from chalicelib.services.facts import instant
from chalicelib.services.measures import Measure
from chalicelib.services.roster import Roster
from chalicelib.services.wakes import Ring
from chalicelib.triggers import effects, timers
from tests.builders import NOW_MS


class FakeWakes:
    """Remembers who was looked at; one call cannot be."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.measures: list[Measure] = []

    def ring(self, tenant: str, call_id: str) -> Ring:
        self.seen.append((tenant, call_id))
        return Ring(NOW_MS, is_over=False)

    def expired(self, tenant: str, call_id: str) -> None:
        if call_id == "broken":
            raise RuntimeError("broken")
        self.seen.append((tenant, call_id))

    def look(self) -> Roster:
        self.seen.append("fleet")
        return Roster()

    def tell(self, values: Mapping[Measure, float]) -> None:
        self.measures += values

    def sweep(self, shard: int, deliveries: object) -> int:
        self.seen.append(shard)
        return 1


@pytest.fixture
def wakes(monkeypatch: pytest.MonkeyPatch) -> FakeWakes:
    fake = FakeWakes()
    monkeypatch.setattr(bootstrap, "wakes", lambda: fake)
    monkeypatch.setattr(bootstrap, "deliveries", lambda: None)
    monkeypatch.setattr(bootstrap, "fleet", lambda: fake)
    monkeypatch.setattr(bootstrap, "meter", lambda: fake)
    return fake


def test_wake_answers_the_next_state_of_the_machine(wakes: FakeWakes) -> None:
    event = {"v": 1, "tenant": "acme", "call_id": "a#b", "wake_at": instant(0)}
    assert timers.wake(event, None) == {
        "v": 1,
        "tenant": "acme",
        "call_id": "a#b",
        "wake_at": "2023-11-14T22:13:20.000Z",
        "is_over": False,
    }


def test_wake_understands_the_machine_of_the_release_before(wakes: FakeWakes) -> None:
    event = {"tenant": "acme", "call_id": "a#b", "wake_at": instant(0)}
    assert timers.wake(event, None) == timers.wake({"v": 1, **event}, None)
    with pytest.raises(UnknownVersion):
        timers.wake({"v": 9, **event}, None)


def test_sweep_looks_at_every_shard(wakes: FakeWakes) -> None:
    timers.sweep({}, None)
    assert wakes.seen.pop(0) == "fleet"
    assert Measure.WORKERS in wakes.measures
    assert sorted(wakes.seen) == list(range(agenda.SHARDS))


def test_sweep_goes_on_without_the_fleet(
    wakes: FakeWakes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fleet() -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(bootstrap, "fleet", fleet)
    timers.sweep({}, None)
    assert sorted(wakes.seen) == list(range(agenda.SHARDS))


def removal(number: int, key: str) -> dict[str, Any]:
    keys = {"pk": {"S": key}, "sk": {"S": "WAKE"}}
    return {"dynamodb": {"SequenceNumber": str(number), "Keys": keys}}


def test_expired_wakes_the_calls_beside(wakes: FakeWakes) -> None:
    records = [removal(1, "CALL#acme#a#b"), removal(2, "CALL#default#c")]
    answer = timers.expired({"Records": records}, None)
    assert answer == {"batchItemFailures": []}
    assert wakes.seen == [("acme", "a#b"), ("default", "c")]


def test_expired_that_cannot_be_heard_is_sent_again(wakes: FakeWakes) -> None:
    records = [removal(1, "CALL#default#a"), removal(2, "CALL#default#broken")]
    answer = timers.expired({"Records": records}, None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_perform_hears_the_effect_of_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    performed: list[Doorbell] = []

    class Fake:
        perform = staticmethod(performed.append)

    monkeypatch.setattr(bootstrap, "effects", Fake)
    effect = Doorbell("default", "call-1", 0, "e1", "effect.delete_room", 5, {})
    effects.perform({"detail": effect.render()}, None)
    assert performed == [effect]
