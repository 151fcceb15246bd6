"""The control plane with repositories in memory, behind the API's own routes."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib import bootstrap, settings
from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_delivery import MemoryLanes, MemoryTallies
from chalicelib.adapters.memory_devices import MemoryTickets
from chalicelib.adapters.memory_endpoints import TakingPoster, memory_ports
from chalicelib.adapters.memory_erasure import Kept, memory_erasures
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.adapters.memory_history import (
    MemoryHistory,
    MemoryLiveCalls,
    MemoryPushTokens,
)
from chalicelib.adapters.memory_identity import MemoryKeys, MemoryWindows
from chalicelib.adapters.memory_repetition import MemoryRepetitions
from chalicelib.bootstrap import ControlPlane
from chalicelib.domain.endpoints import Endpoint
from chalicelib.protocol.vocabulary import DEFAULT_TENANT
from chalicelib.services.calls import CallService
from chalicelib.services.devices.push_tokens import DeviceService
from chalicelib.services.devices.tickets import TicketService
from chalicelib.services.effects import EffectService
from chalicelib.services.fleet import FleetService
from chalicelib.services.history import HistoryService
from chalicelib.services.identity.keys import KeyService
from chalicelib.services.reports import ReportService
from chalicelib.services.sessions import SessionService
from chalicelib.services.timeline import TimelineService
from infra.laptop.patching import replaced

SHOP = Endpoint(f"ep_{1:024}", "https://shop.example/hook", "a-secret-of-the-shop")
"""What fuzzing asks about by its id."""


@contextmanager
def plane_in_memory(jwt_secret: str) -> Iterator[None]:
    """Within the block every route acts on one store, empty but for an endpoint."""
    read = settings.parse(
        {
            "PARLEY_ENV": "development",
            "PARLEY_JWT_SECRET": jwt_secret,
            # One client asks for all: it would be stopped within a second.
            "PARLEY_RATE_LIMIT": "0",
            "PARLEY_RATE_LIMIT_SERVERS": "0",
            "LIVEKIT_CLIENT_URL": "wss://media.example",
            "LIVEKIT_API_KEY": "devkey",
            "LIVEKIT_API_SECRET": jwt_secret,
        }
    )
    clock, draws = SystemClock(), SystemDraws()
    store = Store()
    repository = MemoryCalls(store)
    sessions = SessionService(MemorySessions(store), clock, draws)
    calls = CallService(repository, clock, draws)
    entries, keys, windows = MemoryHistory(), MemoryKeys(), MemoryWindows()
    history = HistoryService(entries, MemoryLiveCalls(store), clock, draws)
    tokens, tickets = MemoryPushTokens(), MemoryTickets()
    carriers = bootstrap.carriers(read, clock)
    kept = Kept(store, tokens, (entries, keys, windows, tickets))
    store.endpoints[DEFAULT_TENANT, SHOP.id] = SHOP
    webhooks = memory_ports(store, {}, TakingPoster(), clock, draws)
    plane = ControlPlane(
        settings=read,
        calls=calls,
        reports=ReportService(calls, EffectService(repository, {}, clock, draws)),
        tallies=MemoryTallies(),
        fleet=FleetService(MemoryFleet(store), sessions, None, clock, draws),
        sessions=sessions,
        providers=bootstrap.providers(read),
        repetitions=MemoryRepetitions(clock),
        trust=bootstrap.trust_of(read),
        keys=KeyService(keys, clock, draws),
        limits=bootstrap.limits_of(read, windows, clock),
        history=history,
        timelines=TimelineService(calls, repository, MemoryLanes(store), clock, draws),
        devices=DeviceService(tokens, carriers, clock, draws),
        tickets=TicketService(tickets, clock, draws),
        webhooks=bootstrap.webhooks_of(read, webhooks, history),
        erasures=memory_erasures(kept, carriers, jwt_secret, clock, draws),
        clock=clock,
        draws=draws,
    )
    with replaced(bootstrap, "control_plane", lambda: plane):
        yield
