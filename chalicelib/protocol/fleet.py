"""What a worker posts to the control plane, and what it is answered.

``PUT /internal/workers/{worker_id}/lease``      a `Lease`            -> `Heartbeat`
``POST /internal/workers/{worker_id}/facts``     `Facts`              -> 204
``POST /internal/workers/{worker_id}/witnesses`` a `Witness`          -> 204
``POST /internal/workers/{worker_id}/orders/{command_id}/done``       -> 204

All answer 409 to a worker whose epoch was fenced off: it ends its sessions and stops.
The control plane may post an order straight to the worker's own
``POST /internal/orders``, beside keeping it for the next heartbeat.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from chalicelib.protocol.envelope import stamped, version_of
from chalicelib.protocol.lease import (
    Fact,
    Lease,
    MalformedMessage,
    Order,
    SessionEnded,
    SessionStarted,
    parse_message,
)

MOST_FACTS = 100


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to a renewed lease."""

    suspects: tuple[Lease, ...] = ()
    """Workers whose lease is old: try to reach them, and say so if you cannot."""
    orders: tuple[Order, ...] = ()
    """To be carried out once each, by ``command_id``."""

    def render(self) -> dict[str, Any]:
        return stamped(
            {
                "suspects": [lease.render() for lease in self.suspects],
                "orders": [order.render() for order in self.orders],
            }
        )

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion`, `MalformedMessage`, or KeyError."""
        version_of(value)
        orders = tuple(parse_message(order) for order in value["orders"])
        for order in orders:
            if isinstance(order, SessionStarted | SessionEnded):
                raise MalformedMessage("a heartbeat carries orders")
        return cls(
            tuple(Lease.parse(lease) for lease in value["suspects"]),
            tuple(
                o for o in orders if not isinstance(o, SessionStarted | SessionEnded)
            ),
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a worker tells of its sessions, oldest first; the same again is nothing."""

    facts: tuple[Fact, ...]

    def render(self) -> dict[str, Any]:
        return stamped({"facts": [fact.render() for fact in self.facts]})

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        """Raises `UnknownVersion`, `MalformedMessage`, or KeyError."""
        version_of(value)
        messages = [parse_message(fact) for fact in value["facts"]]
        facts = tuple(
            m for m in messages if isinstance(m, SessionStarted | SessionEnded)
        )
        if len(facts) != len(messages) or len(facts) > MOST_FACTS:
            raise MalformedMessage(f"facts are at most {MOST_FACTS}, of sessions")
        return cls(facts)
