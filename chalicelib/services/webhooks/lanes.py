"""Lanes: who delivers a call's events to an endpoint, and how far they have come."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, Self

from chalicelib.protocol.envelope import UnknownVersion, stamped, version_of

MOST_LOGGED = 2_000
"""Attempts that a lane keeps; its item cannot grow without end."""


@dataclass(frozen=True, slots=True)
class LaneKey:
    """One endpoint's queue of one call's events."""

    tenant: str
    call_id: str
    endpoint_id: str


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane as its leaseholder has it."""

    key: LaneKey
    next_seq: int
    rings: int
    """How often it was rung while somebody held it."""
    lease: str
    """Proof of holding it, new with each lease."""
    uncounted: int = 0
    """Webhooks that were taken here and stand in no tally yet."""
    logged: int = 0
    """How many attempts it keeps."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a lane has come, for who does not hold it."""

    next_seq: int = 1
    held_until_ms: int = 0
    """0 when nobody holds it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One post of a webhook, and what came of it."""

    webhook_id: str
    type: str
    seq: int
    number: int
    """From 1; 0 for what is no part of the schedule."""
    at_ms: int
    duration_ms: int
    status: int | None
    """None when no whole answer came."""
    error: str = ""

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    def render(self) -> str:
        """Compact JSON: a lane's item has many of them."""
        fields = [
            stamped({})["v"],
            self.webhook_id,
            self.type,
            self.seq,
            self.number,
            self.at_ms,
            self.duration_ms,
            self.status,
            *([self.error] if self.error else []),
        ]
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises ValueError, `UnknownVersion` among them."""
        fields = json.loads(text)
        if not isinstance(fields, list) or len(fields) < 8:
            raise UnknownVersion("an attempt is a list of eight or nine")
        version_of({"v": fields[0]})
        webhook_id, kind, seq, number, at_ms, duration_ms, status = fields[1:8]
        error = fields[8] if len(fields) > 8 else ""
        return cls(webhook_id, kind, seq, number, at_ms, duration_ms, status, error)


class LaneRepository(Protocol):
    """Who delivers a call's events to an endpoint, and how far they have come."""

    def lease(
        self, key: LaneKey, seq: int, now_ms: int, until_ms: int, lease: str
    ) -> Lane | None:
        """Take the lane for the sake of event ``seq``.

        None when that event is behind it, or when somebody holds the lane: they
        are then rung, and cannot let go of it before they have looked again.
        """

    def settle(
        self, lane: Lane, next_seq: int, attempts: tuple[Attempt, ...]
    ) -> Lane | None:
        """Let go of the lane at ``next_seq``; None when that is done.

        A lane that was rung meanwhile is kept instead, and returned at
        ``next_seq`` to be looked at again. A lease lost to another is dropped.
        What the lane has ``uncounted`` and the attempts are kept with it.
        """

    def park(
        self, lane: Lane, next_seq: int, until_ms: int, attempts: tuple[Attempt, ...]
    ) -> bool:
        """Hold the lane on, for a machine that comes back with its lease.

        Rings only count meanwhile; from ``until_ms`` on whoever rings takes over.
        False when the lease was lost to another, or let go of.
        """

    def resume(self, key: LaneKey, lease: str, until_ms: int) -> Lane | None:
        """Take up a parked lane; None unless the lease is still that one.

        The machine may come twice: the same lease is resumed as often as it asks.
        """

    def note(self, key: LaneKey, attempts: tuple[Attempt, ...]) -> None:
        """Log what was attempted beside the lane, whoever holds it."""

    def attempts_of(
        self, tenant: str, call_id: str
    ) -> Mapping[str, tuple[Attempt, ...]]:
        """Endpoint id -> what was attempted there of the call, in order of logging."""

    def progress(self, key: LaneKey) -> Progress: ...
