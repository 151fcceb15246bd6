"""The laptop cloud: all of the wiring alive in this process, without any port."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

from moto import mock_aws
from moto.core.config import DefaultConfig
from moto.moto_api._internal.models import moto_api_backend

from infra import wiring
from infra.laptop import clock, resources
from infra.laptop.clients import client
from infra.laptop.dynamodb import Database
from infra.laptop.events import targets_served_by
from infra.laptop.functions import Functions
from infra.laptop.handlers import Handler
from infra.laptop.lambdas import invocations_run_by
from infra.laptop.observation import Change, Observation, Observer, requests_observed
from infra.laptop.outstanding import Outstanding
from infra.laptop.patching import environment_replaced
from infra.laptop.runtime import Answer
from infra.laptop.stream import Poller, record_of
from infra.laptop.timers import Timers
from infra.laptop.ttl import Sweeper

logger = logging.getLogger(__name__)

MOTO: DefaultConfig = {
    "core": {"mock_credentials": False},
    "lambda": {"use_docker": False},
    "stepfunctions": {"execute_state_machine": True},
}


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the laptop cloud waits where AWS takes a minute or a day."""

    asynchronous_retry_seconds: float = 1.0
    """Before the second attempt; twice that before the third (AWS: 60 and 120)."""
    stream_retry_seconds: float = 0.1
    sweep_seconds: float = 2.0


DEFAULT_PACE = Pace()
STOP_ATTEMPTS = 50
STOP_PAUSE_SECONDS = 0.01

_running = threading.Lock()


class Cloud:
    """At most one at a time in a process, for moto's state belongs to the process.

    ``environment`` replaces the process's whole environment from `start` to `stop`;
    ``handlers`` stand in for the code of the functions that they name.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        handlers: Mapping[str, Handler] | None = None,
        pace: Pace = DEFAULT_PACE,
        now_seconds: Callable[[], float] = clock.now_seconds,
    ) -> None:
        self._environment = dict(environment)
        self._now_seconds = now_seconds
        self._observers: list[Observer] = []
        self._outstanding = Outstanding()
        self._installed = ExitStack()
        self._timers = Timers()
        self._functions = Functions(
            wiring.FUNCTIONS,
            handlers=handlers or {},
            observe=self._tell,
            timers=self._timers,
            outstanding=self._outstanding,
            retry_seconds=pace.asynchronous_retry_seconds,
        )
        self._pollers = [
            Poller(
                mapping,
                self._functions,
                self._outstanding,
                now_seconds,
                pace.stream_retry_seconds,
            )
            for mapping in wiring.STREAM_MAPPINGS
        ]
        self._database = Database(self._publish, now_seconds)
        self._sweeper = Sweeper(self._database, now_seconds, pace.sweep_seconds)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def start(self) -> None:
        """Create everything and start every part; on failure all is undone."""
        if not _running.acquire(blocking=False):
            raise RuntimeError("a laptop cloud runs in this process already")
        self._installed.callback(_running.release)
        try:
            self._install()
            self._create()
            self._functions.load()
        except BaseException:
            self._installed.close()
            raise
        self._timers.start()
        self._sweeper.start()
        for poller in self._pollers:
            poller.start()

    def stop(self, timeout_seconds: float = 2.0) -> None:
        """Stop every part; what still runs after the timeout is named in the log."""
        ends_at = time.monotonic() + timeout_seconds

        def left() -> float:
            return max(0.05, ends_at - time.monotonic())

        with self._installed:
            self._timers.stop(left())
            self._sweeper.stop(left())
            for poller in self._pollers:
                poller.stop(left())
            _stop_machines()
            self._functions.stop(left())

    def reset(self) -> None:
        """Forget every item, event, message and execution; much quicker than anew."""
        self.settle()
        _stop_machines()
        moto_api_backend.reset()
        self._create()

    def invoke(self, function: str, payload: bytes) -> Answer:
        """Run a function of the wiring to its end, in this thread."""
        return self._functions.invoke(function, payload)

    def settle(self, timeout_seconds: float = 10.0) -> bool:
        """Wait until no record, event or asynchronous run is on its way.

        State machines are not waited for. False when the time was over first.
        """
        return self._outstanding.wait_for_none(timeout_seconds)

    def sweep(self, now_seconds: float | None = None) -> int:
        """Let TTL remove what has expired by now, at once; how many items."""
        now = self._now_seconds() if now_seconds is None else now_seconds
        return self._sweeper.sweep(now)

    def observe(self, observer: Observer) -> None:
        """Tell ``observer`` of each request, invocation and change, in any thread."""
        self._observers.append(observer)

    def _install(self) -> None:
        enter = self._installed.enter_context
        enter(environment_replaced(self._environment))
        enter(mock_aws(config=MOTO))
        # Somebody else's mock may be active around ours, and full.
        moto_api_backend.reset()
        enter(requests_observed(self._tell))
        enter(self._database.installed())
        enter(invocations_run_by(self._functions))
        enter(targets_served_by(self._functions))

    def _create(self) -> None:
        os.environ.update(resources.create())

    def _publish(self, change: Change) -> None:
        self._tell(change)
        record = record_of(change, self._now_seconds())
        for poller in self._pollers:
            poller.offer(record)

    def _tell(self, observation: Observation) -> None:
        for observer in self._observers:
            observer(observation)


def _stop_machines() -> None:
    """Executions wait in threads of moto's; none may outlive its cloud."""
    machines = client("stepfunctions")
    for machine in machines.list_state_machines()["stateMachines"]:
        running = machines.list_executions(
            stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
        )
        for execution in running["executions"]:
            _stop_execution(execution["executionArn"])


def _stop_execution(arn: str) -> None:
    for _ in range(STOP_ATTEMPTS):
        try:
            client("stepfunctions").stop_execution(executionArn=arn)
            return
        except AttributeError:
            # moto's execution cannot be stopped before its own thread has begun.
            time.sleep(STOP_PAUSE_SECONDS)
    logger.error("an execution did not stop", extra={"execution": arn})
