"""What the control plane keeps of its workers and their sessions, and where.

`Fenced` is refused to a worker whose epoch is over; what else a repository may raise
stands in `chalicelib.services.ports`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.sessions import Session, SessionKey
from chalicelib.protocol.lease import EndSession, Lease, Order, Witness
from chalicelib.services.ports import OutboxEvent

MOST_LIVE = 100
"""Sessions of a worker that are read together."""
DRAIN = "drain"
"""Where a worker's order to drain is kept: it has one at most."""


class Fenced(Exception):
    """The worker was taken for dead, or another has its id: its word does not count."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A worker as it is stored."""

    lease: Lease
    cleared_epoch: int
    """No session of an epoch before this one is live any more."""
    is_dead: bool = False
    """Taken for it, and not heard of since."""

    @property
    def is_behind(self) -> bool:
        """Whether sessions of the worker's former life may still be live."""
        return self.cleared_epoch < self.lease.epoch


@dataclass(frozen=True, slots=True)
class Roster:
    """Every worker, and all that was seen of those that fell silent."""

    enrolments: tuple[Enrolment, ...] = ()
    witnesses: tuple[Witness, ...] = ()


def place_of(order: Order) -> str:
    """Where an order is kept, among its worker's."""
    return order.command_id if isinstance(order, EndSession) else DRAIN


class FleetRepository(Protocol):
    """Leases, witnesses, and the orders that wait for a heartbeat."""

    def renew(self, lease: Lease) -> Enrolment:
        """Raises `Fenced` unless `chalicelib.protocol.lease.may_renew`."""

    def enrolment(self, worker_id: str) -> Enrolment | None: ...

    def roster(self) -> Roster: ...

    def testify(self, witness: Witness) -> None:
        """The same again is nothing."""

    def fence(self, lease: Lease) -> None:
        """Store the lease `taken_over`, its worker dead.

        Raises `Conflict` unless the lease stands as it was read.
        """

    def clear(self, enrolment: Enrolment, now_ms: int) -> None:
        """Note that the enrolment is no more behind, unless its epoch is over too.

        A dead worker is forgotten a day later.
        """

    def keep_order(
        self, worker_id: str, epoch: int, order: Order, until_ms: int | None = None
    ) -> None:
        """Until it is done, or until then; the same again is nothing, and of orders
        to drain the last counts."""

    def orders(self, worker_id: str, epoch: int) -> tuple[Order, ...]: ...

    def drop_order(self, worker_id: str, command_id: str) -> None:
        """It is done; of one that is not there too."""


class SessionRepository(Protocol):
    """Sessions, an index of those that live, and their outbox."""

    def load(self, key: SessionKey) -> Session | None: ...

    def store(
        self,
        before: Session | None,
        after: Session,
        events: Sequence[OutboxEvent],
        epoch: int | None,
    ) -> None:
        """All of it or nothing; an ended session's order goes with it.

        Raises `Conflict` unless ``before`` is what stands there, and `Fenced` unless
        the lease of the session's worker has that ``epoch``, where one is given.
        """

    def tell(self, key: SessionKey, event: OutboxEvent, epoch: int) -> None:
        """An event beside the session's story; again is nothing.

        Raises `Fenced` unless the lease of the session's worker has that ``epoch``.
        """

    def live_of_worker(
        self, worker_id: str, before_epoch: int
    ) -> tuple[SessionKey, ...]:
        """The live sessions of its earlier epochs, at most `MOST_LIVE`."""

    def live_of_tenant(self, tenant: str) -> tuple[Session, ...]: ...

    def live_of_user(self, tenant: str, uid: str) -> tuple[Session, ...]: ...

    def live_of_id(self, tenant: str, session_id: str) -> tuple[Session, ...]:
        """One; or more, while the end of a former one has not been told."""


class WorkerDoor(Protocol):
    """A worker's own port, where the deployment can reach it."""

    def post(self, lease: Lease, order: Order) -> bool:
        """Whether it was taken; never raises for what the other side does."""
