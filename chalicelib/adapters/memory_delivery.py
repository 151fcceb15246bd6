"""What deliverers of webhooks keep, in dictionaries: twins of DynamoDB's."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from chalicelib.adapters.memory import Store
from chalicelib.domain.endpoints import Endpoint, Health, Standing
from chalicelib.protocol.control import Redelivery
from chalicelib.services import ports
from chalicelib.services.webhooks.lanes import (
    MOST_LOGGED,
    Attempt,
    Lane,
    LaneKey,
    Progress,
)
from chalicelib.services.webhooks.ports import Failure
from chalicelib.services.webhooks.tallies import Tally

DAY_MS = 24 * 3600 * 1000


class MemoryLanes:
    """A `LaneRepository`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def lease(
        self, key: LaneKey, seq: int, now_ms: int, until_ms: int, lease: str
    ) -> Lane | None:
        with self._store.lock:
            lane = self._store.lanes.get(key, Lane(key, 1, 0, ""))
            if lane.next_seq > seq:
                return None
            if self._store.leases_until_ms.get(key, 0) > now_ms:
                self._store.lanes[key] = replace(lane, rings=lane.rings + 1)
                return None
            return self._hold(replace(lane, lease=lease), until_ms)

    def settle(
        self, lane: Lane, next_seq: int, attempts: tuple[Attempt, ...]
    ) -> Lane | None:
        with self._store.lock:
            current = self._store.lanes[lane.key]
            if current.lease != lane.lease:
                return None
            settled = self._keep(lane, next_seq, attempts)
            if current.rings != lane.rings:
                return settled
            self._store.leases_until_ms[lane.key] = 0
            return None

    def park(
        self, lane: Lane, next_seq: int, until_ms: int, attempts: tuple[Attempt, ...]
    ) -> bool:
        with self._store.lock:
            if not self._is_held_by(lane.key, lane.lease):
                return False
            self._keep(lane, next_seq, attempts)
            self._store.leases_until_ms[lane.key] = until_ms
            return True

    def resume(self, key: LaneKey, lease: str, until_ms: int) -> Lane | None:
        with self._store.lock:
            if not self._is_held_by(key, lease):
                return None
            return self._hold(self._store.lanes[key], until_ms)

    def note(self, key: LaneKey, attempts: tuple[Attempt, ...]) -> None:
        with self._store.lock:
            made = (*self._store.attempts.get(key, ()), *attempts)
            if len(made) <= MOST_LOGGED:
                self._store.attempts[key] = made

    def attempts_of(
        self, tenant: str, call_id: str
    ) -> Mapping[str, tuple[Attempt, ...]]:
        with self._store.lock:
            keys = {*self._store.lanes, *self._store.attempts}
            return {
                key.endpoint_id: self._store.attempts.get(key, ())
                for key in keys
                if (key.tenant, key.call_id) == (tenant, call_id)
            }

    def progress(self, key: LaneKey) -> Progress:
        with self._store.lock:
            lane = self._store.lanes.get(key)
            until_ms = self._store.leases_until_ms.get(key, 0)
            return Progress(lane.next_seq, until_ms) if lane else Progress()

    def _is_held_by(self, key: LaneKey, lease: str) -> bool:
        lane = self._store.lanes.get(key)
        is_held = self._store.leases_until_ms.get(key, 0) > 0
        return is_held and lane is not None and lane.lease == lease

    def _hold(self, lane: Lane, until_ms: int) -> Lane:
        logged = len(self._store.attempts.get(lane.key, ()))
        self._store.lanes[lane.key] = replace(lane, logged=logged)
        self._store.leases_until_ms[lane.key] = until_ms
        return self._store.lanes[lane.key]

    def _keep(self, lane: Lane, next_seq: int, attempts: tuple[Attempt, ...]) -> Lane:
        self.note(lane.key, attempts)
        self._store.lanes[lane.key] = replace(
            self._store.lanes[lane.key],
            next_seq=next_seq,
            uncounted=lane.uncounted,
            logged=len(self._store.attempts.get(lane.key, ())),
        )
        return self._store.lanes[lane.key]


