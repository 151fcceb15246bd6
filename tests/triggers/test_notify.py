"""The bus rings once a commit, and everybody who wants to hears of it."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.domain.commands import Leave
from chalicelib.services.calls import CallService
from chalicelib.services.measures import Measure
from chalicelib.services.stories import Hearer, Story
from chalicelib.triggers import notify
from chalicelib.triggers.notify import HEARERS, NotHeard
from infra import wiring
from tests.builders import FakeClock, FakeDraws, create


class Ear:
    """A hearer that fails if it was told to."""

    def __init__(self, is_deaf: bool = False) -> None:
        self.is_deaf = is_deaf
        self.heard: list[Story] = []

    def hear(self, story: Story) -> None:
        self.heard.append(story)
        if self.is_deaf:
            raise RuntimeError("deaf")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> MemoryCalls:
    repository = MemoryCalls(Store())
    service = CallService(repository, FakeClock(), FakeDraws())
    service.act("default", "call-1", create())
    service.act("default", "call-1", Leave("alice"))
    monkeypatch.setattr(bootstrap, "outbox_reader", lambda: repository)
    return repository


def hearers(**ears: Ear) -> dict[str, Callable[[], Hearer]]:
    def giving(ear: Ear) -> Callable[[], Hearer]:
        return lambda: ear

    return {name: giving(ear) for name, ear in ears.items()}


def rung(calls: MemoryCalls, **changes: Any) -> dict[str, Any]:
    *_, last = calls.outbox("default", "call-1", 1)
    return {"detail": {**last.doorbell.render(), **changes}}


def test_hand_the_whole_commit_to_every_hearer(
    calls: MemoryCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Ear(), Ear()
    monkeypatch.setattr(notify, "HEARERS", hearers(first=first, second=second))
    notify.handler(rung(calls), None)
    (story,) = first.heard
    assert second.heard == [story]
    assert [event.type for event in story] == [
        "participant.cancelled",
        "room.finished",
    ]


class Told:
    """A `Meter` that remembers."""

    def __init__(self) -> None:
        self.measures: list[Measure] = []

    def tell(self, values: Mapping[Measure, float]) -> None:
        self.measures += values


@pytest.mark.parametrize("is_deaf", [False, True])
def test_measure_the_pushes_that_were_posted(
    is_deaf: bool, calls: MemoryCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, ears = Told(), hearers(pushes=Ear(is_deaf), other=Ear())
    monkeypatch.setattr(notify, "HEARERS", ears)
    monkeypatch.setattr(bootstrap, "meter", lambda: told)
    with pytest.raises(NotHeard) if is_deaf else nullcontext():
        notify.handler(rung(calls), None)
    # The story is years old by the clock of whoever runs this.
    assert told.measures == ([] if is_deaf else [Measure.COMMIT_TO_PUSH])


def test_fail_at_the_end_when_one_has_failed(
    calls: MemoryCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    deaf, other = Ear(is_deaf=True), Ear()
    monkeypatch.setattr(notify, "HEARERS", hearers(deaf=deaf, other=other))
    with pytest.raises(NotHeard, match="deaf"):
        notify.handler(rung(calls), None)
    assert len(other.heard) == 1


def test_tell_nobody_of_what_is_forgotten(
    calls: MemoryCalls, monkeypatch: pytest.MonkeyPatch
) -> None:
    ear = Ear()
    monkeypatch.setattr(notify, "HEARERS", hearers(ear=ear))
    notify.handler(rung(calls, call_id="forgotten"), None)
    assert ear.heard == []


def test_devices_are_among_the_hearers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pushes" in HEARERS
    ear = Ear()
    monkeypatch.setattr(bootstrap, "pushes", lambda: ear)
    assert HEARERS["pushes"]() is ear


def test_rule_rings_once_a_commit() -> None:
    (rule,) = (rule for rule in wiring.RULES if rule.function == wiring.NOTIFY.name)
    assert rule.pattern["detail"] == {"is_last": [True]}
