"""Which workers live, what becomes of the sessions of one that does not, and orders.

A worker is dead when its lease is old **and** somebody else says so. Its epoch is then
fenced off, so that nothing it may still say counts, and its sessions are ended. Both
are done by whoever comes first (a heartbeat, a witness, a timer, the sweep) and are
finished by whoever comes next.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain.sessions import Session
from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import (
    EXPIRY_MS,
    HEARTBEAT_MS,
    EndSession,
    Lease,
    Sight,
    Witness,
    may_take_over,
)
from chalicelib.protocol.session.fields import SESSION_ID
from chalicelib.protocol.session.vocabulary import HangupReason
from chalicelib.protocol.vocabulary import Initiator
from chalicelib.services import ports
from chalicelib.services.drains import Drains
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries
from chalicelib.services.roster import (
    Enrolment,
    Fenced,
    FleetRepository,
    Roster,
    WorkerDoor,
)
from chalicelib.services.sessions import SessionService, order_id

log = logging.getLogger(__name__)

_T = TypeVar("_T")

TESTIMONY_MS = 5_000
"""The longest that a witness is on its way, from what it has seen until we hear it."""
LEAST_WAIT_MS = 1_000
"""Before a stopped task's lease is looked at again."""


class SessionNotFound(Exception):
    """No live session of that id is the asker's."""


