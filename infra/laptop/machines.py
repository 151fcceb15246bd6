"""moto's Step Functions, exact in time and as forgetful as AWS's.

moto takes a timestamp for local time and waits up to two seconds too short, makes
an AWS client for every task, and keeps every thread and execution for ever.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC
from types import SimpleNamespace
from typing import Any

import boto3.session
from botocore.config import Config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.core.utils import utcnow
from moto.stepfunctions.parser import utils as parser_utils
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.timestamp import (
    Timestamp,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (  # noqa: E501
    WaitFunction,
)
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

from infra.laptop.environment import REGION
from infra.laptop.executions import Executions
from infra.laptop.observation import ExecutionEnd, Observer
from infra.laptop.patching import replaced

logger = logging.getLogger(__name__)

STOP_ATTEMPTS = 50
STOP_PAUSE_SECONDS = 0.01
FAILURES = ("FAILED", "TIMED_OUT")


@contextmanager
def machines_run_by(
    executions: Executions, now_seconds: Callable[[], float], observe: Observer
) -> Iterator[None]:
    """Within the block state machines wait by ``now_seconds``, and leave nothing.

    ``observe`` is told of each that has ended.
    """
    clients = SimpleNamespace(client=_shared_clients())
    with ExitStack() as stack:
        for owner, name, value in (
            (WaitFunction, "_wait_interval", _wait(executions)),
            (Timestamp, "_get_wait_seconds", _seconds_until(now_seconds)),
            (ExecutionWorker, "start", _start(executions)),
            (
                ExecutionWorker,
                "_execution_logic",
                _run(executions, now_seconds, observe),
            ),
            (boto_client, "boto3", clients),
        ):
            stack.enter_context(replaced(owner, name, value))
        yield


def stop_all() -> None:
    """Executions run in threads of moto's; none may outlive its cloud."""
    for machine in _backend().state_machines:
        for execution in list(machine.executions):
            if execution.status == "RUNNING":
                _stop(execution)


def _wait(executions: Executions) -> Callable[..., None]:
    def wait(function: WaitFunction, env: Any, wait_seconds: float) -> None:
        about = env.states.context_object.context_object_data["Execution"]
        executions.wait(
            about["Id"], wait_seconds, env.program_state_event, env.is_running
        )

    return wait


def _seconds_until(now_seconds: Callable[[], float]) -> Callable[..., float]:
    def seconds_until(wait: Timestamp, env: Any) -> float:
        wait.string.eval(env=env)
        text = env.stack.pop()
        # Step Functions too takes no notice of a timestamp's milliseconds.
        at = Timestamp._from_timestamp_string(text)
        if at is None:
            raise FailureEventException(wait._create_failure_event(env, text))
        return float(at.replace(tzinfo=UTC).timestamp() - now_seconds())

    return seconds_until


def _start(executions: Executions) -> Callable[[Any], None]:
    original: Any = ExecutionWorker.start

    def start(worker: Any) -> None:
        executions.begin(_execution_of(worker).exec_arn)
        original(worker)

    return start


def _run(
    executions: Executions, now_seconds: Callable[[], float], observe: Observer
) -> Callable[[Any], None]:
    original: Any = ExecutionWorker._execution_logic

    def run(worker: Any) -> None:
        execution, began = _execution_of(worker), now_seconds()
        machine = execution.state_machine
        is_express = machine.type == "EXPRESS"
        try:
            original(worker)
        finally:
            _tell_failure(execution)
            observe(ExecutionEnd(machine.name, is_express, now_seconds() - began))
            _forget(execution)
            executions.end(execution.exec_arn)

    return run


def _execution_of(worker: Any) -> Any:
    return worker._execution_communication.execution


def _tell_failure(execution: Any) -> None:
    if execution.status in FAILURES:
        logger.warning(
            "execution failed",
            extra={
                "machine": execution.state_machine.name,
                "execution": execution.name,
                "status": execution.status,
                "error": execution.error,
                "cause": execution.cause,
            },
        )


def _forget(execution: Any) -> None:
    parser_utils.TMP_THREADS.clear()
    # Of an Express execution AWS keeps nothing either: it cannot be described.
    for machine in _backend().state_machines:
        is_its = machine.arn == execution.state_machine.arn
        if is_its and machine.type == "EXPRESS":
            with suppress(ValueError):
                machine.executions.remove(execution)


def _shared_clients() -> Callable[..., Any]:
    # A session of its own: it is not safe for threads, and clients are made in them.
    session: Any = boto3.session.Session()
    creating = threading.Lock()

    @functools.cache
    def create(service: str, region: str) -> Any:
        return session.client(
            service,
            region,
            aws_access_key_id="laptop",
            aws_secret_access_key="laptop",
            config=Config(
                parameter_validation=False, retries={"total_max_attempts": 1}
            ),
        )

    def client(*, service_name: str, region_name: str, **_: Any) -> Any:
        with creating:
            return create(service_name, region_name)

    return client


def _backend() -> Any:
    return stepfunctions_parser_backends[DEFAULT_ACCOUNT_ID][REGION]


def _stop(execution: Execution) -> None:
    for _ in range(STOP_ATTEMPTS):
        worker: Any = execution.exec_worker
        env = worker.env if worker is not None else None
        # moto loses a stop that comes before the execution's own thread has begun.
        if env is not None and env.program_state() is not None:
            execution.stop(utcnow(), error="", cause="")
            return
        time.sleep(STOP_PAUSE_SECONDS)
    logger.error("an execution did not stop", extra={"execution": execution.exec_arn})
