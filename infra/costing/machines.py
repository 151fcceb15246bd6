"""Step Functions, from what the machines' executions did."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from math import ceil
from typing import Any

from infra.costing.assumptions import EXPRESS_MEMORY_MB
from infra.costing.prices import (
    EXPRESS_GB_SECOND,
    EXPRESS_REQUEST,
    GIB,
    LOG_GB,
    STANDARD_TRANSITION,
)
from infra.costing.tally import Tally
from infra.laptop.clients import client

RUNNING = "RUNNING"
MOST_EVENTS = 1000
PAUSE_SECONDS = 0.1
EXPRESS_STEP_SECONDS = 0.1


class StillRunning(Exception):
    """An execution did not end in time, so its transitions cannot be counted."""


def count_executions(tally: Tally, timeout_seconds: float) -> None:
    """Every execution of every Standard machine; raises `StillRunning`."""
    ends_at = time.monotonic() + timeout_seconds
    machines = client("stepfunctions")
    for machine in _pages("list_state_machines", "stateMachines"):
        arn, name = machine["stateMachineArn"], machine["name"]
        if machine["type"] == "EXPRESS":
            continue
        # Told even if there is none: the happy path is to have none.
        tally.add(STANDARD_TRANSITION, f"transitions of {name}", 0)
        for listed in _pages("list_executions", "executions", stateMachineArn=arn):
            _wait_for(listed["executionArn"], ends_at)
            history = machines.get_execution_history(
                executionArn=listed["executionArn"], maxResults=MOST_EVENTS
            )["events"]
            # A Standard machine logs every event of every execution.
            lines = sum(len(json.dumps(event, default=str)) for event in history)
            tally.add(LOG_GB, f"events of {name}", lines / GIB)
            what = f"transitions of {name}"
            tally.add(STANDARD_TRANSITION, what, transitions(history))


def transitions(history: Iterable[Mapping[str, Any]]) -> int:
    """Every state that was entered, and every retry of a task."""
    kinds = [str(event["type"]) for event in history]
    entered = sum(kind.endswith("StateEntered") for kind in kinds)
    tasks = kinds.count("TaskStateEntered")
    tries = sum(kind.endswith("Scheduled") for kind in kinds)
    return entered + max(0, tries - tasks)


def express_gb_seconds(lasted_seconds: float) -> float:
    """In steps of 100 ms."""
    steps = ceil(round(lasted_seconds / EXPRESS_STEP_SECONDS, 6))
    return steps * EXPRESS_STEP_SECONDS * EXPRESS_MEMORY_MB / 1024


def count_express(tally: Tally, name: str, lasted_seconds: float) -> None:
    """One execution, which logs nothing unless it fails."""
    tally.add(EXPRESS_REQUEST, f"executions of {name}")
    tally.add(
        EXPRESS_GB_SECOND,
        f"{name}, {EXPRESS_MEMORY_MB} MB assumed",
        express_gb_seconds(lasted_seconds),
    )


def _pages(operation: str, field: str, **parameters: str) -> Iterator[Any]:
    pages = client("stepfunctions").get_paginator(operation).paginate(**parameters)
    return (one for page in pages for one in page[field])


def _wait_for(arn: str, ends_at: float) -> None:
    while True:
        execution: Mapping[str, Any] = client("stepfunctions").describe_execution(
            executionArn=arn
        )
        if execution["status"] != RUNNING:
            return
        if time.monotonic() > ends_at:
            raise StillRunning(f"an execution runs on: {arn.rpartition(':')[2]}")
        time.sleep(PAUSE_SECONDS)
