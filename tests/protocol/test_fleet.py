"""What workers post, and what they are answered, go both ways."""

from typing import Any

import pytest

from chalicelib.protocol.envelope import UnknownVersion
from chalicelib.protocol.fleet import MOST_FACTS, Facts, Heartbeat
from chalicelib.protocol.lease import Drain, MalformedMessage
from tests.adapters.fleet_contract import ended, lease, order, started


@pytest.mark.parametrize(
    "heartbeat",
    [
        Heartbeat(),
        Heartbeat(again_in_ms=40),
        Heartbeat((lease(), lease("w2")), (order(), Drain("w1", 1, 5))),
    ],
)
def test_heartbeat_goes_both_ways(heartbeat: Heartbeat) -> None:
    assert Heartbeat.parse(heartbeat.render()) == heartbeat


def test_heartbeat_carries_no_facts() -> None:
    value = {**Heartbeat().render(), "orders": [started().render()]}
    with pytest.raises(MalformedMessage):
        Heartbeat.parse(value)


def test_facts_go_both_ways() -> None:
    facts = Facts((started(), ended()))
    assert Facts.parse(facts.render()) == facts


@pytest.mark.parametrize(
    "facts", [[order().render()], [started().render()] * (MOST_FACTS + 1)]
)
def test_facts_are_of_sessions_and_not_endless(facts: list[Any]) -> None:
    with pytest.raises(MalformedMessage):
        Facts.parse({**Facts(()).render(), "facts": facts})


def test_other_versions_are_refused() -> None:
    with pytest.raises(UnknownVersion):
        Facts.parse({"v": 99, "facts": []})
    with pytest.raises(UnknownVersion):
        Heartbeat.parse({"v": 99, "suspects": [], "orders": []})


@pytest.mark.parametrize("hint", [None, "soon", True, {}])
def test_hint_that_is_none_hurts_nobody(hint: object) -> None:
    value = {**Heartbeat().render(), "again_in_ms": hint}
    assert Heartbeat.parse(value) == Heartbeat()
