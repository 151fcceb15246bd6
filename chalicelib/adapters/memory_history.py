"""Ended calls and push tokens in dictionaries: the twins of DynamoDB's."""

from collections.abc import Iterable, Mapping, Sequence

from chalicelib.adapters.memory import Store
from chalicelib.domain.call import Call
from chalicelib.domain.history import Entry
from chalicelib.protocol.mobile_push import Platform, PushToken
from chalicelib.services import pseudonyms
from chalicelib.services.history import LATEST_MS
from chalicelib.services.pseudonyms import Subject


class MemoryHistory:
    """A `HistoryRepository`."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def keep(self, entry: Entry) -> None:
        self._entries[entry.tenant, entry.call_id] = entry

    def of_user(
        self,
        tenant: str,
        uid: str,
        from_ms: int,
        limit: int,
        to_ms: int = LATEST_MS,
        before: str = "",
    ) -> tuple[Entry, ...]:
        entries = (one for one in self._of(tenant) if uid in one.uids)
        return _latest(entries, from_ms, to_ms, before)[:limit]

    def of_tenant(
        self, tenant: str, from_ms: int, to_ms: int, before: str, limit: int
    ) -> tuple[Entry, ...]:
        return _latest(self._of(tenant), from_ms, to_ms, before)[:limit]

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """See `chalicelib.services.erasure.Erasure`."""
        named = [one for one in self._of(subject.tenant) if subject.uid in one.uids]
        for one in named:
            self.keep(pseudonyms.entry(subject, one))
        return {"history": len(named)} if named else {}

    def _of(self, tenant: str) -> list[Entry]:
        return [one for (of, _), one in list(self._entries.items()) if of == tenant]


def _latest(
    entries: Iterable[Entry], from_ms: int, to_ms: int, before: str
) -> tuple[Entry, ...]:
    wanted = (
        one
        for one in entries
        if from_ms <= one.ended_at_ms <= to_ms and (not before or one.place < before)
    )
    return tuple(sorted(wanted, key=lambda one: one.place, reverse=True))


class MemoryLiveCalls:
    """A `LiveCalls`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ids_of_tenant(self, tenant: str) -> tuple[str, ...]:
        with self._store.lock:
            return tuple(call_id for of, call_id in self._store.wakes if of == tenant)

    def load(self, tenant: str, call_ids: Sequence[str]) -> tuple[Call, ...]:
        with self._store.lock:
            found = (self._store.calls.get((tenant, call_id)) for call_id in call_ids)
            return tuple(call for call in found if call is not None)


class MemoryPushTokens:
    """A `PushTokenRepository`."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str, str, Platform], PushToken] = {}

    def keep(self, token: PushToken) -> None:
        for place, other in list(self._tokens.items()):
            if _is_same(other, token):
                del self._tokens[place]
        self._tokens[_place(token)] = token

    def of_user(self, tenant: str, uid: str) -> tuple[PushToken, ...]:
        tokens = [self._tokens[place] for place in sorted(self._tokens)]
        return tuple(one for one in tokens if (one.tenant, one.uid) == (tenant, uid))

    def forget(self, token: PushToken) -> None:
        stored = self._tokens.get(_place(token))
        if stored is not None and _is_same(stored, token):
            del self._tokens[_place(token)]

    def erase(self, subject: Subject) -> Mapping[str, int]:
        """See `chalicelib.services.erasure.Erasure`."""
        held = self.of_user(subject.tenant, subject.uid)
        for token in held:
            self.forget(token)
        return {"push_tokens": len(held)} if held else {}


def _place(token: PushToken) -> tuple[str, str, str, Platform]:
    return token.tenant, token.uid, token.device, token.platform


def _is_same(one: PushToken, other: PushToken) -> bool:
    """Wherever it stands: tokens of two apps have nothing to do with each other."""
    return (one.platform, one.environment, one.app, one.token) == (
        other.platform,
        other.environment,
        other.app,
        other.token,
    )
