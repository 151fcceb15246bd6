"""A deliverer's time at an endpoint: with what it comes, what it knows, what it did."""

from collections import Counter
from dataclasses import dataclass, field, replace

from chalicelib.domain.endpoints import Endpoint, Health, Standing
from chalicelib.protocol.control import Redelivery
from chalicelib.services import ports
from chalicelib.services.webhooks.bodies import Webhook
from chalicelib.services.webhooks.lanes import Attempt, LaneKey, LaneRepository
from chalicelib.services.webhooks.ports import (
    Announcer,
    EndpointRepository,
    FailureLog,
    HealthRepository,
)
from chalicelib.services.webhooks.tallies import Tally, TallyRepository

SCHEDULE_SECONDS = (
    0,
    5,
    20,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
"""Waits before each attempt, the first one's included: Standard Webhooks' own, with
one more early."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What delivery needs of the world."""

    calls: ports.CallRepository
    lanes: LaneRepository
    endpoints: EndpointRepository
    health: HealthRepository
    failures: FailureLog
    poster: ports.Poster
    retries: ports.RetryMachine
    tallies: TallyRepository
    announcer: Announcer
    bus: ports.EventBus
    """Rings a lane that a machine's turn had to leave."""
    clock: ports.Clock
    draws: ports.Draws
    schedule: tuple[int, ...] = SCHEDULE_SECONDS


@dataclass(slots=True)
class Visit:
    """One deliverer's time at an endpoint with one call's webhooks."""

    tenant: str
    call_id: str
    standing: Standing
    """As far as it is known by now."""
    began_ms: int
    slot: int | None = None
    """Which one it holds, of an endpoint that is counted."""
    holder: str = ""
    is_probing: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    """Those that no lane has logged yet."""
    given_up: set[str] = field(default_factory=set)
    """Ids of webhooks that will not be tried again."""
    tally: Tally = Tally()
    """What stands in no tally yet."""
    is_story_over: bool = False

    @property
    def endpoint(self) -> Endpoint:
        return self.standing.endpoint

    @property
    def health(self) -> Health:
        return self.standing.health

    @property
    def key(self) -> LaneKey:
        return LaneKey(self.tenant, self.call_id, self.endpoint.id)

    def redelivery(
        self, webhook: Webhook, attempt: int, delay_seconds: int, lease: str = ""
    ) -> Redelivery:
        return Redelivery(
            tenant=self.tenant,
            call_id=self.call_id,
            seq=webhook.seq,
            webhook_id=webhook.id,
            endpoint_id=self.endpoint.id,
            attempt=attempt,
            delay_seconds=delay_seconds,
            lease=lease,
        )

    def count(self, tally: Tally) -> None:
        self.tally = total(self.tally, tally)

    def forget(self) -> None:
        """All of it is kept elsewhere by now."""
        self.attempts, self.given_up, self.tally = [], set(), Tally()

    def see(self, health: Health, version: int) -> None:
        """What was just kept."""
        kept = replace(health, version=version)
        self.standing = replace(self.standing, health=kept)


def total(one: Tally, other: Tally) -> Tally:
    failures = Counter(one.failures) + Counter(other.failures)
    return Tally(
        one.told + other.told,
        one.delivered + other.delivered,
        one.given_up + other.given_up,
        dict(failures),
    )
