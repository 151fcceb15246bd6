"""From a commit to the business's webhook, through the laptop stack as a process.

Calls begin at a steady rate, whatever became of those before them; the stack and its
emulated AWS share one core, callers and business the other. An event's commit is
dated by itself, as the stack's kept items show when it has stopped: a little before
it was stored.
"""

import json
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.business import Business
from bench.clients import SECRET, WEBHOOKS_PER_CALL, Conversation
from bench.laptop_process import STATE_FOLDER, LaptopProcess, laptop_process
from bench.machine import GENERATOR_CORE, pinned
from bench.measurement import Measurement, Progress, percentile, summary
from infra.laptop.state import State


@dataclass(frozen=True, slots=True)
class Load:
    """A steady rate, for so long."""

    name: str
    calls_per_second: float
    seconds: float

    @property
    def calls(self) -> int:
        return round(self.calls_per_second * self.seconds)


WARM_UP = Load("warm-up", 2, 5)
STEADY = Load("steady", 5, 30)
OVERLOAD = Load("overload", 20, 10)
"""More than the stack carries on one core; told beside the rows."""
PAUSE_SECONDS = 0.3
"""Between two requests of a call."""
CALLERS = 64
DRAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one load."""

    expected: int
    latencies_ms: list[float]
    """Of those webhooks that came."""
    refused: int
    """Calls that did not get to their end."""
    seconds: float

    def line(self, load: Load) -> str:
        spread = summary(self.latencies_ms) if self.latencies_ms else "none came"
        return (
            f"{load.name}: {load.calls_per_second:g} calls/s for {load.seconds:g} s: "
            f"{len(self.latencies_ms)} of {self.expected} webhooks, {spread} ms; "
            f"{self.refused} calls refused; all told after {self.seconds:.0f} s"
        )


def measure(progress: Progress) -> Measurement:
    """Each load on a stack of its own; the rows are the steady one's."""
    with pinned(GENERATOR_CORE):
        progress(f"{STEADY.calls_per_second:g} calls/s for {STEADY.seconds:g} s")
        steady = run(STEADY)
        progress(f"{OVERLOAD.calls_per_second:g} calls/s for {OVERLOAD.seconds:g} s")
        overload = run(OVERLOAD)
    carried = (OVERLOAD.calls - overload.refused) / overload.seconds
    missing = steady.expected - len(steady.latencies_ms)
    return Measurement(
        values={
            "commit_to_webhook_p50": percentile(steady.latencies_ms, 50),
            "commit_to_webhook_p99": percentile(steady.latencies_ms, 99),
        }
        if not missing
        else {},
        details=[
            steady.line(STEADY),
            overload.line(OVERLOAD),
            f"one core with its emulated AWS carries {carried:.1f} calls/s",
        ],
        raw={
            "steady_ms": steady.latencies_ms,
            "overload_ms": overload.latencies_ms,
            "carried_calls_per_second": carried,
        },
        why_not=f"{missing} webhooks did not come" if missing else "",
    )


def run(load: Load, warm_up: Load = WARM_UP) -> Outcome:
    """On a stack of its own, warmed up."""
    with TemporaryDirectory() as name, Business() as business:
        folder = Path(name)
        endpoint = {"url": business.url, "secret": SECRET}
        variables = {"BUSINESS_WEBHOOK_ENDPOINTS": json.dumps([endpoint])}
        with laptop_process(folder, variables) as laptop:
            _hold_calls(laptop, warm_up)
            business.wait_for(warm_up.calls * WEBHOOKS_PER_CALL, DRAIN_SECONDS)
            before = business.came_ms
            began = time.monotonic()
            refused = _hold_calls(laptop, load)
            expected = (load.calls - refused) * WEBHOOKS_PER_CALL
            business.wait_for(len(before) + expected, DRAIN_SECONDS)
            seconds = time.monotonic() - began
        came_ms = business.came_ms
        commits_ms = commits(folder / STATE_FOLDER)
    latencies = [
        at_ms - commits_ms[event_id]
        for event_id, at_ms in came_ms.items()
        if event_id not in before
    ]
    return Outcome(expected, latencies, refused, seconds)


def commits(state_folder: Path) -> Mapping[str, int]:
    """Event id -> when it was committed, of all that the stack has kept."""
    state = State(state_folder)
    state.open()
    try:
        bodies = [
            json.loads(item.new["body"]["S"])
            for item in state.kept
            if item.new and item.keys["sk"]["S"].startswith("EVENT#")
        ]
    finally:
        state.close()
    return {body["event_id"]: body["at_ms"] for body in bodies}


def _hold_calls(laptop: LaptopProcess, load: Load) -> int:
    """How many were refused."""
    with ThreadPoolExecutor(CALLERS) as callers:
        began = time.monotonic()
        calls: list[Future[None]] = []
        for number in range(load.calls):
            due_at = began + number / load.calls_per_second
            time.sleep(max(0.0, due_at - time.monotonic()))
            calls.append(callers.submit(_hold_call, laptop))
    return sum(call.exception() is not None for call in calls)


def _hold_call(laptop: LaptopProcess) -> None:
    call = Conversation(laptop.send)
    call.create()
    time.sleep(PAUSE_SECONDS)
    call.join(call.callee)
    time.sleep(PAUSE_SECONDS)
    call.join(call.caller)
    time.sleep(PAUSE_SECONDS)
    call.leave()
