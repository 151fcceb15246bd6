"""The API's function when it is warm: our own work, and its requests of AWS.

The handler runs on an in-process laptop cloud through the real DynamoDB adapter. Its
own work is the thread's processor time without what botocore spends: serialising,
signing, sending and parsing are the client's, as is the emulated table below it.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import botocore.client

import entry
from bench.clients import SECRET, Ask, CheckedConversation, Conversation, decoded
from bench.machine import SYSTEM_CORE, pinned
from bench.measurement import (
    Measurement,
    Progress,
    median_of_runs,
    percentile,
    summary,
)
from bench.memory_plane import plane_in_memory
from infra import wiring
from infra.laptop.cloud import SWITCHES, Cloud
from infra.laptop.environment import laptop_environment
from infra.laptop.observation import AwsRequest, Observation
from infra.laptop.patching import replaced

RUNS = 5
CALLS_PER_RUN = 100
WARM_UP_CALLS = 50
CHECK = "check-call"

Times = dict[str, list[float]]
"""Command -> milliseconds of each request."""


def measure(progress: Progress) -> Measurement:
    """Through DynamoDB's adapter for the rows, and in memory to compare."""
    with pinned(SYSTEM_CORE):
        progress("on the laptop cloud")
        stored = Stopwatch()
        with cloud_observed(stored.observe), stored.client_excluded():
            runs = run_calls(stored, progress)
        progress("in memory")
        bare = Stopwatch()
        with plane_in_memory(SECRET):
            bare_runs = run_calls(bare, progress)
    p50, bare_p50 = medians(runs), medians(bare_runs)
    trips = stored.requests_per_command()
    return Measurement(
        values={
            "handler_cpu_p50": max(p50.values()),
            "round_trips": max(trips.values()),
            "round_trips_check": trips[CHECK],
        },
        details=[
            f"{command}: {p50[command]:.2f} ms, {bare_p50[command]:.2f} ms in memory, "
            f"{trips[command]:g} requests; last run {summary(runs[-1][command])} ms"
            for command in p50
        ],
        raw={
            "ms": runs,
            "ms_in_memory": bare_runs,
            "sent": stored.sent,
            "requests": stored.requests,
        },
    )


class Stopwatch:
    """Sends requests to the handler, and keeps what of their work was ours."""

    def __init__(self) -> None:
        self.sent = Counter[str]()
        self.requests: dict[str, Counter[str]] = {}
        """Command -> what was asked of AWS for it, and how often."""
        self._times: Times = {}
        self._client_seconds = 0.0
        self._command = ""

    def send(self, ask: Ask) -> Any:
        """Carry it out in this thread."""
        event = ask.event()
        self._command, self._client_seconds = ask.command, 0.0
        began = time.thread_time()
        answer = entry.http(event, None)
        seconds = time.thread_time() - began - self._client_seconds
        self._command = ""
        self.sent[ask.command] += 1
        self._times.setdefault(ask.command, []).append(seconds * 1000)
        return decoded(ask.command, answer["statusCode"], answer["body"])

    def take(self) -> Times:
        """What was kept since the last time."""
        taken, self._times = self._times, {}
        return taken

    def observe(self, observation: Observation) -> None:
        if isinstance(observation, AwsRequest) and self._command:
            kinds = self.requests.setdefault(self._command, Counter())
            kinds[f"{observation.service} {observation.operation}"] += 1

    def requests_per_command(self) -> dict[str, float]:
        return {
            command: self.requests.get(command, Counter()).total() / count
            for command, count in self.sent.items()
        }

    @contextmanager
    def client_excluded(self) -> Iterator[None]:
        """Within the block botocore's work is told from ours."""
        original = vars(botocore.client.BaseClient)["_make_api_call"]

        def call(client: Any, *more: Any, **named: Any) -> Any:
            began = time.thread_time()
            try:
                return original(client, *more, **named)
            finally:
                self._client_seconds += time.thread_time() - began

        with replaced(botocore.client.BaseClient, "_make_api_call", call):
            yield


@contextmanager
def cloud_observed(observe: Callable[[Observation], None]) -> Iterator[None]:
    """The table alone: nothing that follows from a commit moves."""
    environment = laptop_environment({"PARLEY_JWT_SECRET": SECRET}, wiring.ROOT)
    cloud = Cloud(environment, without=SWITCHES)
    with cloud:
        cloud.observe(observe)
        yield


def run_calls(
    stopwatch: Stopwatch,
    progress: Progress,
    *,
    runs: int = RUNS,
    calls: int = CALLS_PER_RUN,
    warm_up: int = WARM_UP_CALLS,
) -> list[Times]:
    """Whole calls, one request after the other; the first ones do not count."""
    for _ in range(warm_up):
        hold_call(stopwatch)
    stopwatch.take()
    found = []
    for number in range(runs):
        progress(f"run {number + 1} of {runs}")
        gc.collect()
        for _ in range(calls):
            hold_call(stopwatch)
        found.append(stopwatch.take())
    return found


def hold_call(stopwatch: Stopwatch) -> None:
    call = Conversation(stopwatch.send)
    call.create()
    call.sync()
    call.join(call.callee)
    call.join(call.caller)
    call.leave()
    checked = CheckedConversation(stopwatch.send)
    checked.start()
    checked.check()
    checked.handle(checked.callee, is_answer=True)
    checked.handle(checked.callee, is_answer=False)


def medians(runs: list[Times]) -> dict[str, float]:
    """Command -> the median run's median."""
    return {
        command: median_of_runs(
            [run[command] for run in runs], lambda run: percentile(run, 50)
        )
        for command in runs[0]
    }
