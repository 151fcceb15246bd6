"""The control plane with repositories in memory, behind the API's own routes."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib import bootstrap, settings
from chalicelib.adapters.clock import SystemClock, SystemDraws
from chalicelib.adapters.memory import MemoryCalls, MemoryTallies, Store
from chalicelib.adapters.memory_fleet import MemoryFleet, MemorySessions
from chalicelib.bootstrap import ControlPlane
from chalicelib.services.calls import CallService
from chalicelib.services.effects import EffectService
from chalicelib.services.fleet import FleetService
from chalicelib.services.reports import ReportService
from chalicelib.services.sessions import SessionService
from infra.laptop.patching import replaced


@contextmanager
def plane_in_memory(jwt_secret: str) -> Iterator[None]:
    """Within the block every route acts on one empty store."""
    read = settings.parse(
        {
            "PARLEY_ENV": "development",
            "PARLEY_JWT_SECRET": jwt_secret,
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
    plane = ControlPlane(
        settings=read,
        calls=calls,
        reports=ReportService(calls, EffectService(repository, {}, clock, draws)),
        tallies=MemoryTallies(),
        fleet=FleetService(MemoryFleet(store), sessions, None, clock, draws),
        sessions=sessions,
        providers=bootstrap.providers(read),
        clock=clock,
        draws=draws,
    )
    with replaced(bootstrap, "control_plane", lambda: plane):
        yield
