"""What was attempted at an endpoint, for who looks back."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.services.history import HistoryService, Period
from chalicelib.services.ports import Clock, Draws
from chalicelib.services.retries import Retries
from chalicelib.services.webhooks.lanes import LaneRepository
from chalicelib.services.webhooks.ports import Failure, FailureLog

_T = TypeVar("_T")

MOST_CALLS = 20
"""Whose lanes one page looks at."""


@dataclass(frozen=True, slots=True)
class AttemptsWanted:
    """Which attempts at an endpoint are asked for."""

    is_failed_only: bool
    call_id: str
    """Empty for those of all calls."""
    limit: int
    after: str
    """What the page before gave as following; empty for the first."""


@dataclass(frozen=True, slots=True)
class Page:
    """Attempts, and where the next page begins."""

    attempts: tuple[Failure, ...]
    following: str = ""
    """Empty when this is the last."""


class AttemptLog:
    """Every method may raise `Unavailable`."""

    def __init__(
        self,
        lanes: LaneRepository,
        failures: FailureLog,
        history: HistoryService,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._lanes = lanes
        self._failures = failures
        self._history = history
        self._clock = clock
        self._draws = draws

    def page(self, tenant: str, endpoint_id: str, wanted: AttemptsWanted) -> Page:
        """Of a call in order of logging; else those of the last first.

        Those of all calls that did not fail are looked for call by call, among the
        tenant's ended ones: a page of them may have less than its limit, and even
        nothing, before the last one.
        """
        if wanted.call_id:
            return self._of_call(tenant, endpoint_id, wanted)
        if wanted.is_failed_only:
            return self._failed(tenant, endpoint_id, wanted)
        return self._recent(tenant, endpoint_id, wanted)

    def _failed(self, tenant: str, endpoint_id: str, wanted: AttemptsWanted) -> Page:
        page, limit = self._failures.page, wanted.limit
        found = self._repeat(lambda: page(tenant, endpoint_id, wanted.after, limit))
        return Page(found, found[-1].mark if len(found) == limit else "")

    def _of_call(self, tenant: str, endpoint_id: str, wanted: AttemptsWanted) -> Page:
        made = self._made(tenant, endpoint_id, wanted.call_id)
        if wanted.is_failed_only:
            made = tuple(one for one in made if not one.attempt.is_taken)
        first = int(wanted.after or 0)
        end = first + wanted.limit
        return Page(made[first:end], str(end) if len(made) > end else "")

    def _recent(self, tenant: str, endpoint_id: str, wanted: AttemptsWanted) -> Page:
        place, _, skipped = wanted.after.rpartition("|")
        first, shown = int(skipped or 0), list[Failure]()
        asked = Period(before=place, limit=MOST_CALLS)
        ended = self._history.of_tenant(tenant, asked)
        for entry in ended.entries:
            made = self._made(tenant, endpoint_id, entry.call_id)
            end = first + wanted.limit - len(shown)
            shown += made[first:end]
            if len(made) > end:
                return Page(tuple(shown), f"{place}|{end}")
            place, first = entry.place, 0
        following = f"{place}|0" if ended.following else ""
        return Page(tuple(shown), following)

    def _made(self, tenant: str, endpoint_id: str, call_id: str) -> tuple[Failure, ...]:
        attempts_of = self._lanes.attempts_of
        found = self._repeat(lambda: attempts_of(tenant, call_id))
        made = found.get(endpoint_id, ())
        return tuple(Failure(call_id, one, is_given_up=False) for one in made)

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)
