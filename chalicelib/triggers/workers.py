"""ECS -> the fleet: a worker's task has stopped."""

from typing import Any

from chalicelib import bootstrap, logs

bootstrap.prepare("parts")

SECOND_MS = 1000


def task_stopped(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Task of the takeover machine; its answer is the machine's next state.

    A task may stop before its lease is old enough to be taken over: the machine then
    waits, and asks again.
    """
    logs.configure()
    task_arn = event["task_arn"]
    wait_ms = bootstrap.fleet().hear_stopped(task_arn)
    return {
        "task_arn": task_arn,
        "wait_seconds": -(-(wait_ms or 0) // SECOND_MS),
        "is_over": wait_ms is None,
    }
