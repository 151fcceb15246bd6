"""Webhooks that are sent once more because somebody asks for them.

Each call's events go in order, by one execution of the retry machine, under their own
ids and with the endpoint's secret of now.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.endpoints import Endpoint, is_named
from chalicelib.services.history import HistoryService, Period
from chalicelib.services.ports import (
    CallRepository,
    Clock,
    Draws,
    RetryMachine,
)
from chalicelib.services.retries import Retries
from chalicelib.services.webhooks.bodies import Webhook, webhooks_of
from chalicelib.services.webhooks.endpoints import EndpointDisabled, EndpointService
from chalicelib.services.webhooks.lanes import LaneRepository
from chalicelib.services.webhooks.ports import Failure, FailureLog
from chalicelib.services.webhooks.runs import Run, redelivery_of, split

_S = TypeVar("_S")
_T = TypeVar("_T")

MOST_WEBHOOKS = 1_000
LONGEST_MS = 24 * 3600 * 1000
"""Of a time that is asked for."""
MOST_PAGES = 100
PAGE = 200
THREADS = 8
ID_DIGITS = 24
LARGEST_TRACE = 2**63

OF_CALL = re.compile(r"([0-9]{1,19})-([0-9]{1,10})(?:-.*)?", re.DOTALL)
"""A webhook's id that tells the call's number and the event's."""


class TooMany(Exception):
    """More webhooks than are sent at once; narrow what is asked for."""


class NothingToReplay(Exception):
    """There is no such call or event, or nothing of it is the endpoint's."""


@dataclass(frozen=True, slots=True)
class OfEvent:
    """One webhook, by its id."""

    event_id: str
    call_id: str = ""
    """Whose it is, where the id does not tell: that of a session's, for one."""


@dataclass(frozen=True, slots=True)
class OfCall:
    """What a call has told, from one of its events on."""

    call_id: str
    from_seq: int = 1


@dataclass(frozen=True, slots=True)
class OfPeriod:
    """What calls told in a time, all of it or what the endpoint never took."""

    from_ms: int
    to_ms: int
    """Included."""
    only_failed: bool = True
    events: tuple[str, ...] = ()
    """Types that are wanted; empty for all that the endpoint hears of."""


Wanted = OfEvent | OfCall | OfPeriod


@dataclass(frozen=True, slots=True)
class Replay:
    """What has been set going."""

    id: str
    webhooks: int


@dataclass(frozen=True, slots=True)
class Ports:
    """What replays need of the world."""

    endpoints: EndpointService
    calls: CallRepository
    lanes: LaneRepository
    failures: FailureLog
    history: HistoryService
    retries: RetryMachine
    clock: Clock
    draws: Draws
    longest_call_ms: int
    """How long after what it told a call may still end."""


