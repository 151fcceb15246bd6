"""One call's whole story, for who was in it and for administrators."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.call import Call
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import Role
from chalicelib.services.calls import CallService
from chalicelib.services.ports import CallRepository, Clock, Draws, OutboxEvent
from chalicelib.services.retries import Retries
from chalicelib.services.webhooks.lanes import Attempt, LaneRepository

_T = TypeVar("_T")


class NoSuchCall(Exception):
    """There is none of the id, or none that is for the asking party to see."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What happened to a call, and who was told of it."""

    call: Call
    events: tuple[OutboxEvent, ...]
    """In order; none once the outbox has forgotten them."""
    attempts: Mapping[str, tuple[Attempt, ...]]
    """Endpoint id -> what was posted there; for administrators."""


class TimelineService:
    """Shows calls to those whose they are."""

    def __init__(
        self,
        calls: CallService,
        repository: CallRepository,
        lanes: LaneRepository,
        clock: Clock,
        draws: Draws,
    ) -> None:
        self._calls = calls
        self._repository = repository
        self._lanes = lanes
        self._clock = clock
        self._draws = draws

    def call(self, principal: Principal, call_id: str) -> Call:
        """As it is now. Raises `NoSuchCall` or `Unavailable`."""
        call = self._calls.view(principal.tenant, call_id)
        is_party = call is not None and call.participant(principal.uid) is not None
        if call is None or not (is_party or principal.role is Role.ADMIN):
            raise NoSuchCall(call_id)
        return call

    def timeline(self, principal: Principal, call_id: str) -> Timeline:
        """Raises `NoSuchCall` or `Unavailable`."""
        call = self.call(principal, call_id)
        tenant = principal.tenant
        events = self._repeat(lambda: self._repository.outbox(tenant, call_id, 1))
        attempts: Mapping[str, tuple[Attempt, ...]] = {}
        if principal.role is Role.ADMIN:
            attempts = self._repeat(lambda: self._lanes.attempts_of(tenant, call_id))
        return Timeline(call, events, attempts)

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._clock, self._draws).repeat(attempt)
