"""The whole API in memory, called as API Gateway calls it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest

import entry
from chalicelib import bootstrap, settings
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.memory_delivery import MemoryLanes, MemoryTallies
from chalicelib.adapters.memory_devices import MemoryTickets
from chalicelib.adapters.memory_endpoints import memory_ports
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
from chalicelib.protocol.claims import Principal
from chalicelib.protocol.vocabulary import DEFAULT_TENANT, Role
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
from chalicelib.services.webhooks.visits import Ports
from tests.builders import FakeClock, FakeDraws
from tests.services.deliverers import FakePoster

JWT_SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"
LIVEKIT_SECRET = "a-livekit-secret-of-at-least-thirty-two-bytes"
VARIABLES = {
    "PARLEY_ENV": "development",
    "PARLEY_JWT_SECRET": JWT_SECRET,
    # The clock of most tests stands still, and so would the limits' window.
    "PARLEY_RATE_LIMIT": "0",
    "PARLEY_RATE_LIMIT_SERVERS": "0",
    "LIVEKIT_CLIENT_URL": "wss://media.example",
    "LIVEKIT_API_KEY": "devkey",
    "LIVEKIT_API_SECRET": LIVEKIT_SECRET,
}


def token(uid: str, role: Role = Role.USER, tenant: str = "default") -> str:
    exp = SystemClock().now_ms() // 1000 + 600
    claims = {**Principal(tenant, uid, role).render(), "exp": exp}
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


@dataclass(frozen=True)
class Reply:
    """An answer as a client reads it."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


@dataclass
class Api:
    """A client of the API; ``uid`` None asks without a token."""

    store: Store
    clock: FakeClock
    tallies: MemoryTallies
    webhooks: Ports
    """The world in which they are delivered, here to a `FakePoster`."""
    last_event: dict[str, Any] = field(default_factory=dict)

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        uid: str | None = "alice",
        role: Role = Role.USER,
        tenant: str = "default",
        headers: Mapping[str, str] | None = None,
        query: str = "",
    ) -> Reply:
        sent = {"content-type": "application/json", **(headers or {})}
        if uid is not None:
            sent["authorization"] = f"Bearer {token(uid, role, tenant)}"
        text = body if isinstance(body, str) else json.dumps(body)
        self.last_event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "headers": sent,
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
                "requestId": "r",
                "stage": "$default",
            },
            "body": None if body is None else text,
            "isBase64Encoded": False,
        }
        answer = entry.http(self.last_event, None)
        return Reply(answer["statusCode"], answer["headers"], answer["body"])

    def post(
        self, path: str, body: Any, uid: str | None = "alice", **how: Any
    ) -> Reply:
        return self.request("POST", path, body, uid=uid, **how)

    def get(self, path: str, uid: str | None = "alice", **how: Any) -> Reply:
        return self.request("GET", path, uid=uid, **how)

    def events(self, call_id: str, tenant: str = "default") -> list[str]:
        return [e.type for e in self.store.events[tenant, call_id].values()]


def install(patch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> Api:
    """Put a control plane in memory in place of the environment's."""
    read = settings.parse(variables)
    store, clock, draws = Store(), FakeClock(), FakeDraws()
    repository = MemoryCalls(store)
    calls = CallService(repository, clock, draws)
    tallies = MemoryTallies()
    sessions = SessionService(MemorySessions(store), clock, draws)
    entries, keys, windows = MemoryHistory(), MemoryKeys(), MemoryWindows()
    history = HistoryService(entries, MemoryLiveCalls(store), clock, draws)
    tokens, tickets = MemoryPushTokens(), MemoryTickets()
    carriers = bootstrap.carriers(read, clock)
    kept = Kept(store, tokens, (entries, keys, windows, tickets))
    fixed = {DEFAULT_TENANT: read.endpoints}
    world = memory_ports(store, fixed, FakePoster(), clock, draws)
    plane = ControlPlane(
        settings=read,
        calls=calls,
        reports=ReportService(calls, EffectService(repository, {}, clock, draws)),
        tallies=tallies,
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
        webhooks=bootstrap.webhooks_of(read, world, history),
        erasures=memory_erasures(kept, carriers, read.jwt_secret, clock, draws),
        clock=clock,
        draws=draws,
    )
    patch.setattr(bootstrap, "control_plane", lambda: plane)
    return Api(store, clock, tallies, world)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return install(monkeypatch, VARIABLES)


@pytest.fixture
def open_api(monkeypatch: pytest.MonkeyPatch) -> Api:
    return install(monkeypatch, {**VARIABLES, "PARLEY_OPEN_DIALECTS": "tgortc"})