class FleetService:
    """Knows the workers."""

    def __init__(
        self,
        fleet: FleetRepository,
        sessions: SessionService,
        door: WorkerDoor | None,
        clock: Clock,
        draws: Draws,
    ) -> None:
        """``door`` is None where workers are out of reach: heartbeats carry orders."""
        self.drains = Drains(fleet, door, clock, draws)
        self._fleet = fleet
        self._sessions = sessions
        self._door = door
        self._clock = clock
        self._draws = draws

    def renew(self, lease: Lease) -> Heartbeat:
        """A worker's heartbeat, by our own clock. Raises `Fenced` or `Unavailable`."""
        heard = replace(lease, renewed_at_ms=self._clock.now_ms())
        self._repeat(lambda: self._fleet.renew(heard))
        roster = self._look_without_failing()
        now_ms = self._clock.now_ms()
        suspects = tuple(
            one.lease
            for one in roster.enrolments
            if not one.is_dead
            and one.lease.is_expired(now_ms)
            and one.lease.worker_id != lease.worker_id
        )
        orders = self._repeat(lambda: self._fleet.orders(lease.worker_id, lease.epoch))
        workers = tuple(one.neighbour for one in _live_of(roster, now_ms))
        again_in_ms = _first_expiry(roster, lease.worker_id, now_ms)
        return Heartbeat(suspects, orders, workers, again_in_ms)

    def testify(self, by: str, witness: Witness) -> None:
        """A worker has tried another in vain. Raises `Fenced` or `Unavailable`."""
        self.check_alive(by)
        # Its clock may be ahead of ours or behind; ours alone dates the leases.
        now_ms = self._clock.now_ms()
        oldest_ms = now_ms - TESTIMONY_MS
        seen_at_ms = max(oldest_ms, min(witness.seen_at_ms, now_ms))
        self._testify(replace(witness, seen_at_ms=seen_at_ms, by=by))
        self.look()

    def hear_stopped(self, task_arn: str) -> int | None:
        """A worker's task has stopped: how long until that must be heard again.

        None when nothing is left to be done; milliseconds while its lease is too
        young to be taken over.
        """
        names = (task_arn, task_arn.rpartition("/")[2])
        for one in self._repeat(self._fleet.roster).enrolments:
            if one.lease.task_id in names and not one.is_dead:
                now_ms = self._clock.now_ms()
                worker_id, epoch = one.lease.worker_id, one.lease.epoch
                self._testify(Witness(worker_id, epoch, Sight.TASK_STOPPED, now_ms))
        left = [
            one.lease
            for one in self.look().enrolments
            if one.lease.task_id in names and not one.is_dead
        ]
        now_ms = self._clock.now_ms()
        waits = (lease.renewed_at_ms + EXPIRY_MS - now_ms for lease in left)
        return max((max(wait, LEAST_WAIT_MS) for wait in waits), default=None)

    def look(self) -> Roster:
        """Take over who is dead, and end what the dead have left.

        Returns the roster as it is then. One worker keeps nobody from looking at the
        others; what failed first is raised in the end, `Unavailable` as a rule.
        """
        roster = self._repeat(self._fleet.roster)
        after = tuple(self._looked_at(one, roster) for one in roster.enrolments)
        failures: list[Exception] = []
        for one in after:
            try:
                if one.is_behind:
                    self._clear(one)
            except Exception as failure:
                failures.append(failure)
        if failures:
            raise failures[0]
        return replace(roster, enrolments=after)

    def _clear(self, enrolment: Enrolment) -> None:
        lease = enrolment.lease
        self._sessions.fail_before(lease.worker_id, lease.epoch)
        now_ms = self._clock.now_ms()
        self._repeat(lambda: self._fleet.clear(enrolment, now_ms))

    def check_alive(self, worker_id: str) -> None:
        """Raises `Fenced` for a worker that was taken for dead, or is unknown."""
        found = self._repeat(lambda: self._fleet.enrolment(worker_id))
        if found is None or found.is_dead:
            raise Fenced(worker_id)

    def members(self) -> tuple[Enrolment, ...]:
        """Every worker by its id, with those that died within a day. Raises
        `Unavailable`."""
        found = self._repeat(self._fleet.roster).enrolments
        return tuple(sorted(found, key=lambda one: one.lease.worker_id))

    def takers(self) -> tuple[Lease, ...]:
        """Workers that take new sessions, in the order to ask them.

        Each comes first as often as its share of all the room that is left: what the
        leases say is as old as a heartbeat, and whoever asks meanwhile must not all
        go to the one that was empty then. Raises `Unavailable`.
        """
        now_ms = self._clock.now_ms()
        leases = [
            one.lease
            for one in self._repeat(self._fleet.roster).enrolments
            if not one.is_dead and one.lease.takes_sessions(now_ms)
        ]
        drawn = {one.worker_id: self._lot(one) for one in leases}
        return tuple(sorted(leases, key=lambda one: drawn[one.worker_id], reverse=True))

    def all_live(self) -> tuple[Lease, ...]:
        """Of workers that may have sessions, if they take new ones or not. Raises
        `Unavailable`."""
        return _live_of(self._repeat(self._fleet.roster), self._clock.now_ms())

    def holder(self, tenant: str, session_id: str) -> Lease | None:
        """Of the live worker that told of the session. Raises `Unavailable`."""
        if not SESSION_ID.match(session_id):
            return None
        for session in self._sessions.of_id(tenant, session_id):
            if lease := self.live(session.key.worker_id):
                return lease
        return None

    def live(self, worker_id: str) -> Lease | None:
        """Of a worker that may have sessions, if it takes new ones or not. Raises
        `Unavailable`."""
        found = self._repeat(lambda: self._fleet.enrolment(worker_id))
        if found is None or found.is_dead:
            return None
        return None if found.lease.is_expired(self._clock.now_ms()) else found.lease

    def kill(self, tenant: str, session_id: str, uid: str | None) -> None:
        """Have a session ended, of ``uid`` alone if one is given.

        Its worker is told at once where it can be reached, and by its next heartbeat
        else. Raises `SessionNotFound` or `Unavailable`.
        """
        is_id = SESSION_ID.match(session_id)
        found = [
            session
            for session in (self._sessions.of_id(tenant, session_id) if is_id else ())
            if uid in (None, session.started.uid)
        ]
        if not found:
            raise SessionNotFound(session_id)
        for session in found:
            self._order_end(session)

    def finish_order(self, worker_id: str, command_id: str) -> None:
        """Raises `Fenced` or `Unavailable`."""
        self.check_alive(worker_id)
        self._repeat(lambda: self._fleet.drop_order(worker_id, command_id))

    def _lot(self, lease: Lease) -> float:
        """The highest is first, with a chance of (its room / all room)."""
        room = lease.capacity - lease.sessions
        return float(self._draws.uniform(0, 1) ** (1 / room))

    def _order_end(self, session: Session) -> None:
        started = session.started
        order = EndSession(
            session_id=started.session_id,
            reason=HangupReason.BY_SYSTEM.value,
            initiator=Initiator.SYSTEM.value,
            command_id=order_id(session.key),
        )
        worker_id, epoch = started.worker_id, started.epoch
        self._repeat(lambda: self._fleet.keep_order(worker_id, epoch, order))
        if self._door is None:
            return
        found = self._repeat(lambda: self._fleet.enrolment(worker_id))
        if found is not None and found.lease.epoch == epoch:
            self._door.post(found.lease, order)

    def _looked_at(self, enrolment: Enrolment, roster: Roster) -> Enrolment:
        lease = enrolment.lease
        now_ms = self._clock.now_ms()
        if enrolment.is_dead or not may_take_over(lease, roster.witnesses, now_ms):
            return enrolment
        try:
            self._fleet.fence(lease)
        except ports.RepositoryError:
            # It has renewed its lease, or another was first; else whoever looks next.
            return enrolment
        log.warning(
            "worker - LIVE -> DEAD",
            extra={"worker_id": lease.worker_id, "epoch": lease.epoch},
        )
        return replace(enrolment, lease=lease.taken_over(), is_dead=True)

    def _look_without_failing(self) -> Roster:
        """For a worker that lives, though the dead cannot be buried now."""
        try:
            return self.look()
        except Exception:
            log.exception("the fleet was not looked at")
            return Roster()

    def _testify(self, witness: Witness) -> None:
        log.info(
            "witness",
            extra={"worker_id": witness.worker_id, "sight": witness.sight.value},
        )
        self._repeat(lambda: self._fleet.testify(witness))

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)


def _live_of(roster: Roster, now_ms: int) -> tuple[Lease, ...]:
    return tuple(
        one.lease
        for one in roster.enrolments
        if not one.is_dead and not one.lease.is_expired(now_ms)
    )


def _first_expiry(roster: Roster, but: str, now_ms: int) -> int | None:
    """Milliseconds, if a worker's lease may run out before the next heartbeat."""
    waits = (
        one.lease.renewed_at_ms + EXPIRY_MS - now_ms
        for one in roster.enrolments
        if not one.is_dead and one.lease.worker_id != but
    )
    return min((wait for wait in waits if 0 < wait < HEARTBEAT_MS), default=None)
