"""What Parley's own parts tell each other: functions, machines and workers."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from chalicelib.protocol.envelope import CURRENT, stamped, upcast

DOORBELL = "doorbell"
REDELIVERY = "redelivery"
"""Kinds, by which `chalicelib.protocol.envelope` knows former shapes."""


@dataclass(frozen=True, slots=True)
class Doorbell:
    """Told on the bus for each event of a call: something is in its outbox.

    Neither the stream nor the bus keeps order, so whoever hears it reads the
    outbox for the order and the whole truth.
    """

    tenant: str
    call_id: str
    seq: int
    event_id: str
    type: str
    at_ms: int
    data: Mapping[str, Any]
    """The event's own facts, for rules that look at them."""
    is_last: bool = True
    """Of its commit: who reads the outbox need hear of this one only."""

    def render(self) -> dict[str, Any]:
        return stamped(
            {
                "tenant": self.tenant,
                "call_id": self.call_id,
                "seq": self.seq,
                "event_id": self.event_id,
                "type": self.type,
                "at_ms": self.at_ms,
                "data": dict(self.data),
                "is_last": self.is_last,
            }
        )

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion`, or KeyError for a field that is missing."""
        value = upcast(DOORBELL, value)
        return cls(
            tenant=value["tenant"],
            call_id=value["call_id"],
            seq=int(value["seq"]),
            event_id=value["event_id"],
            type=value["type"],
            at_ms=int(value["at_ms"]),
            data=value["data"],
            is_last=value.get("is_last", True),
        )


class Outcome(StrEnum):
    """What became of one attempt to redeliver a webhook."""

    DELIVERED = "delivered"
    """Nothing is left to be done here."""
    RETRY = "retry"
    UNDELIVERABLE = "undeliverable"
    EXHAUSTED = "exhausted"
    """The webhook is; the lane behind it goes on when there is a dead letter of it."""
    APART = "apart"
    """The webhook is to leave its lane, which goes on; from then on it goes alone."""


@dataclass(frozen=True, slots=True)
class Redelivery:
    """What the retry machine carries, by its keys alone: a webhook, a lane, a range."""

    tenant: str
    call_id: str
    seq: int
    webhook_id: str
    endpoint_id: str
    attempt: int
    """The number of the attempt to come, from 1."""
    delay_seconds: int
    """How long the machine waits before it."""
    outcome: Outcome = Outcome.RETRY
    lease: str = ""
    """The lane's, when all of it waits behind this webhook; else it goes alone."""
    through_seq: int = 0
    """0 for this webhook alone; else for all of the call from ``seq`` to there."""

    def render(self) -> dict[str, Any]:
        return stamped(
            {
                "tenant": self.tenant,
                "call_id": self.call_id,
                "seq": self.seq,
                "webhook_id": self.webhook_id,
                "endpoint_id": self.endpoint_id,
                "attempt": self.attempt,
                "delay_seconds": self.delay_seconds,
                "outcome": self.outcome.value,
                "lease": self.lease,
                "through_seq": self.through_seq,
            }
        )

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion`, or KeyError for a field that is missing."""
        value = upcast(REDELIVERY, value)
        return cls(
            tenant=value["tenant"],
            call_id=value["call_id"],
            seq=int(value["seq"]),
            webhook_id=value["webhook_id"],
            endpoint_id=value["endpoint_id"],
            attempt=int(value["attempt"]),
            delay_seconds=int(value["delay_seconds"]),
            outcome=Outcome(value["outcome"]),
            lease=value.get("lease", ""),
            through_seq=int(value.get("through_seq", 0)),
        )


class HealthStatus(StrEnum):
    """Whether a worker takes new sessions."""

    STARTING = "starting"
    """Not yet: what it speaks and hears with is still being loaded."""
    OK = "ok"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class WorkerHealth:
    """A worker's answer to ``GET /health``."""

    worker_id: str
    status: HealthStatus
    sessions: int
    protocol_version: int = CURRENT

    def render(self) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "worker_id": self.worker_id,
            "protocol_version": self.protocol_version,
            "sessions": self.sessions,
        }

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises KeyError or ValueError when the answer is not a worker's."""
        return cls(
            worker_id=str(value["worker_id"]),
            status=HealthStatus(value["status"]),
            sessions=int(value["sessions"]),
            protocol_version=int(value["protocol_version"]),
        )
