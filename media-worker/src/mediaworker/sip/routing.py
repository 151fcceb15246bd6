"""Where messages come from and go to (RFC 3261 sections 12.2.1.1 and 18, RFC 3581)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from mediaworker.sip.addresses import Address, Uri
from mediaworker.sip.headers import Via

Transport = Literal["UDP", "TCP"]
TRANSPORTS: dict[str, Transport] = {"udp": "UDP", "tcp": "TCP"}
DEFAULT_PORT = 5060


@dataclass(frozen=True, slots=True)
class Hop:
    """The next element of a message's way, or the one that it came from."""

    transport: Transport
    host: str
    """An address where it came from; where it goes to, a name may stand."""
    port: int
    flow: str | None = None
    """The connection that it came by. What goes there takes it while it lives, and
    otherwise a connection to the host and port, an old one or a new one."""
    origin: "Hop | None" = None
    """Who sent what came from here, where that is an edge of the fleet."""

    @property
    def sender(self) -> "Hop":
        """Whose message it is, whoever passed it on."""
        return self.origin or self

    def is_same_as(self, other: "Hop") -> bool:
        """By one connection, or to one place."""
        if self.flow is not None and self.flow == other.flow:
            return True
        return (self.transport, self.host, self.port) == (
            other.transport,
            other.host,
            other.port,
        )


@dataclass(frozen=True, slots=True)
class Transmission:
    """A message that is to be sent now.

    A request of more than 1300 bytes to a UDP hop still goes by UDP, in spite of RFC
    3261 section 18.1.1: phones that listen on UDP alone are many.
    """

    data: bytes = field(repr=False)
    hop: Hop


def hop_of(uri: Uri, transport: Transport = "UDP") -> Hop:
    """Where a SIP URI points to, over `transport` unless it names one of ours."""
    named = (uri.parameters.get("transport") or "").lower()
    host = uri.parameters.get("maddr") or uri.host
    chosen = TRANSPORTS.get(named, transport)
    return Hop(chosen, unbracketed(host), uri.port or DEFAULT_PORT)


def hop_back(via: Via, source: Hop) -> Hop:
    """Where a response goes to (18.2.2): to the source, whatever Via says of the host.

    ``maddr`` is not followed: it would let anybody have others written to.
    """
    if source.transport == "UDP" and "rport" in via.parameters:
        return source
    port = via.port or DEFAULT_PORT
    return Hop(source.transport, source.host, port, source.flow)


def is_behind_nat(vias: Sequence[Via], source: Hop) -> bool:
    """Whether its sender knows itself by another address than we do.

    What an edge has passed on has the edge's own Via before the sender's.
    """
    via = vias[0] if source.origin is None or len(vias) < 2 else vias[1]
    return unbracketed(via.host) != source.sender.host


def unbracketed(host: str) -> str:
    return host.removeprefix("[").removesuffix("]").lower()


@dataclass(frozen=True, slots=True)
class Way:
    """How a request within a dialog goes (12.2.1.1)."""

    uri: Uri
    """Its Request-URI."""
    routes: tuple[str, ...]
    next: Uri
    """Whom it is handed to."""


def way_to(target: Uri, routes: Sequence[Address]) -> Way:
    if not routes:
        return Way(target, (), target)
    first = routes[0].uri
    values = tuple(str(route) for route in routes)
    if first.is_loose:
        return Way(target, values, first)
    return Way(first.bare(), (*values[1:], f"<{target}>"), first)