class MemoryTallies:
    """A `TallyRepository`."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, int], list[Tally]] = {}
        self._lock = threading.Lock()

    def add(self, tenant: str, now_ms: int, tally: Tally) -> None:
        with self._lock:
            self._days.setdefault((tenant, now_ms // DAY_MS), []).append(tally)

    def total(self, tenant: str) -> Tally:
        with self._lock:
            kept = [
                t for (of, _), day in self._days.items() for t in day if of == tenant
            ]
        failures = Counter[str]()
        for tally in kept:
            failures.update(tally.failures)
        return Tally(
            sum(tally.told for tally in kept),
            sum(tally.delivered for tally in kept),
            sum(tally.given_up for tally in kept),
            dict(failures),
        )

    def forget_before(self, tenant: str, at_ms: int) -> None:
        with self._lock:
            self._days = {
                (of, day): tallies
                for (of, day), tallies in self._days.items()
                if of != tenant or day >= at_ms // DAY_MS
            }


class FixedEndpoints:
    """An `EndpointRepository` of what the environment names, and of nothing else."""

    def __init__(
        self, endpoints: Mapping[str, tuple[Endpoint, ...]], store: Store | None = None
    ) -> None:
        """``store`` has their health."""
        self._endpoints = endpoints
        self._store = store or Store()

    def of_tenant(self, tenant: str) -> tuple[Standing, ...]:
        with self._store.lock:
            return tuple(
                Standing(one, self._store.healths.get((tenant, one.id), Health()))
                for one in self._endpoints.get(tenant, ())
            )

    def find(self, tenant: str, endpoint_id: str) -> Standing | None:
        standings = self.of_tenant(tenant)
        return next((one for one in standings if one.endpoint.id == endpoint_id), None)

    def create(self, tenant: str, endpoint: Endpoint) -> None:
        raise ports.Conflict(endpoint.id)

    def replace(self, tenant: str, before: Endpoint, after: Endpoint) -> None:
        raise ports.Conflict(before.id)

    def delete(self, tenant: str, endpoint_id: str) -> bool:
        return False


class MemoryHealth:
    """A `HealthRepository`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._slots: dict[tuple[str, str, int], tuple[str, int]] = {}
        """Who holds each, and until when."""

    def keep(
        self, tenant: str, endpoint_id: str, before: Health, after: Health
    ) -> bool:
        with self._store.lock:
            healths = self._store.healths
            stored = healths.get((tenant, endpoint_id), Health())
            if stored.version != before.version:
                return False
            kept = replace(after, version=before.version + 1)
            healths[tenant, endpoint_id] = kept
            return True

    def take_slot(
        self,
        tenant: str,
        endpoint_id: str,
        slot: int,
        holder: str,
        now_ms: int,
        until_ms: int,
    ) -> bool:
        with self._store.lock:
            key = (tenant, endpoint_id, slot)
            if self._slots.get(key, ("", 0))[1] > now_ms:
                return False
            self._slots[key] = (holder, until_ms)
            return True

    def free_slot(self, tenant: str, endpoint_id: str, slot: int, holder: str) -> None:
        with self._store.lock:
            key = (tenant, endpoint_id, slot)
            if self._slots.get(key, ("", 0))[0] == holder:
                del self._slots[key]


class MemoryFailures:
    """A `FailureLog`."""

    def __init__(self) -> None:
        self._logs: dict[tuple[str, str], dict[str, Failure]] = {}
        self._lock = threading.Lock()

    def add(
        self,
        tenant: str,
        endpoint_id: str,
        call_id: str,
        attempts: tuple[Attempt, ...],
        is_given_up: bool,
    ) -> None:
        with self._lock:
            log = self._logs.setdefault((tenant, endpoint_id), {})
            for one in attempts:
                failure = Failure(call_id, one, is_given_up and one is attempts[-1])
                log[failure.mark] = failure

    def page(
        self, tenant: str, endpoint_id: str, before: str, limit: int
    ) -> tuple[Failure, ...]:
        with self._lock:
            log = self._logs.get((tenant, endpoint_id), {})
            marks = [mark for mark in log if not before or mark < before]
            return tuple(log[mark] for mark in sorted(marks, reverse=True)[:limit])

    def forget_before(self, tenant: str, endpoint_id: str, at_ms: int) -> None:
        with self._lock:
            log = self._logs.get((tenant, endpoint_id), {})
            for mark in [one for one in log if one < f"{at_ms:013d}"]:
                del log[mark]


class MemoryRetries:
    """A `RetryMachine` that keeps what it was given, once for each token."""

    def __init__(self) -> None:
        self.started: list[Redelivery] = []
        self._names: set[tuple[str, str, str]] = set()

    def start(self, redelivery: Redelivery, token: str = "") -> None:
        name = (redelivery.webhook_id, redelivery.endpoint_id, token)
        if name not in self._names:
            self._names.add(name)
            self.started.append(redelivery)
