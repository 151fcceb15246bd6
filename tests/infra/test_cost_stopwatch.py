"""Own work is told from waiting, and executions from their histories."""

import time
from typing import Any

import pytest
import urllib3
from moto.core.botocore_stubber import BotocoreStubber

from infra.costing.assumptions import POST_MS, UNKNOWN_REQUEST_MS
from infra.costing.machines import (
    StillRunning,
    count_executions,
    count_express,
    express_gb_seconds,
    transitions,
)
from infra.costing.prices import (
    EXPRESS_GB_SECOND,
    EXPRESS_REQUEST,
    LOG_GB,
    STANDARD_TRANSITION,
)
from infra.costing.receiver import Receiver
from infra.costing.stopwatch import Stopwatch
from infra.costing.tally import Tally
from infra.laptop.clients import client
from infra.laptop.cloud import Cloud
from infra.laptop.environment import laptop_environment
from infra.laptop.patching import replaced
from infra.wiring import ROOT
from tests.infra.laptop.fakes import FakeFunctions

WORK_SECONDS = 0.05
REQUEST: Any = object()


def work(seconds: float = WORK_SECONDS) -> None:
    ends_at = time.thread_time() + seconds
    while time.thread_time() < ends_at:
        pass


def test_measure_work_and_no_waiting() -> None:
    stopwatch = Stopwatch()

    def handler(event: Any, context: Any) -> Any:
        work()
        time.sleep(0.2)
        return event

    assert stopwatch.timed(handler)({"a": 1}, None) == {"a": 1}
    timing = stopwatch.take()
    assert WORK_SECONDS <= timing.cpu_seconds < 0.15
    assert timing.waits_ms == 0
    assert stopwatch.take().cpu_seconds == 0


def test_measure_a_run_that_fails() -> None:
    stopwatch = Stopwatch()

    def handler(event: Any, context: Any) -> None:
        work()
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        stopwatch.timed(handler)({}, None)
    assert stopwatch.take().cpu_seconds >= WORK_SECONDS


def test_assume_a_wait_instead_of_the_emulation_s_work() -> None:
    stopwatch = Stopwatch()
    stubber = BotocoreStubber()

    def answer(stubber: BotocoreStubber, event_name: str, request: Any) -> None:
        work()
        if event_name.endswith("PutEvents"):
            # What EventBridge starts of itself is not the function's to wait for.
            stubber("before-send.sfn.StartExecution", request)

    def handler(event: Any, context: Any) -> None:
        for event_name in ("dynamodb.GetItem", "eventbridge.PutEvents", "new.Thing"):
            stubber(f"before-send.{event_name}", REQUEST)

    with replaced(BotocoreStubber, "__call__", answer), stopwatch.installed():
        stubber("before-send.dynamodb.GetItem", REQUEST)
        stopwatch.timed(handler)({}, None)
    timing = stopwatch.take()
    assert timing.waits_ms == 4 + 12 + UNKNOWN_REQUEST_MS
    assert timing.cpu_seconds < WORK_SECONDS


def test_measure_an_invocation_within_another_by_itself() -> None:
    stopwatch = Stopwatch()
    inner: list[float] = []

    def callee(event: Any, context: Any) -> None:
        BotocoreStubber()("before-send.dynamodb.GetItem", REQUEST)

    def answer(stubber: BotocoreStubber, event_name: str, request: Any) -> None:
        if event_name.endswith("Invoke"):
            stopwatch.timed(callee)({}, None)
            inner.append(stopwatch.take().waits_ms)

    def handler(event: Any, context: Any) -> None:
        BotocoreStubber()("before-send.lambda.Invoke", REQUEST)

    with replaced(BotocoreStubber, "__call__", answer), stopwatch.installed():
        stopwatch.timed(handler)({}, None)
    assert inner == [4]
    assert stopwatch.take().waits_ms == UNKNOWN_REQUEST_MS


def test_assume_a_wait_for_every_request_to_others() -> None:
    stopwatch = Stopwatch()
    with Receiver(answer_seconds=0) as receiver, stopwatch.installed():

        def handler(event: Any, context: Any) -> None:
            url = urllib3.util.parse_url(receiver.url)
            with urllib3.HTTPConnectionPool(str(url.host), url.port) as pool:
                headers = {"X-Event-Type": "room.started"}
                answer = pool.urlopen("POST", "/webhooks", b"{}", headers)
                assert answer.status == 200

        stopwatch.timed(handler)({}, None)
    timing = stopwatch.take()
    assert timing.waits_ms == POST_MS
    lines = b"POST /webhooks HTTP/1.1\r\nX-Event-Type: room.started\r\n\r\n{}"
    assert timing.sent_bytes == len(lines)
    assert receiver.types == {"room.started": 1}


WAIT, TASK, CHOICE = "WaitStateEntered", "TaskStateEntered", "ChoiceStateEntered"


@pytest.mark.parametrize(
    ("kinds", "count"),
    [
        ([], 0),
        (["ExecutionStarted", "PassStateEntered", "ExecutionSucceeded"], 1),
        ([WAIT, "WaitStateExited", TASK, "TaskScheduled", "TaskSucceeded"], 2),
        ([TASK, *["TaskScheduled", "TaskFailed"] * 3, CHOICE], 4),
        ([TASK, "LambdaFunctionScheduled", "LambdaFunctionScheduled"], 2),
    ],
)
def test_count_states_entered_and_retries(kinds: list[str], count: int) -> None:
    assert transitions({"type": kind} for kind in kinds) == count


@pytest.mark.parametrize(
    ("seconds", "steps"), [(0.001, 1), (0.1, 1), (0.101, 2), (0.3, 3), (30, 300)]
)
def test_round_an_express_execution_up(seconds: float, steps: int) -> None:
    assert express_gb_seconds(seconds) == pytest.approx(steps * 0.1 * 64 / 1024)


def test_count_an_express_execution() -> None:
    tally = Tally()
    count_express(tally, "quick", 0.25)
    assert tally.amount(EXPRESS_REQUEST, "executions of quick") == 1
    assert tally.amount(EXPRESS_GB_SECOND, "quick") == pytest.approx(0.3 * 64 / 1024)


def test_count_executions_of_a_standard_machine() -> None:
    functions = FakeFunctions()
    functions.code["redeliver"] = lambda event, context: (
        event | {"outcome": "delivered"}
    )
    environment = laptop_environment({"PARLEY_JWT_SECRET": "x" * 32}, ROOT)
    tally = Tally()
    with Cloud(environment, handlers=functions.handlers()):
        machines = client("stepfunctions")
        (listed,) = (
            one
            for one in machines.list_state_machines()["stateMachines"]
            if one["name"] == "redelivery"
        )
        for name in ("1", "2"):
            machines.start_execution(
                stateMachineArn=listed["stateMachineArn"],
                name=name,
                input='{"delay_seconds": 0}',
            )
        count_executions(tally, timeout_seconds=10)
        slow = machines.create_state_machine(
            name="slow",
            roleArn="arn:aws:iam::123456789012:role/laptop",
            definition='{"StartAt":"A","States":{"A":{"Type":"Wait","Seconds":600,'
            '"End":true}}}',
        )
        machines.start_execution(stateMachineArn=slow["stateMachineArn"], name="slow")
        with pytest.raises(StillRunning, match="slow"):
            count_executions(Tally(), timeout_seconds=0)
    assert tally.amount(STANDARD_TRANSITION, "transitions of redelivery") == 2 * 4
    assert tally.amount(LOG_GB, "events of redelivery") > 0
