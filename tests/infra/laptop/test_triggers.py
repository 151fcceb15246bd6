"""Schedules, TTL and rules: each moves by itself, and each can be left out."""

from collections.abc import Collection

import pytest

from infra import wiring
from infra.laptop.cloud import Cloud, Pace
from tests.infra.laptop.fakes import FakeClock, FakeFunctions, Table, wait_until
from tests.infra.laptop.test_machines import invite, over, pass_seconds

PACE = Pace(sweep_seconds=3600)
TRIGGERS = {"rings", "sweep", "expired"}


def run(without: Collection[str]) -> FakeFunctions:
    """A ring and its WAKE item go by in a cloud without some of its triggers."""
    clock, functions = FakeClock(), FakeFunctions()
    functions.code["wake"] = over
    cloud = Cloud(
        {"PATH": "/bin"},
        handlers=functions.handlers(),
        pace=PACE,
        now_seconds=clock,
        without=without,
    )
    with cloud:
        table = Table()
        table.put("CALL#1", "WAKE", ttl=int(clock.now) + 5)
        table.put("CALL#1", "STATE", ttl=int(clock.now) + 5)
        invite(clock, "c1", ring_seconds=3)
        pass_seconds(cloud, clock, 10)
    return functions


@pytest.mark.parametrize(
    ("trigger", "function"),
    [("rings", "wake"), ("sweep", "sweep"), ("expired", "expired")],
)
def test_each_trigger_moves_alone(trigger: str, function: str) -> None:
    events = run(without=TRIGGERS - {trigger}).events
    heard = {"wake", "sweep", "expired"} & events.keys()
    assert heard == {function}


def test_without_ttl_nothing_expires() -> None:
    events = run(without={"ttl"}).events
    assert "expired" not in events
    assert {"wake", "sweep"} <= events.keys()


def test_only_removals_of_wake_items_by_the_service_are_heard() -> None:
    (batch,) = run(without=()).events["expired"]
    (record,) = batch["Records"]
    assert record["eventName"] == "REMOVE"
    assert record["dynamodb"]["Keys"]["sk"] == {"S": "WAKE"}
    assert record["userIdentity"]["type"] == "Service"


def test_refuse_to_be_without_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="rngs"):
        Cloud({}, without={"rngs", "ttl"})


def test_schedule_runs_at_the_start_and_every_minute() -> None:
    clock, functions = FakeClock(), FakeFunctions()
    handlers = functions.handlers()
    with Cloud({}, handlers=handlers, pace=PACE, now_seconds=clock) as cloud:

        def runs_after(seconds: float) -> int:
            clock.advance(seconds)
            cloud.tick()
            assert cloud.settle()
            return len(functions.events["sweep"])

        assert runs_after(0) == 1
        assert functions.events["sweep"] == [{}]
        assert runs_after(59) == 1
        assert runs_after(1) == 2
        assert runs_after(600) == 3, "what was missed is not made up for"
        assert runs_after(59) == 3
        assert runs_after(1) == 4
        assert runs_after(-7200) == 4
        assert runs_after(60) == 5, "a clock that was set back costs a minute at most"


def test_schedule_s_failure_is_not_repeated() -> None:
    clock, functions = FakeClock(), FakeFunctions()

    def sweep(event: object, context: object) -> None:
        raise RuntimeError("no")

    functions.code["sweep"] = sweep
    handlers = functions.handlers()
    with Cloud({}, handlers=handlers, pace=PACE, now_seconds=clock) as cloud:
        assert cloud.settle()
        assert len(functions.events["sweep"]) == 1


def test_schedule_runs_by_itself() -> None:
    functions = FakeFunctions()
    pace = Pace(minute_seconds=0.01)
    with Cloud({}, handlers=functions.handlers(), pace=pace):
        wait_until(lambda: len(functions.events.get("sweep", [])) >= 3)


def test_every_rule_has_one_hearer() -> None:
    for rule in wiring.RULES:
        assert (rule.function is None) != (rule.machine is None)
