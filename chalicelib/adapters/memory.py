"""Every repository in a dictionary: the twin of DynamoDB's, for tests and fuzzing."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.domain.call import Call
from chalicelib.domain.endpoints import Endpoint, Health
from chalicelib.domain.sessions import Session, SessionKey
from chalicelib.protocol.control import Doorbell
from chalicelib.protocol.lease import Order, Witness
from chalicelib.services import agenda, ports
from chalicelib.services.ports import CommandRecord, Commit, OutboxEvent
from chalicelib.services.roster import Enrolment
from chalicelib.services.webhooks.lanes import Attempt, Lane, LaneKey

CallKey = tuple[str, str]


@dataclass
class Store:
    """What the repositories of one test share, behind one lock."""

    calls: dict[CallKey, Call] = field(default_factory=dict)
    events: dict[CallKey, dict[int, OutboxEvent]] = field(default_factory=dict)
    effects: dict[str, OutboxEvent] = field(default_factory=dict)
    wakes: dict[CallKey, int] = field(default_factory=dict)
    locks: dict[tuple[str, str], str] = field(default_factory=dict)
    records: dict[tuple[str, str], CommandRecord] = field(default_factory=dict)
    ids: set[CallKey] = field(default_factory=set)
    """Of every call there ever was."""
    numbers: dict[tuple[str, int], CallKey] = field(default_factory=dict)
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
    leases_until_ms: dict[LaneKey, int] = field(default_factory=dict)
    attempts: dict[LaneKey, tuple[Attempt, ...]] = field(default_factory=dict)
    endpoints: dict[tuple[str, str], Endpoint] = field(default_factory=dict)
    """(tenant, endpoint id) -> one that a request has made."""
    healths: dict[tuple[str, str], Health] = field(default_factory=dict)
    """(tenant, endpoint id) -> how it fares."""
    enrolments: dict[str, Enrolment] = field(default_factory=dict)
    witnesses: dict[tuple[str, int, str, str | None], Witness] = field(
        default_factory=dict
    )
    orders: dict[tuple[str, str], tuple[int, Order]] = field(default_factory=dict)
    """(worker, command id) -> (epoch, order)."""
    sessions: dict[SessionKey, Session] = field(default_factory=dict)
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

    def call_id_of_trace(self, tenant: str, trace_id: int) -> str | None:
        with self._store.lock:
            of, call_id = self._store.numbers.get(("trace", trace_id), ("", ""))
            return call_id if of == tenant else None

    def record(self, tenant: str, command_id: str) -> CommandRecord | None:
        with self._store.lock:
            return self._store.records.get((tenant, command_id))

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

    def request(self, effect: OutboxEvent) -> None:
        with self._store.lock:
            self._store.effects[effect.event_id] = effect

    def due(self, shard: int, now_ms: int) -> tuple[tuple[str, str], ...]:
        with self._store.lock:
            found = sorted(
                (at_ms, key)
                for key, at_ms in self._store.wakes.items()
                if at_ms <= now_ms and agenda.shard_of(key[1]) == shard
            )
            return tuple(key for _, key in found[: agenda.MOST_DUE])

    def rearm(self, call: Call) -> None:
        """Nothing expires here, so nothing is used up."""

    def postpone(self, call: Call, at_ms: int) -> None:
        with self._store.lock:
            key = (call.tenant, call.id)
            if self._store.calls[key].version == call.version:
                self._store.wakes[key] = at_ms

    def disarm(self, call: Call) -> None:
        with self._store.lock:
            key = (call.tenant, call.id)
            if self._store.calls[key].version == call.version:
                self._store.wakes.pop(key, None)

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
        if commit.before is None and (after.tenant, after.id) in store.ids:
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
        if commit.before is None and store.numbers.keys() & _numbers(after):
            raise ports.NumberTaken(after.id)

    def _apply(self, commit: Commit) -> None:
        store, after = self._store, commit.after
        store.calls[after.tenant, after.id] = after
        events = store.events.setdefault((after.tenant, after.id), {})
        events.update({event.seq: event for event in commit.events})
        store.effects.update({effect.event_id: effect for effect in commit.effects})
        store.wakes[after.tenant, after.id] = agenda.look_at_ms(after)
        for uid in commit.locks_taken:
            store.locks[after.tenant, uid] = after.id
        for uid in commit.locks_freed:
            store.locks.pop((after.tenant, uid), None)
        store.records[after.tenant, commit.record.command_id] = commit.record
        store.ids.add((after.tenant, after.id))
        for number in _numbers(after):
            store.numbers[number] = after.tenant, after.id
        store.committed.add(commit.token)


def _numbers(call: Call) -> set[tuple[str, int]]:
    return {("trace", call.trace_id), ("room", call.room_number)}


class MemoryBus:
    """An `EventBus` that keeps what it was told."""

    def __init__(self) -> None:
        self.doorbells: list[Doorbell] = []

    def publish(self, doorbells: Iterable[Doorbell]) -> list[int]:
        self.doorbells.extend(doorbells)
        return []
