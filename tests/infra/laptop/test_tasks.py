"""A task's end is told as ECS tells it, and heard as long as somebody must."""

from typing import Any

import pytest

from chalicelib.adapters.dynamodb import rows
from chalicelib.adapters.dynamodb.fleet import DynamoDBFleet
from infra.laptop import tasks
from infra.laptop.cloud import Cloud
from tests.adapters.fleet_contract import lease
from tests.infra.laptop.fakes import FakeClock, FakeFunctions, Table
from tests.infra.laptop.test_machines import pass_seconds


def test_stopped_task_is_looked_at_until_it_is_over(
    cloud: Cloud, functions: FakeFunctions, clock: FakeClock
) -> None:
    waits = [3, 1]

    def takeover(event: Any, context: Any) -> Any:
        wait = waits.pop(0) if waits else 0
        return event | {"wait_seconds": wait, "is_over": not wait}

    functions.code["takeover"] = takeover
    tasks.tell_stopped("task-1")
    assert cloud.settle()
    assert len(functions.events["takeover"]) == 1
    pass_seconds(cloud, clock, 2)
    assert len(functions.events["takeover"]) == 1
    pass_seconds(cloud, clock, 3)
    arns = [event["task_arn"] for event in functions.events["takeover"]]
    assert len(arns) == 3
    assert all(arn.endswith(":task/laptop/task-1") for arn in arns)


def test_tasks_of_an_earlier_run_have_stopped(
    cloud: Cloud,
    table: Table,
    functions: FakeFunctions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    functions.code["takeover"] = lambda event, context: event | {"is_over": True}
    fleet = DynamoDBFleet(rows.table(table.name))
    fleet.renew(lease())
    fleet.renew(lease("w2", task_id="task-2"))
    fleet.fence(lease("w2", task_id="task-2"))
    fleet.renew(lease("w3", task_id=None))
    tasks.tell_all_stopped()
    assert cloud.settle()
    (event,) = functions.events["takeover"]
    assert event["task_arn"].endswith("/task-1")
