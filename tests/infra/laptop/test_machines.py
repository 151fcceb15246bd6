"""The ring machine: to the second, never early, and never in a hurry."""

import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from infra import wiring
from infra.laptop.clients import client
from infra.laptop.cloud import Cloud
from tests.infra.laptop.fakes import FakeClock, FakeFunctions, wait_until


@pytest.fixture(params=["UTC", "Asia/Tokyo"])
def time_zone(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """moto takes timestamps for local time."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def invite(clock: FakeClock, call_id: str, ring_seconds: float) -> None:
    detail = {
        "tenant": "t",
        "call_id": call_id,
        "data": {"deadline_at": clock.in_seconds(ring_seconds)},
    }
    answer = client("events").put_events(
        Entries=[
            {
                "EventBusName": wiring.BUS,
                "Source": wiring.EVENT_SOURCE,
                "DetailType": "participant.invited",
                "Detail": json.dumps(detail),
            }
        ]
    )
    assert answer["FailedEntryCount"] == 0


def over(event: Any, context: Any) -> Any:
    return event | {"is_over": True}


def pass_seconds(cloud: Cloud, clock: FakeClock, seconds: int) -> None:
    for _ in range(seconds):
        clock.advance(1)
        cloud.tick()
        assert cloud.settle()


def executions(**filters: str) -> list[Any]:
    machines = client("stepfunctions").list_state_machines()["stateMachines"]
    (arn,) = (one["stateMachineArn"] for one in machines if one["name"] == "ring")
    pages = client("stepfunctions").get_paginator("list_executions")
    return [
        execution
        for page in pages.paginate(stateMachineArn=arn, **filters)
        for execution in page["executions"]
    ]


def test_wake_within_the_second_after_the_deadline(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock, time_zone: None
) -> None:
    functions.code["wake"] = over
    clock.now = float(int(clock.now))
    invite(clock, "c1", ring_seconds=5.7)
    assert cloud.settle()
    pass_seconds(cloud, clock, 5)
    assert "wake" not in functions.events
    pass_seconds(cloud, clock, 1)
    (event,) = functions.events["wake"]
    assert event == {
        "v": 1,
        "tenant": "t",
        "call_id": "c1",
        "wake_at": event["wake_at"],
    }
    assert executions() == []


def test_come_back_when_the_wake_says_so(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    def wake(event: Any, context: Any) -> Any:
        is_over = len(functions.events["wake"]) == 2
        later = clock.in_seconds(10)
        return event | {"is_over": is_over, "wake_at": later}

    functions.code["wake"] = wake
    invite(clock, "c1", ring_seconds=3)
    pass_seconds(cloud, clock, 4)
    assert len(functions.events["wake"]) == 1
    pass_seconds(cloud, clock, 10)
    assert len(functions.events["wake"]) == 1
    pass_seconds(cloud, clock, 1)
    assert len(functions.events["wake"]) == 2


def test_wake_that_never_ends_comes_once_a_second(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    functions.code["wake"] = lambda event, context: event | {"is_over": False}
    invite(clock, "c1", ring_seconds=1)
    pass_seconds(cloud, clock, 2)
    assert len(functions.events["wake"]) == 1
    pass_seconds(cloud, clock, 5)
    assert len(functions.events["wake"]) == 6


def test_let_many_rings_wait_and_end_together(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    functions.code["wake"] = over
    wanted = {f"c{number}" for number in range(120)}
    for call_id in wanted:
        invite(clock, call_id, ring_seconds=30)
    assert cloud.settle(30)
    assert len(executions(statusFilter="RUNNING")) == len(wanted)
    pass_seconds(cloud, clock, 29)
    assert "wake" not in functions.events
    pass_seconds(cloud, clock, 2)
    assert {event["call_id"] for event in functions.events["wake"]} == wanted
    assert executions() == []


def test_reset_stops_more_executions_than_a_page_names(
    cloud: Cloud, clock: FakeClock
) -> None:
    def unnamed() -> int:
        return sum(one.name.startswith("Thread-") for one in threading.enumerate())

    before = unnamed()
    for number in range(120):
        invite(clock, f"c{number}", ring_seconds=30)
    assert cloud.settle(30)
    assert unnamed() >= before + 120
    cloud.reset()
    wait_until(lambda: unnamed() <= before)


def test_stop_an_execution_that_waits(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    invite(clock, "c1", ring_seconds=30)
    assert cloud.settle()
    (execution,) = executions()
    client("stepfunctions").stop_execution(executionArn=execution["executionArn"])
    wait_until(lambda: executions() == [])
    pass_seconds(cloud, clock, 40)
    assert "wake" not in functions.events


def test_tell_of_a_ring_that_failed(
    cloud: Cloud, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    answer = client("events").put_events(
        Entries=[
            {
                "EventBusName": wiring.BUS,
                "Source": wiring.EVENT_SOURCE,
                "DetailType": "participant.invited",
                "Detail": json.dumps(
                    {"tenant": "t", "call_id": "c1", "data": {"deadline_at": "soon"}}
                ),
            }
        ]
    )
    assert answer["FailedEntryCount"] == 0
    assert cloud.settle()
    (record,) = (one for one in caplog.records if one.message == "execution failed")
    assert vars(record)["machine"] == "ring"
    assert "TimestampPath" in vars(record)["cause"]


def test_keep_an_event_whose_machine_is_gone(cloud: Cloud, clock: FakeClock) -> None:
    for machine in client("stepfunctions").list_state_machines()["stateMachines"]:
        client("stepfunctions").delete_state_machine(
            stateMachineArn=machine["stateMachineArn"]
        )
    invite(clock, "c1", ring_seconds=5)
    assert cloud.settle()
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=wiring.RULE_DEAD_LETTERS.name)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MessageAttributeNames=["All"])
    bodies = [json.loads(one["Body"]) for one in messages["Messages"]]
    assert "participant.invited" in {body["detail-type"] for body in bodies}


def test_start_nothing_twice_for_one_event(cloud: Cloud) -> None:
    machine = os.environ["PARLEY_REDELIVERY_MACHINE_ARN"]
    start = client("stepfunctions").start_execution
    wanted = {
        "stateMachineArn": machine,
        "name": "one",
        "input": '{"delay_seconds": 9}',
    }
    assert start(**wanted)["executionArn"] == start(**wanted)["executionArn"]


def redelivery(cloud: Cloud, **changes: Any) -> None:
    """Start one, by the keys that the product gives it."""
    client("stepfunctions").start_execution(
        stateMachineArn=os.environ["PARLEY_REDELIVERY_MACHINE_ARN"],
        name="one",
        input=json.dumps({"v": 1, "delay_seconds": 1, "outcome": "retry", **changes}),
    )


def dead_letters() -> list[Any]:
    sqs = client("sqs")
    url = sqs.get_queue_url(QueueName=wiring.WEBHOOK_DEAD_LETTERS.name)["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    return [json.loads(one["Body"]) for one in messages.get("Messages", [])]


def test_lane_goes_on_behind_a_head_of_which_there_is_a_dead_letter(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    answers = ["retry", "exhausted", "delivered"]
    functions.code["redeliver"] = lambda event, context: (
        event | {"outcome": answers.pop(0)}
    )
    redelivery(cloud, webhook_id="101-2", lease="a-lease")
    pass_seconds(cloud, clock, 5)
    turns = functions.events["redeliver"]
    assert [turn["outcome"] for turn in turns] == ["retry", "retry", "exhausted"]
    (letter,) = dead_letters()
    assert (letter["webhook_id"], letter["outcome"]) == ("101-2", "exhausted")


def test_webhook_that_leaves_its_lane_has_its_turn_at_once(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    answers = ["apart", "retry", "undeliverable"]
    functions.code["redeliver"] = lambda event, context: (
        event | {"outcome": answers.pop(0)}
    )
    redelivery(cloud, webhook_id="101-2", lease="a-lease")
    pass_seconds(cloud, clock, 2)
    assert len(functions.events["redeliver"]) == 2
    pass_seconds(cloud, clock, 3)
    assert len(functions.events["redeliver"]) == 3
    (letter,) = dead_letters()
    assert letter["outcome"] == "undeliverable"
