"""Calls that are over, and a tenant's calls that are not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from chalicelib.domain import calls
from chalicelib.domain.call import Call
from chalicelib.domain.commands import Wake
from chalicelib.domain.history import Entry
from chalicelib.protocol.vocabulary import (
    Dialect,
    EndReason,
    EventType,
    Initiator,
    MediaType,
    Provider,
)
from chalicelib.services.ports import Clock, Draws, OutboxEvent
from chalicelib.services.retries import Retries
from chalicelib.services.stories import Story

_T = TypeVar("_T")

RETENTION_SECONDS = 90 * 24 * 3600
"""Counted from the call's end; as long as the call itself can be read."""
LATEST_MS = 9_999_999_999_999
"""Later than any call: thirteen digits, as places have them."""


class HistoryRepository(Protocol):
    """Ended calls, by their members and by their tenants."""

    def keep(self, entry: Entry) -> None:
        """For each member and for the tenant; again, and nothing changes."""

    def of_user(
        self,
        tenant: str,
        uid: str,
        from_ms: int,
        limit: int,
        to_ms: int = LATEST_MS,
        before: str = "",
    ) -> tuple[Entry, ...]:
        """The user's calls that ended from ``from_ms`` to ``to_ms``, both included.

        The last one first, at most ``limit``; ``before`` is the place of the last one
        that is known already.
        """

    def of_tenant(
        self, tenant: str, from_ms: int, to_ms: int, before: str, limit: int
    ) -> tuple[Entry, ...]:
        """The tenant's calls that ended from ``from_ms`` to ``to_ms``, both included.

        The last one first, at most ``limit``; ``before`` is the place of the last one
        that is known already, empty for none.
        """


class LiveCalls(Protocol):
    """The live calls of a tenant, found without an index of their own."""

    def ids_of_tenant(self, tenant: str) -> tuple[str, ...]:
        """In no order; some may have ended since, and the latest may be missing."""

    def load(self, tenant: str, call_ids: Sequence[str]) -> tuple[Call, ...]:
        """Those that there are, in no order."""


@dataclass(frozen=True, slots=True)
class Period:
    """Ended calls that are asked for: when they ended, and from where on."""

    from_ms: int = 0
    to_ms: int = LATEST_MS
    before: str = ""
    """The place of the last one that is known already; empty for none."""
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Ended:
    """A page of ended calls, the last one first."""

    entries: tuple[Entry, ...]
    following: str
    """What the next page is to be asked for with; empty when this is the last."""


@dataclass(frozen=True, slots=True)
class Live:
    """A page of live calls, by their ids."""

    calls: tuple[Call, ...]
    following: str
    """What the next page is to be asked for with; empty when this is the last."""


class HistoryService:
    """A `Hearer` that keeps how calls ended; and who looks back at them."""

    def __init__(
        self,
        history: HistoryRepository,
        live: LiveCalls,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._history = history
        self._live = live
        self._clock = clock
        self._draws = draws

    def hear(self, story: Story) -> None:
        """Keep the call if this is its end; again, it is the same.

        Raises `Unavailable`: some of it may have been kept.
        """
        if story[-1].type == EventType.ROOM_FINISHED:
            entry = entry_of(story[-1])
            self._repeat(lambda: self._history.keep(entry))

    def of_user(self, tenant: str, uid: str, period: Period) -> Ended:
        """Raises `Unavailable`."""
        one = period
        return _page(
            self._repeat(
                lambda: self._history.of_user(
                    tenant, uid, one.from_ms, one.limit + 1, one.to_ms, one.before
                )
            ),
            one.limit,
        )

    def of_tenant(self, tenant: str, period: Period) -> Ended:
        """Raises `Unavailable`."""
        one = period
        return _page(
            self._repeat(
                lambda: self._history.of_tenant(
                    tenant, one.from_ms, one.to_ms, one.before, one.limit + 1
                )
            ),
            one.limit,
        )

    def live_of_tenant(self, tenant: str, after: str, limit: int) -> Live:
        """Those behind the id ``after``, as they are now; the newest of them first.

        A page may have fewer than ``limit`` and not be the last. A call that begins
        or ends meanwhile may or may not be in one. Raises `Unavailable`.
        """
        found = self._repeat(lambda: self._live.ids_of_tenant(tenant))
        behind = sorted(call_id for call_id in set(found) if call_id > after)
        asked = behind[:limit]
        loaded = self._repeat(lambda: self._live.load(tenant, asked)) if asked else ()
        now_ms = self._clock.now_ms()
        present = [now for call in loaded if (now := _projected(call, now_ms)).is_live]
        present.sort(key=lambda call: (-call.created_at_ms, call.id))
        following = asked[-1] if len(behind) > len(asked) else ""
        return Live(tuple(present), following)

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)


def entry_of(event: OutboxEvent) -> Entry:
    """What the end of a call, as its outbox tells it, comes to."""
    data = event.data
    initiator = data["initiator"]
    return Entry(
        tenant=event.tenant,
        call_id=event.call_id,
        dialect=Dialect(data["dialect"]),
        provider=Provider(data["provider"]),
        media_type=MediaType(data["media_type"]),
        caller=data["creator"],
        uids=tuple(data["uids"]),
        created_at_ms=data["created_at_ms"],
        answered_at_ms=data.get("answered_at_ms"),
        ended_at_ms=event.at_ms,
        reason=EndReason(data["end_reason"]),
        initiator=initiator and Initiator(initiator),
        duration_seconds=data["duration_seconds"],
    )


def _page(found: tuple[Entry, ...], limit: int) -> Ended:
    """Of one more than are wanted, which tells whether there is a next page."""
    entries = found[:limit]
    return Ended(entries, entries[-1].place if len(found) > limit else "")


def _projected(call: Call, now_ms: int) -> Call:
    projected = calls.handle(call, Wake(), now_ms).call
    assert projected is not None
    return projected
