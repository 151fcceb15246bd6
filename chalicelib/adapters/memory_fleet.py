"""Workers and their sessions in a dictionary: the twin of DynamoDB's."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.adapters.memory import Store
from chalicelib.domain.sessions import Session, SessionKey
from chalicelib.protocol.lease import Lease, Order, Witness, may_renew, may_write
from chalicelib.services import ports
from chalicelib.services.ports import OutboxEvent
from chalicelib.services.roster import MOST_LIVE, Enrolment, Fenced, Roster, place_of
from chalicelib.services.sessions import order_id


class MemoryFleet:
    """A `FleetRepository`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def renew(self, lease: Lease) -> Enrolment:
        with self._store.lock:
            stored = self._store.enrolments.get(lease.worker_id)
            if not may_renew(_lease_of(stored), lease):
                raise Fenced(lease.worker_id)
            cleared = stored.cleared_epoch if stored else lease.epoch
            enrolment = Enrolment(lease, cleared)
            self._store.enrolments[lease.worker_id] = enrolment
            return enrolment

    def enrolment(self, worker_id: str) -> Enrolment | None:
        with self._store.lock:
            return self._store.enrolments.get(worker_id)

    def roster(self) -> Roster:
        with self._store.lock:
            return Roster(
                tuple(self._store.enrolments.values()),
                tuple(self._store.witnesses.values()),
            )

    def testify(self, witness: Witness) -> None:
        key = (witness.worker_id, witness.epoch, witness.sight, witness.by)
        with self._store.lock:
            self._store.witnesses[key] = witness

    def fence(self, lease: Lease) -> None:
        with self._store.lock:
            stored = self._store.enrolments.get(lease.worker_id)
            if stored is None or stored.lease != lease:
                raise ports.Conflict(lease.worker_id)
            self._store.enrolments[lease.worker_id] = replace(
                stored, lease=lease.taken_over(), is_dead=True
            )

    def clear(self, enrolment: Enrolment, now_ms: int) -> None:
        lease = enrolment.lease
        with self._store.lock:
            stored = self._store.enrolments.get(lease.worker_id)
            if stored is not None and stored.lease.epoch == lease.epoch:
                self._store.enrolments[lease.worker_id] = replace(
                    stored, cleared_epoch=lease.epoch
                )

    def keep_order(
        self, worker_id: str, epoch: int, order: Order, until_ms: int | None = None
    ) -> None:
        with self._store.lock:
            self._store.orders[worker_id, place_of(order)] = (epoch, order)

    def orders(self, worker_id: str, epoch: int) -> tuple[Order, ...]:
        with self._store.lock:
            return tuple(
                order
                for (of, _), (given_in, order) in sorted(
                    self._store.orders.items(), key=lambda item: item[0]
                )
                if (of, given_in) == (worker_id, epoch)
            )

    def drop_order(self, worker_id: str, command_id: str) -> None:
        with self._store.lock:
            self._store.orders.pop((worker_id, command_id), None)


class MemorySessions:
    """A `SessionRepository`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, key: SessionKey) -> Session | None:
        with self._store.lock:
            return self._store.sessions.get(key)

    def store(
        self,
        before: Session | None,
        after: Session,
        events: Sequence[OutboxEvent],
        epoch: int | None,
    ) -> None:
        key = after.key
        with self._store.lock:
            found = self._store.enrolments.get(key.worker_id)
            if epoch is not None and not may_write(_lease_of(found), epoch):
                raise Fenced(key.worker_id)
            stored = self._store.sessions.get(key)
            if (stored and stored.is_live) != (before and before.is_live):
                raise ports.Conflict(key.session_id)
            self._store.sessions[key] = after
            if not after.is_live:
                self._store.orders.pop((key.worker_id, order_id(key)), None)
            for event in events:
                address = (event.tenant, event.call_id)
                self._store.events.setdefault(address, {})[event.seq] = event

    def tell(self, key: SessionKey, event: OutboxEvent, epoch: int) -> None:
        with self._store.lock:
            found = self._store.enrolments.get(key.worker_id)
            if not may_write(_lease_of(found), epoch):
                raise Fenced(key.worker_id)
            told = self._store.events.setdefault((event.tenant, event.call_id), {})
            told.setdefault(event.seq, event)

    def live_of_worker(
        self, worker_id: str, before_epoch: int
    ) -> tuple[SessionKey, ...]:
        found = self._live(
            lambda one: (
                one.started.worker_id == worker_id and one.started.epoch < before_epoch
            )
        )
        return tuple(session.key for session in found[:MOST_LIVE])

    def live_of_tenant(self, tenant: str) -> tuple[Session, ...]:
        return self._live(lambda one: one.started.tenant == tenant)

    def live_of_user(self, tenant: str, uid: str) -> tuple[Session, ...]:
        owner = (tenant, uid)
        return self._live(lambda one: (one.started.tenant, one.started.uid) == owner)

    def live_of_id(self, tenant: str, session_id: str) -> tuple[Session, ...]:
        wanted = (tenant, session_id)
        return self._live(
            lambda one: (one.started.tenant, one.started.session_id) == wanted
        )

    def _live(self, is_wanted: Callable[[Session], bool]) -> tuple[Session, ...]:
        with self._store.lock:
            return tuple(
                one
                for one in self._store.sessions.values()
                if one.is_live and is_wanted(one)
            )


def _lease_of(enrolment: Enrolment | None) -> Lease | None:
    return None if enrolment is None else enrolment.lease
