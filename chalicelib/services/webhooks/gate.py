"""Who may post to an endpoint that does not do well: one prober, or ten at a time."""

from enum import Enum, auto

from chalicelib.domain import breaker
from chalicelib.services.webhooks.visits import Ports, Visit

SLOTS = 10
SLOT_MS = 130_000
"""Longer than its holder can run."""
PROBE_MARGIN_MS = 5_000
"""Beyond the endpoint's own time-out, until a probe is taken for lost."""


class Refusal(Enum):
    """Why there is no attempt now."""

    DISABLED = auto()
    OPEN = auto()
    """It fails; another probes, or nobody is to yet."""
    BUSY = auto()
    """It has as many posts as it may have."""


class Gate:
    """Lets a visit through to its endpoint, or not."""

    def __init__(self, world: Ports) -> None:
        self._world = world

    def enter(self, visit: Visit, is_overdue: bool) -> Refusal | None:
        """To be asked before each attempt; one that is overdue goes through an open
        breaker too."""
        health, now_ms = visit.health, self._world.clock.now_ms()
        if health.disabled is not None:
            return Refusal.DISABLED
        may_be_probed = breaker.may_be_probed(health, now_ms)
        if may_be_probed and self._probes(visit, now_ms):
            return None
        is_closed = not (may_be_probed or breaker.is_open(health, now_ms))
        if not (is_closed or is_overdue):
            return Refusal.OPEN
        if visit.slot is None and breaker.is_counted(health, now_ms):
            return None if self._takes_slot(visit, now_ms) else Refusal.BUSY
        return None

    def leave(self, visit: Visit) -> None:
        """Let others in."""
        if visit.slot is not None:
            self._world.health.free_slot(
                visit.tenant, visit.endpoint.id, visit.slot, visit.holder
            )
            visit.slot = None

    def _probes(self, visit: Visit, now_ms: int) -> bool:
        probe_ms = round(visit.endpoint.timeout_seconds * 1000) + PROBE_MARGIN_MS
        before = visit.health
        after = breaker.probing(before, now_ms, probe_ms)
        visit.is_probing = self._world.health.keep(
            visit.tenant, visit.endpoint.id, before, after
        )
        if visit.is_probing:
            visit.see(after, before.version + 1)
        return visit.is_probing

    def _takes_slot(self, visit: Visit, now_ms: int) -> bool:
        draws = self._world.draws
        visit.holder = visit.holder or draws.token()
        first = int(draws.uniform(0, SLOTS))
        for place in range(SLOTS):
            slot = (first + place) % SLOTS
            if self._world.health.take_slot(
                visit.tenant,
                visit.endpoint.id,
                slot,
                visit.holder,
                now_ms,
                now_ms + SLOT_MS,
            ):
                visit.slot = slot
                return True
        return False
