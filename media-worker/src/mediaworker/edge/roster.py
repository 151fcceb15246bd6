"""The workers as the control plane tells of them, and who of them gets a call."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from urllib.parse import urlsplit

from chalicelib.protocol.lease import Lease
from mediaworker.sip.addresses import Uri
from mediaworker.sip.routing import DEFAULT_PORT, unbracketed

Place = tuple[str, int]
"""A host, IPv6 without brackets, and a port."""

DIGEST_BYTES = 6
DRAWS = 2 ** (8 * DIGEST_BYTES)


@dataclass(frozen=True, slots=True)
class Worker:
    """One that has a SIP port."""

    worker_id: str
    place: Place
    """Of new calls."""
    places: tuple[Place, ...]
    """By which requests may name it."""
    room: int
    """For new calls, in coarse steps: the free sessions, down to a power of two. A
    worker that takes one more call keeps its share of the others, as a rule."""


@dataclass(frozen=True, slots=True)
class Roster:
    """All that live."""

    workers: Mapping[str, Worker] = field(default_factory=dict)
    by_place: Mapping[Place, Worker] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    """Whence workers speak."""

    @classmethod
    def of(cls, leases: Iterable[Lease]) -> "Roster":
        """Of leases that the control plane believes: their age is not looked at, for
        while it is away the last roster is as good as any."""
        found = filter(None, map(worker_of, leases))
        workers = {worker.worker_id: worker for worker in found}
        by_place = {place: one for one in workers.values() for place in one.places}
        return cls(workers, by_place, frozenset(host for host, _ in by_place))

    @property
    def takers(self) -> tuple[Worker, ...]:
        return tuple(worker for worker in self.workers.values() if worker.room)

    def named(self, uri: Uri) -> Worker | None:
        """Whom a Request-URI or a Route points to."""
        return self.by_place.get(place_of(uri))

    def choose(self, call_id: str, but: Iterable[str] = ()) -> Worker | None:
        """By rendezvous hashing: each call draws a number at each worker, and the
        highest wins, so that a worker that comes or goes moves no call but its own."""
        tried = frozenset(but)
        candidates = (one for one in self.takers if one.worker_id not in tried)
        return max(candidates, key=lambda one: _score(one, call_id), default=None)


def worker_of(lease: Lease) -> Worker | None:
    """None for one that has no SIP port."""
    place = _place(lease.sip_address)
    if place is None:
        return None
    # Its HTTP address may be another of its names.
    other = _place(lease.address)
    names = (place,) if other is None else (place, (other[0], place[1]))
    takes = lease.takes_sessions(lease.renewed_at_ms)
    room = _step(lease.capacity - lease.sessions) if takes else 0
    return Worker(lease.worker_id, place, names, room)


def place_of(uri: Uri) -> Place:
    return unbracketed(uri.host), uri.port or DEFAULT_PORT


def _place(address: str | None) -> Place | None:
    try:
        parts = urlsplit(f"//{address or ''}")
        return (parts.hostname, parts.port) if parts.hostname and parts.port else None
    except ValueError:
        return None


def _step(free: int) -> int:
    return 1 << (free.bit_length() - 1)


def _score(worker: Worker, call_id: str) -> tuple[float, str]:
    """Wins as often as its room is of all room; the id decides between equals."""
    text = f"{worker.worker_id}\0{call_id}".encode(errors="replace")
    drawn = int.from_bytes(blake2b(text, digest_size=DIGEST_BYTES).digest())
    return -worker.room / math.log((drawn + 0.5) / DRAWS), worker.worker_id
