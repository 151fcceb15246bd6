"""Webhook endpoints, and what is told of them, in a dictionary: DynamoDB's twin."""

from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.memory import MemoryBus, MemoryCalls, Store
from chalicelib.adapters.memory_delivery import (
    MemoryFailures,
    MemoryHealth,
    MemoryLanes,
    MemoryRetries,
    MemoryTallies,
)
from chalicelib.domain.endpoints import Endpoint, Health, Standing
from chalicelib.services import ports
from chalicelib.services.ports import Answer, Clock, Draws, Poster
from chalicelib.services.webhooks.announcements import announcement
from chalicelib.services.webhooks.visits import Ports


class MemoryEndpoints:
    """An `EndpointRepository`; how they fare stands in the store."""

    def __init__(self, store: Store, fixed: Mapping[str, tuple[Endpoint, ...]]) -> None:
        """``fixed`` are the operator's own, by tenant."""
        self._store = store
        self._fixed = fixed

    def of_tenant(self, tenant: str) -> tuple[Standing, ...]:
        with self._store.lock:
            made = [
                endpoint
                for (of, _), endpoint in sorted(self._store.endpoints.items())
                if of == tenant
            ]
            endpoints = (*self._fixed.get(tenant, ()), *made)
            return tuple(self._standing(tenant, endpoint) for endpoint in endpoints)

    def find(self, tenant: str, endpoint_id: str) -> Standing | None:
        found = (
            one for one in self.of_tenant(tenant) if one.endpoint.id == endpoint_id
        )
        return next(found, None)

    def create(self, tenant: str, endpoint: Endpoint) -> None:
        with self._store.lock:
            if (tenant, endpoint.id) in self._store.endpoints:
                raise ports.Conflict(endpoint.id)
            self._store.endpoints[tenant, endpoint.id] = endpoint

    def replace(self, tenant: str, before: Endpoint, after: Endpoint) -> None:
        with self._store.lock:
            stored = self._store.endpoints.get((tenant, after.id))
            if stored is None or stored.version != before.version:
                raise ports.Conflict(after.id)
            self._store.endpoints[tenant, after.id] = after

    def delete(self, tenant: str, endpoint_id: str) -> bool:
        with self._store.lock:
            self._store.healths.pop((tenant, endpoint_id), None)
            return self._store.endpoints.pop((tenant, endpoint_id), None) is not None

    def _standing(self, tenant: str, endpoint: Endpoint) -> Standing:
        health = self._store.healths.get((tenant, endpoint.id), Health())
        return Standing(endpoint, health)


class MemoryAnnouncer:
    """An `Announcer`: what it tells stands in the store's outbox."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def announce(
        self, tenant: str, type: str, data: Mapping[str, Any], now_ms: int
    ) -> None:
        with self._store.lock:
            while True:
                event = announcement(tenant, type, data, now_ms)
                if (tenant, event.call_id) not in self._store.events:
                    break
                now_ms += 1
            self._store.events[tenant, event.call_id] = {event.seq: event}


class TakingPoster:
    """A `Poster` to businesses that take everything, and of which nothing is kept."""

    def post(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> Answer:
        return Answer(200)


def memory_ports(
    store: Store,
    fixed: Mapping[str, tuple[Endpoint, ...]],
    poster: Poster,
    clock: Clock,
    draws: Draws,
) -> Ports:
    """All that delivery needs of the world, but for businesses, in memory."""
    return Ports(
        calls=MemoryCalls(store),
        lanes=MemoryLanes(store),
        endpoints=MemoryEndpoints(store, fixed),
        health=MemoryHealth(store),
        failures=MemoryFailures(),
        poster=poster,
        retries=MemoryRetries(),
        tallies=MemoryTallies(),
        announcer=MemoryAnnouncer(store),
        bus=MemoryBus(),
        clock=clock,
        draws=draws,
    )
