"""ECS -> the fleet: a worker's task has stopped, the workers are deployed anew."""

from typing import Any

from chalicelib import bootstrap, logs
from chalicelib.protocol.envelope import stamped, upcast
from chalicelib.protocol.retirement import Retirement

bootstrap.prepare("parts")

SECOND_MS = 1000
TAKEOVER = "takeover"
"""The kind of the machine's states."""


def task_stopped(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Task of the takeover machine; its answer is the machine's next state.

    A task may stop before its lease is old enough to be taken over: the machine then
    waits, and asks again.
    """
    logs.configure()
    # Executions of the release before had no version.
    task_arn = upcast(TAKEOVER, {"v": 1, **event})["task_arn"]
    wait_ms = bootstrap.fleet().hear_stopped(task_arn)
    following = {
        "task_arn": task_arn,
        "wait_seconds": -(-(wait_ms or 0) // SECOND_MS),
        "is_over": wait_ms is None,
    }
    return stamped(following, TAKEOVER)


def retire(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Task of the retire machine; its answer is the machine's next state."""
    logs.configure()
    return bootstrap.retiring().look(Retirement.parse(event)).render()
