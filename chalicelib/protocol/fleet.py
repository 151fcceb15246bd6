"""What a worker posts to the control plane, and what it is answered.

``PUT /internal/workers/{worker_id}/lease``      a `Lease`            -> `Heartbeat`
``POST /internal/workers/{worker_id}/facts``     `Facts`              -> 204
``POST /internal/workers/{worker_id}/witnesses`` a `Witness`          -> 204
``POST /internal/workers/{worker_id}/orders/{command_id}/done``       -> 204
``GET /internal/workers``                                             -> `Workers`
``GET /internal/workers/{worker_id}/sessions/{session_id}?tenant=``   -> a `Neighbour`

All answer 409 to a worker whose epoch was fenced off: it ends its sessions and stops.
The control plane may post an order straight to the worker's own
``POST /internal/orders``, beside keeping it for the next heartbeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.protocol.envelope import stamped
from chalicelib.protocol.lease import (
    Fact,
    Lease,
    MalformedMessage,
    Neighbour,
    Order,
    SessionFact,
    parse_message,
    upcast_message,
)

MOST_FACTS = 100

HEARTBEAT = "heartbeat"
FACTS = "facts"
WORKERS = "workers"
"""Kinds, by which `chalicelib.protocol.envelope` knows former shapes."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to a renewed lease."""

    suspects: tuple[Lease, ...] = ()
    """Workers whose lease is old: try to reach them, and say so if you cannot."""
    orders: tuple[Order, ...] = ()
    """To be carried out once each, by ``command_id``."""
    workers: tuple[Neighbour, ...] = ()
    """All that live, whoever asks among them; none from a release that tells none."""
    again_in_ms: int | None = None
    """When a lease may have run out, before the next heartbeat's usual time: then."""

    def render(self, version: int | None = None) -> dict[str, Any]:
        """For a worker of that version, if one is given."""
        fields = {
            "suspects": [lease.render(version) for lease in self.suspects],
            "orders": [order.render(version) for order in self.orders],
            "workers": [worker.render(version) for worker in self.workers],
            "again_in_ms": self.again_in_ms,
        }
        return stamped(fields, HEARTBEAT, version)

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion`, `MalformedMessage`, or KeyError."""
        value = upcast_message(HEARTBEAT, value)
        orders = tuple(parse_message(order) for order in value["orders"])
        for order in orders:
            if isinstance(order, SessionFact):
                raise MalformedMessage("a heartbeat carries orders")
        return cls(
            tuple(Lease.parse(lease) for lease in value["suspects"]),
            tuple(o for o in orders if not isinstance(o, SessionFact)),
            tuple(Neighbour.parse(worker) for worker in value.get("workers", ())),
            _whole(value.get("again_in_ms")),
        )


def _whole(value: Any) -> int | None:
    """Of what may be anything: it is only a hint."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole else None


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker tells of its sessions, oldest first; the same again is nothing."""

    facts: tuple[Fact, ...]

    def render(self) -> dict[str, Any]:
        return stamped({"facts": [fact.render() for fact in self.facts]}, FACTS)

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion` or `MalformedMessage`."""
        given = upcast_message(FACTS, value).get("facts")
        if not isinstance(given, list):
            raise MalformedMessage("facts must be a list")
        messages = [parse_message(fact) for fact in given]
        facts = tuple(m for m in messages if isinstance(m, SessionFact))
        if len(facts) != len(messages) or len(facts) > MOST_FACTS:
            raise MalformedMessage(f"facts are at most {MOST_FACTS}, of sessions")
        return cls(facts)


@dataclass(frozen=True, slots=True)
class Workers:
    """All that live, for Parley's own parts."""

    workers: tuple[Lease, ...] = ()

    def render(self) -> dict[str, Any]:
        return stamped({"workers": [one.render() for one in self.workers]}, WORKERS)

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion`, `MalformedMessage`, or KeyError."""
        value = upcast_message(WORKERS, value)
        return cls(tuple(Lease.parse(one) for one in value["workers"]))
