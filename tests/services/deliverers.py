"""What deliverers of webhooks are made of in tests, and businesses to deliver to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from chalicelib.adapters.memory import MemoryBus, MemoryCalls, Store
from chalicelib.adapters.memory_delivery import (
    FixedEndpoints,
    MemoryFailures,
    MemoryHealth,
    MemoryLanes,
    MemoryRetries,
    MemoryTallies,
)
from chalicelib.domain.endpoints import Endpoint
from chalicelib.services.ports import Answer, Clock, Draws, Poster
from chalicelib.services.webhooks.visits import Ports
from tests.builders import FakeClock

SHOP = Endpoint("shop", "https://shop.example/hook", "secret")
BANK = Endpoint("bank", "https://bank.example/hook", "secret")


@dataclass
class FakeAnnouncer:
    """An `Announcer` that keeps what it was told."""

    told: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    def announce(
        self, tenant: str, type: str, data: Mapping[str, Any], now_ms: int
    ) -> None:
        self.told.append((type, data))

    def types(self) -> list[str]:
        return [kind for kind, _ in self.told]


@dataclass
class FakePoster:
    """Businesses that answer as they are told to, 200 when they are not."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    posted: list[tuple[str, str]] = field(default_factory=list)
    """(host, event id)"""
    takes_ms: int = 0
    clock: FakeClock | None = None
    meanwhile: Callable[[], None] = lambda: None
    decide: Callable[[str, str], Answer | None] = lambda host, event_id: None
    """Before the plan, if it knows."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        parts = urlsplit(url)
        host = parts.hostname or ""
        event_id = parse_qs(parts.query)["event_id"][0]
        self.posted.append((host, event_id))
        self.meanwhile()
        if self.clock is not None:
            self.clock.pass_ms(self.takes_ms)
        decided = self.decide(host, event_id)
        if decided is not None:
            return decided
        planned = self.answers.get(host)
        return planned.pop(0) if planned else Answer(200)

    def ids(self, host: str) -> list[str]:
        return [event_id for at, event_id in self.posted if at == host]


def ports(
    store: Store,
    endpoints: Mapping[str, tuple[Endpoint, ...]],
    poster: Poster,
    clock: Clock,
    draws: Draws,
    **changes: Any,
) -> Ports:
    """All in memory; ``changes`` are what the test looks at itself."""
    world: dict[str, Any] = {
        "calls": MemoryCalls(store),
        "lanes": MemoryLanes(store),
        "endpoints": FixedEndpoints(endpoints, store),
        "health": MemoryHealth(store),
        "failures": MemoryFailures(),
        "poster": poster,
        "retries": MemoryRetries(),
        "tallies": MemoryTallies(),
        "announcer": FakeAnnouncer(),
        "bus": MemoryBus(),
        "clock": clock,
        "draws": draws,
    }
    return Ports(**{**world, **changes})
