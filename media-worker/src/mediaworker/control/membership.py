"""What a worker is to the control plane, and what it does about that.

Told of answers and of time; says what is to be done, and never waits.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import (
    EXPIRY_MS,
    HEARTBEAT_MS,
    Drain,
    EndSession,
    Lease,
    Order,
    Sight,
    Witness,
)

HEARTBEAT_SECONDS = HEARTBEAT_MS / 1_000
EXPIRY_SECONDS = EXPIRY_MS / 1_000
MOST_ORDERS_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class Me:
    """What stays the same of a worker, from its start to its end."""

    worker_id: str
    epoch: int
    address: str
    ws_url: str
    capacity: int
    task_id: str | None = None
    sip_address: str | None = None
    release: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How it is with the worker now."""

    sessions: int
    is_draining: bool


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Obey, for the first time."""

    order: Order


@dataclass(frozen=True, slots=True)
class TellDone:
    """The order need not be sent again."""

    command_id: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Try to reach this worker."""

    lease: Lease


Action = CarryOut | TellDone | Probe


@dataclass(slots=True)
class Membership:
    """A member renews its lease in time; one that was fenced off is none any more."""

    me: Me
    is_fenced: bool = False
    _renewed_at: float | None = None
    """When the renewal that was answered last had been sent."""
    _known: OrderedDict[str, bool] = field(default_factory=OrderedDict)
    """Orders by their ids: what came of each."""

    def lease(self, standing: Standing, now_ms: int) -> Lease:
        """To be sent."""
        return Lease(
            worker_id=self.me.worker_id,
            epoch=self.me.epoch,
            address=self.me.address,
            ws_url=self.me.ws_url,
            sessions=standing.sessions,
            capacity=self.me.capacity,
            is_draining=standing.is_draining,
            renewed_at_ms=now_ms,
            task_id=self.me.task_id,
            sip_address=self.me.sip_address,
            release=self.me.release,
        )

    def renewed(self, heartbeat: Heartbeat, sent_at: float) -> tuple[Action, ...]:
        """The lease that was sent then counts: what its answer asks for."""
        if self.is_fenced:
            return ()
        self._renewed_at = max(sent_at, self._renewed_at or sent_at)
        actions: list[Action] = []
        for order in heartbeat.orders:
            if self.is_new(order):
                actions.append(CarryOut(order))
            if isinstance(order, EndSession):
                actions.append(TellDone(order.command_id))
        actions += (
            Probe(lease)
            for lease in heartbeat.suspects
            if lease.worker_id != self.me.worker_id
        )
        return tuple(actions)

    def is_new(self, order: Order) -> bool:
        """Whether it was not carried out before; to drain again changes nothing."""
        return isinstance(order, Drain) or order.command_id not in self._known

    def carried_out(self, order: Order, is_done: bool) -> None:
        """What came of it is remembered, for when it is sent again."""
        if isinstance(order, EndSession):
            self._known[order.command_id] = is_done
            while len(self._known) > MOST_ORDERS_KNOWN:
                self._known.popitem(last=False)

    def outcome(self, order: EndSession) -> bool:
        """Of an order that is not new."""
        return self._known[order.command_id]

    def fence(self) -> bool:
        """Taken for dead, and replaced; False when that was known."""
        was_fenced, self.is_fenced = self.is_fenced, True
        return not was_fenced

    def lease_age(self, now: float) -> float | None:
        """In seconds; None before the first answer."""
        return None if self._renewed_at is None else now - self._renewed_at

    def may_take_sessions(self, now: float) -> bool:
        """Only of who is known to live would the control plane believe them."""
        age = self.lease_age(now)
        return not self.is_fenced and age is not None and age < EXPIRY_SECONDS

    def unreachable(self, suspect: Lease, now_ms: int) -> Witness:
        return Witness(
            worker_id=suspect.worker_id,
            epoch=suspect.epoch,
            sight=Sight.UNREACHABLE,
            seen_at_ms=now_ms,
            by=self.me.worker_id,
        )
