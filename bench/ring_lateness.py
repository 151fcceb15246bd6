"""How long after a ring's deadline its end is told, with the ring machine alone.

Real time, on an in-process laptop cloud whose sweeper and TTL are switched off:
lateness is when the event was stored, less the deadline that the call was given.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bench.clients import SECRET, Ask, Conversation, decoded
from bench.machine import SYSTEM_CORE, pinned
from bench.measurement import Measurement, Progress, percentile, summary
from infra import wiring
from infra.laptop.clock import now_seconds
from infra.laptop.cloud import Cloud
from infra.laptop.environment import laptop_environment
from infra.laptop.observation import Change, Observation

RINGS = 200
RINGS_PER_SECOND = 10.0
RING_SECONDS = 5
PATIENCE_SECONDS = 30.0
WITHOUT = ("sweep", "expired", "ttl", "webhooks", "effects")
"""All but the outbox and the rule that starts the ring machine."""

INVITED, MISSED = "participant.invited", "participant.missed"


class Rings:
    """Hears of every deadline, and of what came of it."""

    def __init__(self, now_seconds: Callable[[], float]) -> None:
        self._now_seconds = now_seconds
        self._deadlines_ms: dict[str, float] = {}
        self._missed: dict[str, tuple[float, int]] = {}
        """Call -> when its end was stored, and when it says that it was."""
        self._news = threading.Condition()

    def observe(self, observation: Observation) -> None:
        if not isinstance(observation, Change) or observation.new is None:
            return
        if observation.keys["sk"]["S"].startswith("EVENT#"):
            stored_ms = self._now_seconds() * 1000
            self._hear(json.loads(observation.new["body"]["S"]), stored_ms)

    def _hear(self, event: Mapping[str, Any], stored_ms: float) -> None:
        with self._news:
            if event["type"] == INVITED:
                deadline = datetime.fromisoformat(event["data"]["deadline_at"])
                self._deadlines_ms[event["call_id"]] = deadline.timestamp() * 1000
            elif event["type"] == MISSED:
                self._missed[event["call_id"]] = stored_ms, event["at_ms"]
                self._news.notify_all()

    def wait_for(self, count: int, seconds: float) -> bool:
        """Until so many have ended."""
        with self._news:
            return self._news.wait_for(lambda: len(self._missed) >= count, seconds)

    def lateness_ms(self) -> list[tuple[float, float]]:
        """Of each ring: as stored, and as its own event says."""
        with self._news:
            return [
                (
                    stored_ms - self._deadlines_ms[call_id],
                    at_ms - self._deadlines_ms[call_id],
                )
                for call_id, (stored_ms, at_ms) in self._missed.items()
            ]


def measure(progress: Progress) -> Measurement:
    """Rings that nobody answers, begun one after the other."""
    with pinned(SYSTEM_CORE):
        found = ring(RINGS, RINGS_PER_SECOND, progress)
    if len(found) < RINGS:
        return Measurement({}, why_not=f"only {len(found)} of {RINGS} rings ended")
    stored = [late for late, _ in found]
    said = [late for _, late in found]
    return Measurement(
        values={
            # The event's own time is decided, and rounded down, before it is stored.
            "ring_earliest": min(stored + said),
            "ring_lateness_p99": percentile(stored, 99),
        },
        details=[
            f"stored {summary(stored)} ms after the deadline",
            f"dated {summary(said)} ms after the deadline",
        ],
        raw={"stored_ms": stored, "dated_ms": said},
    )


def ring(
    count: int, per_second: float, progress: Progress
) -> list[tuple[float, float]]:
    """The lateness of those that ended in time to be counted."""
    given = {
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_RING_SECONDS": str(RING_SECONDS),
    }
    rings = Rings(now_seconds)
    environment = laptop_environment(given, wiring.ROOT)
    with Cloud(environment, without=WITHOUT) as cloud:
        cloud.observe(rings.observe)

        def send(ask: Ask) -> Any:
            payload = json.dumps(ask.event()).encode()
            answer = json.loads(cloud.invoke(wiring.HTTP_DEFAULT.name, payload).payload)
            return decoded(ask.command, answer["statusCode"], answer["body"])

        began = time.monotonic()
        for number in range(count):
            if number % 50 == 0:
                progress(f"ring {number} of {count}")
            time.sleep(max(0.0, began + number / per_second - time.monotonic()))
            Conversation(send).create()
        progress("waiting for the last ones")
        rings.wait_for(count, RING_SECONDS + PATIENCE_SECONDS)
    return rings.lateness_ms()