class ReplayService:
    """Has webhooks sent once more."""

    def __init__(self, world: Ports) -> None:
        self._world = world

    def start(self, tenant: str, endpoint_id: str, wanted: Wanted) -> Replay:
        """Set it going; it is under way when this returns.

        Raises `EndpointNotFound`, `EndpointDisabled`, `NothingToReplay`, `TooMany` or
        `Unavailable`.
        """
        standing = self._world.endpoints.find(tenant, endpoint_id)
        if not standing.is_enabled:
            raise EndpointDisabled("the endpoint is disabled; enable it first")
        runs = self._runs(tenant, standing.endpoint, wanted)
        count = sum(len(run.webhooks) for run in runs)
        if count > MOST_WEBHOOKS:
            raise _too_many()
        token = self._world.draws.token()[-ID_DIGITS:]

        def start(run: Run) -> None:
            redelivery = redelivery_of(tenant, endpoint_id, run)
            self._repeat(lambda: self._world.retries.start(redelivery, token))

        self._each(runs, start)
        return Replay(f"rp_{token}", count)

    def _runs(self, tenant: str, endpoint: Endpoint, wanted: Wanted) -> Sequence[Run]:
        match wanted:
            case OfEvent():
                return self._of_event(tenant, endpoint, wanted)
            case OfCall():
                return self._of_call(tenant, endpoint, wanted)
            case OfPeriod(only_failed=True):
                return self._failed(tenant, endpoint, wanted)
            case _:
                return self._all(tenant, endpoint, wanted)

    def _of_event(
        self, tenant: str, endpoint: Endpoint, wanted: OfEvent
    ) -> Sequence[Run]:
        named = OF_CALL.fullmatch(wanted.event_id)
        call_id, seq = wanted.call_id, 1
        if not call_id and named and int(named[1]) < LARGEST_TRACE:
            call_id, seq = self._call_of(tenant, int(named[1])), int(named[2])
        webhooks = self._heard(tenant, call_id, endpoint, seq) if call_id else ()
        found = tuple(one for one in webhooks if one.id == wanted.event_id)
        if not found:
            raise NothingToReplay("there is no such webhook of this endpoint's")
        return (Run(call_id, found[:1], 0),)

    def _of_call(
        self, tenant: str, endpoint: Endpoint, wanted: OfCall
    ) -> Sequence[Run]:
        webhooks = self._heard(tenant, wanted.call_id, endpoint, wanted.from_seq)
        if not webhooks:
            raise NothingToReplay("the call has told nothing that is this endpoint's")
        return (Run(wanted.call_id, webhooks, 0),)

    def _failed(
        self, tenant: str, endpoint: Endpoint, period: OfPeriod
    ) -> Sequence[Run]:
        """Of what failed there in the time, what has not been taken since."""
        failed = self._failures(tenant, endpoint, period)

        def runs_of(call_id: str) -> list[Run]:
            attempts_of = self._world.lanes.attempts_of
            attempts = self._repeat(lambda: attempts_of(tenant, call_id))
            made = attempts.get(endpoint.id, ())
            taken = {one.webhook_id for one in made if one.is_taken}
            webhooks = self._heard(tenant, call_id, endpoint)
            return list(split(call_id, webhooks, failed[call_id] - taken))

        return [run for runs in self._each(sorted(failed), runs_of) for run in runs]

    def _failures(
        self, tenant: str, endpoint: Endpoint, period: OfPeriod
    ) -> Mapping[str, AbstractSet[str]]:
        """Call id -> ids of webhooks of which an attempt failed in the time."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        before = f"{period.to_ms + 1:013d}"
        for _ in range(MOST_PAGES):
            page = self._page(tenant, endpoint.id, before)
            for failure in page:
                if failure.attempt.at_ms < period.from_ms:
                    return found
                if _is_wanted(failure.attempt.type, period):
                    found[failure.call_id].add(failure.attempt.webhook_id)
            if len(page) < PAGE:
                return found
            before = page[-1].mark
            if len(found) > MOST_WEBHOOKS:
                break
        raise _too_many()

    def _page(self, tenant: str, endpoint_id: str, before: str) -> Sequence[Failure]:
        page = self._world.failures.page
        return self._repeat(lambda: page(tenant, endpoint_id, before, PAGE))

    def _all(self, tenant: str, endpoint: Endpoint, period: OfPeriod) -> Sequence[Run]:
        """Of what calls told in the time, failed or not; not of sessions, which have
        no list of those that are over."""

        def runs_of(call_id: str) -> list[Run]:
            webhooks = self._heard(tenant, call_id, endpoint)
            chosen = {
                one.id
                for one in webhooks
                if period.from_ms <= one.at_ms <= period.to_ms
                and _is_wanted(one.type, period)
            }
            return list(split(call_id, webhooks, chosen))

        call_ids = sorted({*self._ended(tenant, period), *self._live(tenant, period)})
        return [run for runs in self._each(call_ids, runs_of) for run in runs]

    def _ended(self, tenant: str, period: OfPeriod) -> Iterator[str]:
        """Calls that were there in the time and have ended, in it or later."""
        before, count = "", 0
        to_ms = period.to_ms + self._world.longest_call_ms
        for _ in range(MOST_PAGES):
            asked = Period(period.from_ms, to_ms, before, PAGE)
            ended = self._world.history.of_tenant(tenant, asked)
            there = [e for e in ended.entries if e.created_at_ms <= period.to_ms]
            yield from (entry.call_id for entry in there)
            before, count = ended.following, count + len(there)
            if not before:
                return
            if count > MOST_WEBHOOKS:
                break
        raise _too_many()

    def _live(self, tenant: str, period: OfPeriod) -> Iterator[str]:
        after, count = "", 0
        for _ in range(MOST_PAGES):
            live = self._world.history.live_of_tenant(tenant, after, PAGE)
            there = [call for call in live.calls if call.created_at_ms <= period.to_ms]
            yield from (call.id for call in there)
            after, count = live.following, count + len(there)
            if not after:
                return
            if count > MOST_WEBHOOKS:
                break
        raise _too_many()

    def _call_of(self, tenant: str, trace_id: int) -> str:
        """Empty when the tenant has none of the number."""
        call_id_of = self._world.calls.call_id_of_trace
        return self._repeat(lambda: call_id_of(tenant, trace_id)) or ""

    def _heard(
        self, tenant: str, call_id: str, endpoint: Endpoint, from_seq: int = 1
    ) -> tuple[Webhook, ...]:
        """What the endpoint hears of what the call has told, in order."""
        outbox = self._world.calls.outbox
        events = self._repeat(lambda: outbox(tenant, call_id, from_seq))
        return tuple(
            webhook for event in events for webhook in webhooks_of(event, endpoint)
        )

    def _each(self, items: Sequence[_S], act: Callable[[_S], _T]) -> list[_T]:
        """In order; some at a time, for each waits for the world."""
        if not items:
            return []
        with ThreadPoolExecutor(min(THREADS, len(items))) as threads:
            return list(threads.map(act, items))

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._world.clock, self._world.draws).repeat(attempt)


def _is_wanted(event_type: str, period: OfPeriod) -> bool:
    return not period.events or is_named(event_type, period.events)


def _too_many() -> TooMany:
    return TooMany(f"more than {MOST_WEBHOOKS} webhooks; narrow what is asked for")
