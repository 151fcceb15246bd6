"""What the control plane measures of itself, and when that is worth a line.

A line of a log costs as much as a request. So what is within its bound is told of one
call in `SAMPLED`, which is enough for a curve; what is beyond, always, which is what
alarms look at.
"""

import zlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol

from chalicelib.domain.call import Call
from chalicelib.protocol.vocabulary import EndReason, EventType
from chalicelib.services.ports import CommitListener, OutboxEvent
from chalicelib.services.roster import Roster
from chalicelib.services.stories import Story

SAMPLED = 16
"""Of so many that are in time one is told."""
PUSHED_IN_TIME_MS = 2_000
MISSED_IN_TIME_MS = 2_500
"""A ring's timer rounds up to whole seconds, so that it never comes early."""


class Measure(StrEnum):
    """Metrics, by their names in CloudWatch; none has a call, user or worker in it."""

    COMMIT_TO_PUSH = "CommitToPush"
    """Milliseconds from a commit until the bus had its devices told."""
    RING_LATENESS = "RingLateness"
    """Milliseconds from a ring's deadline until it was missed."""
    LEASE_AGE = "LeaseAge"
    """Milliseconds since the worker renewed its lease that did so the longest ago."""
    WORKERS = "Workers"
    WORKERS_DRAINING = "WorkersDraining"
    """Of them, those that take no new sessions for good."""
    SESSIONS = "Sessions"
    LOAD = "Load"
    """Percent in use of what workers that do not drain can carry."""


MILLISECONDS = frozenset(
    {Measure.COMMIT_TO_PUSH, Measure.RING_LATENESS, Measure.LEASE_AGE}
)
PERCENT = frozenset({Measure.LOAD})
"""All others are counts."""


class Meter(Protocol):
    """Is told of measures."""

    def tell(self, values: Mapping[Measure, float]) -> None:
        """All of one instant; never raises."""


def is_worth_a_line(value_ms: int, in_time_ms: int, key: str) -> bool:
    """Whether it is late, or one of the sample; the same for the same ``key``."""
    return value_ms > in_time_ms or zlib.crc32(key.encode()) % SAMPLED == 0


class Punctuality:
    """A `CommitListener` that measures how late rings are missed."""

    def __init__(self, meter: Meter, then: CommitListener | None) -> None:
        """``then`` is the listener that it stands before."""
        self._meter = meter
        self._then = then

    def committed(self, call: Call, events: tuple[OutboxEvent, ...]) -> None:
        late_ms = _lateness(call, events)
        if late_ms is not None and is_worth_a_line(late_ms, MISSED_IN_TIME_MS, call.id):
            self._meter.tell({Measure.RING_LATENESS: late_ms})
        if self._then is not None:
            self._then.committed(call, events)


def _lateness(call: Call, events: tuple[OutboxEvent, ...]) -> int | None:
    """Of whoever's ring was missed by the commit and ought to have been first."""
    missed = {
        event.data["uid"]
        for event in events
        if event.type == EventType.PARTICIPANT_MISSED
    }
    ring_ms = call.ring_seconds * 1000
    late = (
        member.left_at_ms - member.invited_at_ms - ring_ms
        for member in call.participants
        if member.uid in missed
        and member.left_at_ms is not None
        and member.end_reason is EndReason.MISSED
    )
    return max((max(0, ms) for ms in late), default=None)


def tell_pushed(meter: Meter, story: Story, now_ms: int) -> None:
    """What a commit told has reached the devices that are connected."""
    last = story[-1]
    took_ms = max(0, now_ms - last.at_ms)
    if is_worth_a_line(took_ms, PUSHED_IN_TIME_MS, last.event_id):
        meter.tell({Measure.COMMIT_TO_PUSH: took_ms})


def tell_fleet(meter: Meter, roster: Roster, now_ms: int) -> None:
    """How the workers are that are not dead; that there is none is told too."""
    leases = [one.lease for one in roster.enrolments if not one.is_dead]
    values: dict[Measure, float] = {
        Measure.WORKERS: len(leases),
        Measure.WORKERS_DRAINING: sum(lease.is_draining for lease in leases),
        Measure.SESSIONS: sum(lease.sessions for lease in leases),
    }
    if leases:
        oldest_ms = min(lease.renewed_at_ms for lease in leases)
        values[Measure.LEASE_AGE] = max(0, now_ms - oldest_ms)
    staying = [lease for lease in leases if not lease.is_draining]
    capacity = sum(lease.capacity for lease in staying)
    if capacity:
        used = sum(lease.sessions for lease in staying)
        values[Measure.LOAD] = round(100 * used / capacity, 1)
    meter.tell(values)
