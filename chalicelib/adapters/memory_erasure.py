"""A user erased from dictionaries: the twin of DynamoDB's."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_devices import MemoryDevices
from chalicelib.adapters.memory_fleet import MemorySessions
from chalicelib.adapters.memory_history import MemoryPushTokens
from chalicelib.adapters.vault_local import LocalVault
from chalicelib.services import pseudonyms
from chalicelib.services.calls import CallService
from chalicelib.services.erasure import Belongings, ErasureService, Phones, Piece
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.pseudonyms import Subject
from chalicelib.services.sessions import SessionService

_K = TypeVar("_K")
_V = TypeVar("_V")


class Holder(Protocol):
    """A repository in memory."""

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """By kind, what was changed or deleted."""


class MemoryErasure:
    """An `Erasure`: a holder is a piece."""

    def __init__(self, holders: Sequence[Holder]) -> None:
        self._holders = holders

    def erase(self, subject: Subject, after: str) -> Piece:
        place = int(after or 0)
        if place >= len(self._holders):
            return Piece()
        counts = self._holders[place].erase(subject)
        more = place + 1 < len(self._holders)
        return Piece(counts, str(place + 1) if more else "")


class StoreHolder:
    """The calls, and what is told of them, and the sessions."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def erase(self, subject: Subject) -> Mapping[str, int]:
        with self._store.lock:
            counts = Counter[str](
                calls=self._calls(subject),
                events=self._events(subject),
                records=self._records(subject),
                sessions=self._sessions(subject),
            )
        return +counts

    def _calls(self, subject: Subject) -> int:
        changed = {
            key: replace(after, version=call.version + 1)
            for key, call in self._store.calls.items()
            if key[0] == subject.tenant
            and (after := pseudonyms.call(subject, call)) != call
        }
        self._store.calls.update(changed)
        return len(changed)

    def _events(self, subject: Subject) -> int:
        outboxes = [
            events
            for (tenant, _), events in self._store.events.items()
            if tenant == subject.tenant
        ]
        count = sum(
            _update(
                events,
                {seq: pseudonyms.event(subject, one) for seq, one in events.items()},
            )
            for events in outboxes
        )
        effects = {
            event_id: pseudonyms.event(subject, one)
            for event_id, one in self._store.effects.items()
            if one.tenant == subject.tenant
        }
        return count + _update(self._store.effects, effects)

    def _records(self, subject: Subject) -> int:
        records = self._store.records
        mine = [key for key in records if key[0] == subject.tenant]
        own = [key for key in mine if key[1].startswith(subject.key_prefix)]
        for key in own:
            del records[key]
        others = {
            key: pseudonyms.record(subject, records[key])
            for key in mine
            if key not in own
        }
        return len(own) + _update(records, others)

    def _sessions(self, subject: Subject) -> int:
        changed = {
            key: pseudonyms.session(subject, one)
            for key, one in self._store.sessions.items()
            if key.tenant == subject.tenant
        }
        return _update(self._store.sessions, changed)


def _update(held: dict[_K, _V], after: Mapping[_K, _V]) -> int:
    """How many are another now."""
    changed = {key: value for key, value in after.items() if held[key] != value}
    held.update(changed)
    return len(changed)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a control plane in memory keeps of users."""

    store: Store
    tokens: MemoryPushTokens
    others: Sequence[Holder] = ()


def memory_erasures(
    kept: Kept, phones: Phones, secret: str, clock: Clock, draws: Draws
) -> ErasureService:
    """With no sockets, as nothing in memory holds any."""
    repository, store = MemoryCalls(kept.store), kept.store
    devices = MemoryDevices()
    holders: list[Holder] = [StoreHolder(store), kept.tokens, devices, *kept.others]
    return ErasureService(
        MemoryErasure(holders),
        CallService(repository, clock, draws),
        repository,
        SessionService(MemorySessions(store), clock, draws),
        Belongings(devices, None, kept.tokens, phones),
        LocalVault(secret, draws),
        secret,
        clock,
        draws,
    )
