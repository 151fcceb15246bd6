"""Workers that are told to take nothing new, and to end when they are empty.

The order is kept for the worker's next heartbeat, and posted at once where the worker
is in reach. A worker never goes back from draining, so the order may come again and
again; of two deadlines the sooner counts.
"""

import logging
from collections.abc import Callable
from typing import TypeVar

from chalicelib.protocol.lease import Drain, Lease
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries
from chalicelib.services.roster import Enrolment, FleetRepository, WorkerDoor

log = logging.getLogger(__name__)

_T = TypeVar("_T")

DAY_MS = 86_400_000
KEPT_MS = 2 * DAY_MS
"""Longer than a worker lives without a heartbeat, and without a witness."""


class WorkerNotFound(Exception):
    """No worker of that id is alive."""


class Drains:
    """Tells workers to drain."""

    def __init__(
        self,
        fleet: FleetRepository,
        door: WorkerDoor | None,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._fleet = fleet
        self._door = door
        self._clock = clock
        self._draws = draws

    def begin(
        self, worker_id: str, seconds: int | None = None
    ) -> tuple[Enrolment, Drain]:
        """Sessions that are left after so many seconds are ended; None: let them end.

        A worker that is away for a while is told when it comes back. Raises
        `WorkerNotFound` or `Unavailable`.
        """
        found = self._repeat(lambda: self._fleet.enrolment(worker_id))
        if found is None or found.is_dead:
            raise WorkerNotFound(worker_id)
        deadline_at_ms = None
        if seconds is not None:
            deadline_at_ms = self._clock.now_ms() + seconds * 1000
        return found, self.begin_by(found.lease, deadline_at_ms)

    def begin_by(self, lease: Lease, deadline_at_ms: int | None) -> Drain:
        """What the worker is told: by then, or sooner if it was told so before.

        Raises `Unavailable`.
        """
        worker_id, epoch = lease.worker_id, lease.epoch
        kept = self._kept(lease)
        order = Drain(worker_id, epoch, _sooner(kept, deadline_at_ms))
        if kept != order:
            until_ms = self._clock.now_ms() + KEPT_MS
            self._repeat(
                lambda: self._fleet.keep_order(worker_id, epoch, order, until_ms)
            )
            log.info("worker is to drain", extra={"worker_id": worker_id})
        if self._door is not None:
            self._door.post(lease, order)
        return order

    def _kept(self, lease: Lease) -> Drain | None:
        orders = self._repeat(lambda: self._fleet.orders(lease.worker_id, lease.epoch))
        return next((one for one in orders if isinstance(one, Drain)), None)

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)


def _sooner(kept: Drain | None, deadline_at_ms: int | None) -> int | None:
    before = None if kept is None else kept.deadline_at_ms
    known = [at_ms for at_ms in (before, deadline_at_ms) if at_ms is not None]
    return min(known, default=None)
