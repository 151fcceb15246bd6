"""The laptop cloud: all of the wiring alive in this process, without any port."""

import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, Self

from moto import mock_aws
from moto.core.config import DefaultConfig
from moto.moto_api._internal.models import moto_api_backend

from chalicelib.adapters.dynamodb import rows
from infra import wiring
from infra.laptop import clock, machines, resources
from infra.laptop.clients import connections_shared
from infra.laptop.dynamodb import Database
from infra.laptop.events import targets_served_by
from infra.laptop.executions import Executions
from infra.laptop.functions import Functions
from infra.laptop.handlers import Handler
from infra.laptop.lambdas import invocations_run_by
from infra.laptop.observation import Change, Observation, Observer, requests_observed
from infra.laptop.outstanding import Outstanding
from infra.laptop.patching import environment_replaced
from infra.laptop.runtime import Answer
from infra.laptop.schedules import Schedules
from infra.laptop.state import State
from infra.laptop.stream import Poller, record_of
from infra.laptop.timers import Timers
from infra.laptop.ttl import Sweeper

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
    """Between two looks for what TTL has to remove."""
    minute_seconds: float = 60.0
    """What a schedule takes for a minute."""


DEFAULT_PACE = Pace()

TTL = "ttl"
SWITCHES = frozenset(
    {
        TTL,
        *(rule.name for rule in wiring.RULES),
        *(schedule.name for schedule in wiring.SCHEDULES),
        *(mapping.function for mapping in wiring.STREAM_MAPPINGS),
    }
)
"""What a cloud can be without: a rule, a schedule, a stream mapping, or TTL."""

_running = threading.Lock()


class Part(Protocol):
    """Has threads of its own."""

    def start(self) -> None: ...

    def stop(self, timeout_seconds: float) -> None: ...


class Cloud:
    """At most one at a time in a process, for moto's state belongs to the process.

    ``environment`` replaces the process's whole environment from `start` to `stop`;
    ``handlers`` stand in for the code of the functions that they name; ``without``
    names what does not move (`SWITCHES`); ``state`` is open, and keeps the items.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        *,
        handlers: Mapping[str, Handler] | None = None,
        pace: Pace = DEFAULT_PACE,
        now_seconds: Callable[[], float] = clock.now_seconds,
        without: Collection[str] = (),
        state: State | None = None,
    ) -> None:
        if unknown := set(without) - SWITCHES:
            raise ValueError(f"a cloud cannot be without {', '.join(sorted(unknown))}")
        self._environment = dict(environment)
        self._now_seconds = now_seconds
        self._without = frozenset(without)
        self._state = state
        self._observers: list[Observer] = []
        self._outstanding = Outstanding()
        self._executions = Executions(now_seconds, self._outstanding)
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
            if mapping.function not in without
        ]
        self._schedules = Schedules(
            [one for one in wiring.SCHEDULES if one.name not in without],
            self._functions,
            now_seconds,
            pace.minute_seconds,
        )
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
        for part in self._parts():
            part.start()
        self._tell_again()

    def stop(self, timeout_seconds: float = 2.0) -> None:
        """Stop every part; what still runs after the timeout is named in the log."""
        ends_at = time.monotonic() + timeout_seconds

        def left() -> float:
            return max(0.05, ends_at - time.monotonic())

        with self._installed:
            for part in self._parts():
                part.stop(left())
            machines.stop_all()
            self._functions.stop(left())

    def reset(self) -> None:
        """Forget every item, event, message and execution; much quicker than anew."""
        self.settle()
        machines.stop_all()
        moto_api_backend.reset()
        if self._state is not None:
            self._state.forget()
        self._create()

    def invoke(self, function: str, payload: bytes) -> Answer:
        """Run a function of the wiring to its end, in this thread."""
        return self._functions.invoke(function, payload)

    def settle(self, timeout_seconds: float = 10.0) -> bool:
        """Wait until no record, event, asynchronous run or execution is on its way.

        An execution in a Wait state is not. False when the time was over first.
        """
        return self._outstanding.wait_for_none(timeout_seconds)

    def tick(self) -> None:
        """Look at the clock at once, for a test that has set it forward.

        Waits that are over end, schedules that are due run, and TTL removes what has
        expired. What follows from that is on its way: `settle` waits for it.
        """
        self._executions.look_at_the_clock()
        self._schedules.look_at_the_clock()
        if TTL not in self._without:
            self.sweep()

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
        enter(connections_shared())
        enter(requests_observed(self._tell))
        enter(self._database.installed())
        enter(invocations_run_by(self._functions))
        enter(targets_served_by(self._functions))
        enter(machines.machines_run_by(self._executions, self._now_seconds, self._tell))

    def _create(self) -> None:
        os.environ.update(resources.create(self._without))
        if self._state is not None:
            self._database.put_back(self._state.kept)

    def _tell_again(self) -> None:
        """What live calls have told: a stack that was killed may have told nobody of
        it, and its executions are gone. Whoever hears it has heard it, or hears it."""
        kept = self._state.kept if self._state is not None else ()
        lives = {_partition(one) for one in kept if _sort(one) == rows.WAKE_SORT_KEY}
        for one in kept:
            if _partition(one) in lives and _sort(one).startswith(rows.EVENT_PREFIX):
                record = record_of(one, self._now_seconds())
                for poller in self._pollers:
                    poller.offer(record)

    def _parts(self) -> Iterator[Part]:
        """What runs by itself."""
        yield self._timers
        if TTL not in self._without:
            yield self._sweeper
        yield from self._pollers
        yield self._schedules

    def _publish(self, commit: Sequence[Change]) -> None:
        # Kept first: nobody hears of what a restart would not know.
        if self._state is not None:
            self._state.write(commit)
        for change in commit:
            self._tell(change)
            record = record_of(change, self._now_seconds())
            for poller in self._pollers:
                poller.offer(record)

    def _tell(self, observation: Observation) -> None:
        for observer in self._observers:
            observer(observation)


def _partition(change: Change) -> str:
    return str(change.keys[wiring.TABLE.partition_key]["S"])


def _sort(change: Change) -> str:
    return str(change.keys[wiring.TABLE.sort_key]["S"])
