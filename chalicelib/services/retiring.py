"""Workers of former deployments, told to drain once those of the new one stand in.

A deployment that never gets so far, or is rolled back, has drained nobody.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from chalicelib.protocol.lease import Lease
from chalicelib.protocol.retirement import Retirement
from chalicelib.services.drains import DAY_MS
from chalicelib.services.fleet import FleetService
from chalicelib.services.ports import Clock

log = logging.getLogger(__name__)

PATIENCE_MS = 15 * 60_000
"""How long all workers of the new deployment are waited for, if one takes sessions."""
DRAIN_MS = 150 * 60_000
"""From a deployment's beginning to the end of what is left on old workers:
CloudFormation waits three hours for a service, and old tasks that protect themselves
count."""
SOON_MS = 10 * 60_000
SOON_SECONDS = 15
LATER_SECONDS = 60
"""A day of these is half of what an execution's history holds."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The one that a service is going to, or has come to."""

    id: str
    wanted: int
    """How many tasks it is to have."""


class Deployments(Protocol):
    """What runs the workers' tasks."""

    def primary(self, service_arn: str) -> Deployment | None:
        """None for a service that is not there, or is being removed."""

    def origins(self, service_arn: str, task_ids: Iterable[str]) -> Mapping[str, str]:
        """Id of a task -> id of the deployment that began it, of the service's own."""


class RetireService:
    """Looks at a deployment again and again, until it is over."""

    def __init__(
        self, fleet: FleetService, deployments: Deployments, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._deployments = deployments
        self._clock = clock

    def look(self, retirement: Retirement) -> Retirement:
        """The machine's next state. Raises `Unavailable`."""
        now_ms = self._clock.now_ms()
        begun = replace(retirement, began_at_ms=retirement.began_at_ms or now_ms)
        age_ms = now_ms - begun.began_at_ms
        primary = self._deployments.primary(begun.service_arn)
        is_current = primary is not None and primary.id == begun.deployment_id
        if primary is None or not is_current or age_ms >= DAY_MS:
            return replace(begun, is_over=True)
        old, new = self._divided(begun)
        if not old:
            return replace(begun, is_over=True)
        takers = sum(lease.takes_sessions(now_ms) for lease in new)
        if takers and (takers >= primary.wanted or age_ms >= PATIENCE_MS):
            self._drain(old, begun.began_at_ms + DRAIN_MS)
        soon = SOON_SECONDS if age_ms < SOON_MS else LATER_SECONDS
        return replace(begun, wait_seconds=soon)

    def _divided(self, begun: Retirement) -> tuple[list[Lease], list[Lease]]:
        """The service's workers that may live: of former deployments, and of this."""
        leases = {
            task_id_of(one.lease): one.lease
            for one in self._fleet.members()
            if one.lease.task_id and not one.is_dead
        }
        origins = self._deployments.origins(begun.service_arn, leases)
        old: list[Lease] = []
        new: list[Lease] = []
        for task_id, deployment_id in origins.items():
            is_new = deployment_id == begun.deployment_id
            (new if is_new else old).append(leases[task_id])
        return old, new

    def _drain(self, leases: Iterable[Lease], deadline_at_ms: int) -> None:
        for lease in leases:
            if not lease.is_draining:
                self._fleet.drains.begin_by(lease, deadline_at_ms)


def task_id_of(lease: Lease) -> str:
    """The last part of its ARN, if it is one."""
    return (lease.task_id or "").rpartition("/")[2]
