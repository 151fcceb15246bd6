"""Every repository in a dictionary: the twin of DynamoDB's, for tests and fuzzing."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from chalicelib.domain.call import Call
from chalicelib.protocol.control import Doorbell, Redelivery
from chalicelib.services import ports
from chalicelib.services.ports import (
    CommandRecord,
    Commit,
    Endpoint,
    Lane,
    LaneKey,
    OutboxEvent,
)

CallKey = tuple[str, str]


@dataclass
class Store:
    """What the repositories of one test share, behind one lock."""

    calls: dict[CallKey, Call] = field(default_factory=dict)
    events: dict[CallKey, dict[int, OutboxEvent]] = field(default_factory=dict)
    locks: dict[tuple[str, str], str] = field(default_factory=dict)
    records: dict[tuple[str, str], CommandRecord] = field(default_factory=dict)
    numbers: set[tuple[str, int]] = field(default_factory=set)
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
    leases_until_ms: dict[LaneKey, int] = field(default_factory=dict)
    committed: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)


class MemoryCalls:
    """A `CallRepository`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def load(self, tenant: str, call_id: str) -> Call | None:
        with self._store.lock:
            return self._store.calls.get((tenant, call_id))

    def call_id_of(self, tenant: str, uid: str) -> str | None:
        with self._store.lock:
            return self._store.locks.get((tenant, uid))

    def drop_lock(self, tenant: str, uid: str, call_id: str) -> None:
        with self._store.lock:
            if self._store.locks.get((tenant, uid)) == call_id:
                del self._store.locks[tenant, uid]

    def outbox(
        self, tenant: str, call_id: str, from_seq: int
    ) -> tuple[OutboxEvent, ...]:
        with self._store.lock:
            events = self._store.events.get((tenant, call_id), {})
            return tuple(events[seq] for seq in sorted(events) if seq >= from_seq)

    def commit(self, commit: Commit) -> None:
        with self._store.lock:
            if commit.token in self._store.committed:
                return
            self._check(commit)
            self._apply(commit)

    def _check(self, commit: Commit) -> None:
        store, after = self._store, commit.after
        record = store.records.get((after.tenant, commit.record.command_id))
        if record is not None:
            raise ports.AlreadyDone(record)
        stored = store.calls.get((after.tenant, after.id))
        if commit.before is None and stored is not None:
            raise ports.CallIdTaken(after.id)
        if commit.before is not None and (
            stored is None or stored.version != commit.before.version
        ):
            raise ports.Conflict(after.id)
        holders = {
            uid: holder
            for uid in commit.locks_taken
            if (holder := store.locks.get((after.tenant, uid), after.id)) != after.id
        }
        if holders:
            raise ports.LocksHeld(holders)
        if commit.before is None and not store.numbers.isdisjoint(_numbers(after)):
            raise ports.NumberTaken(after.id)

    def _apply(self, commit: Commit) -> None:
        store, after = self._store, commit.after
        store.calls[after.tenant, after.id] = after
        events = store.events.setdefault((after.tenant, after.id), {})
        events.update({event.seq: event for event in commit.events})
        for uid in commit.locks_taken:
            store.locks[after.tenant, uid] = after.id
        for uid in commit.locks_freed:
            store.locks.pop((after.tenant, uid), None)
        store.records[after.tenant, commit.record.command_id] = commit.record
        store.numbers.update(_numbers(after))
        store.committed.add(commit.token)


def _numbers(call: Call) -> set[tuple[str, int]]:
    return {("trace", call.trace_id), ("room", call.room_number)}


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
            self._store.lanes[key] = replace(lane, lease=lease)
            self._store.leases_until_ms[key] = until_ms
            return self._store.lanes[key]

    def settle(self, lane: Lane, next_seq: int) -> Lane | None:
        with self._store.lock:
            current = self._store.lanes[lane.key]
            if current.lease != lane.lease:
                return None
            settled = replace(current, next_seq=next_seq)
            self._store.lanes[lane.key] = settled
            if current.rings != lane.rings:
                return settled
            self._store.leases_until_ms[lane.key] = 0
            return None


class FixedEndpoints:
    """An `EndpointRepository` of what the environment names."""

    def __init__(self, endpoints: Mapping[str, tuple[Endpoint, ...]]) -> None:
        self._endpoints = endpoints

    def of_tenant(self, tenant: str) -> tuple[Endpoint, ...]:
        return self._endpoints.get(tenant, ())


class MemoryBus:
    """An `EventBus` that keeps what it was told."""

    def __init__(self) -> None:
        self.doorbells: list[Doorbell] = []

    def publish(self, doorbells: Iterable[Doorbell]) -> list[int]:
        self.doorbells.extend(doorbells)
        return []


class MemoryRetries:
    """A `RetryMachine` that keeps what it was given, once."""

    def __init__(self) -> None:
        self.started: list[Redelivery] = []

    def start(self, redelivery: Redelivery) -> None:
        if redelivery not in self.started:
            self.started.append(redelivery)
