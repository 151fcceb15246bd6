"""What administrators' requests about webhooks are made of."""

from dataclasses import dataclass

from chalicelib.protocol.url_policy import UrlPolicy
from chalicelib.services.history import HistoryService
from chalicelib.services.webhooks import endpoints, replays
from chalicelib.services.webhooks.attempt_log import AttemptLog
from chalicelib.services.webhooks.endpoints import EndpointService
from chalicelib.services.webhooks.replays import ReplayService
from chalicelib.services.webhooks.visits import Ports
from chalicelib.settings import Settings


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The services of `chalicelib.dialects.v1.webhooks`."""

    endpoints: EndpointService
    replays: ReplayService
    attempts: AttemptLog


def webhooks_of(settings: Settings, world: Ports, history: HistoryService) -> Webhooks:
    """In the world in which webhooks are delivered."""
    clock, draws = world.clock, world.draws
    managed = EndpointService(
        endpoints.Ports(
            endpoints=world.endpoints,
            health=world.health,
            failures=world.failures,
            poster=world.poster,
            policy=UrlPolicy(allows_loopback=settings.is_development),
            requires_https=not settings.is_development,
            clock=clock,
            draws=draws,
        )
    )
    replayed = ReplayService(
        replays.Ports(
            endpoints=managed,
            calls=world.calls,
            lanes=world.lanes,
            failures=world.failures,
            history=history,
            retries=world.retries,
            clock=clock,
            draws=draws,
            longest_call_ms=settings.max_call_seconds * 1000,
        )
    )
    attempts = AttemptLog(world.lanes, world.failures, history, clock, draws)
    return Webhooks(managed, replayed, attempts)
