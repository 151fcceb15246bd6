"""What administrators do with the webhook endpoints of their tenant.

EndpointRefused
├── EndpointNotFound    the tenant has none of the id
├── ReadOnly            the operator's variables set it
├── TooManyEndpoints    the tenant has as many as it may have
├── EndpointDisabled    it is told nothing
└── InvalidUrl          webhooks may not go there
"""

import base64
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from chalicelib.domain.endpoints import Disabled, Endpoint, Health, Standing
from chalicelib.protocol.url_policy import ForbiddenUrl, UrlPolicy
from chalicelib.protocol.vocabulary import CONTRACT_EVENTS
from chalicelib.services import ports
from chalicelib.services.ports import Clock, Draws, Poster
from chalicelib.services.retries import Retries
from chalicelib.services.webhooks.bodies import WHSEC
from chalicelib.services.webhooks.ports import (
    EndpointRepository,
    FailureLog,
    HealthRepository,
)
from chalicelib.services.webhooks.trials import Tested, try_out

log = logging.getLogger(__name__)

_T = TypeVar("_T")

MOST_ENDPOINTS = 20
"""Of one tenant, those of the environment not counted."""
ID_DIGITS = 24
ENDPOINT_ID = re.compile(r"[A-Za-z0-9_]{1,64}")
"""Ours, and the environment's."""


class EndpointRefused(Exception):
    """The endpoint is not one with which this can be done."""


class EndpointNotFound(EndpointRefused):
    """The tenant has none of the id."""


class ReadOnly(EndpointRefused):
    """The operator's variables set it."""


class TooManyEndpoints(EndpointRefused):
    """The tenant has as many as it may have."""


class EndpointDisabled(EndpointRefused):
    """It is told nothing."""


class InvalidUrl(EndpointRefused):
    """Webhooks may not go there; says why."""


@dataclass(frozen=True, slots=True)
class NewEndpoint:
    """What an endpoint is to be."""

    url: str
    events: tuple[str, ...] = CONTRACT_EVENTS
    description: str = ""
    timeout_seconds: float = 10.0
    secret: str = field(default="", repr=False)
    """Empty for one that is to be drawn."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be another; None for what stays."""

    url: str | None = None
    events: tuple[str, ...] | None = None
    description: str | None = None
    timeout_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Ports:
    """What the endpoints' use cases need of the world."""

    endpoints: EndpointRepository
    health: HealthRepository
    failures: FailureLog
    poster: Poster
    policy: UrlPolicy
    """As the poster has it: what it would refuse is better told at once."""
    requires_https: bool
    clock: Clock
    draws: Draws


class EndpointService:
    """Every method may raise `Unavailable`, and `VaultFailed` where a secret is."""

    def __init__(self, world: Ports) -> None:
        self._world = world

    def of_tenant(self, tenant: str) -> tuple[Standing, ...]:
        """The operator's own first, then the oldest."""
        found = self._repeat(lambda: self._world.endpoints.of_tenant(tenant))
        return tuple(sorted(found, key=_age))

    def find(self, tenant: str, endpoint_id: str) -> Standing:
        """Raises `EndpointNotFound`."""
        find = self._world.endpoints.find
        standing = None
        if ENDPOINT_ID.fullmatch(endpoint_id):
            standing = self._repeat(lambda: find(tenant, endpoint_id))
        if standing is None:
            raise EndpointNotFound("there is no such endpoint")
        return standing

    def create(self, tenant: str, new: NewEndpoint) -> Standing:
        """Raises `InvalidUrl` or `TooManyEndpoints`."""
        self._check(new.url)
        self._require_room(tenant, MOST_ENDPOINTS - 1)
        now_ms = self._world.clock.now_ms()
        endpoint = Endpoint(
            id=f"ep_{self._world.draws.token()[-ID_DIGITS:]}",
            url=new.url,
            secret=new.secret or self._drawn_secret(),
            timeout_seconds=new.timeout_seconds,
            events=new.events,
            description=new.description,
            created_at_ms=now_ms,
            updated_at_ms=now_ms,
        )
        self._repeat(lambda: self._create(tenant, endpoint))
        try:
            # Two that came together have both found room.
            self._require_room(tenant, MOST_ENDPOINTS)
        except TooManyEndpoints:
            self._repeat(lambda: self._world.endpoints.delete(tenant, endpoint.id))
            raise
        _tell("created", tenant, endpoint.id)
        return Standing(endpoint)

    def change(self, tenant: str, endpoint_id: str, changes: Changes) -> Standing:
        """Raises `EndpointNotFound`, `ReadOnly` or `InvalidUrl`."""
        if changes.url is not None:
            self._check(changes.url)

        def changed(endpoint: Endpoint) -> Endpoint:
            return replace(
                endpoint,
                url=_given(changes.url, endpoint.url),
                events=_given(changes.events, endpoint.events),
                description=_given(changes.description, endpoint.description),
                timeout_seconds=_given(
                    changes.timeout_seconds, endpoint.timeout_seconds
                ),
                updated_at_ms=self._world.clock.now_ms(),
                version=endpoint.version + 1,
            )

        return self._replace(tenant, endpoint_id, changed)

    def rotate(
        self, tenant: str, endpoint_id: str, secret: str, overlap_ms: int
    ) -> Standing:
        """With a new secret, drawn where none is given; the old one signs on for a
        while. Raises `EndpointNotFound` or `ReadOnly`."""
        new = secret or self._drawn_secret()

        def rotated(endpoint: Endpoint) -> Endpoint:
            if endpoint.secret == new:
                return endpoint
            return endpoint.rotated(new, self._world.clock.now_ms(), overlap_ms)

        return self._replace(tenant, endpoint_id, rotated)

    def delete(self, tenant: str, endpoint_id: str) -> None:
        """Raises `EndpointNotFound` or `ReadOnly`."""
        self._writable(tenant, endpoint_id)
        self._repeat(lambda: self._world.endpoints.delete(tenant, endpoint_id))
        _tell("deleted", tenant, endpoint_id)

    def enable(self, tenant: str, endpoint_id: str) -> Standing:
        """As if it had never failed. Raises `EndpointNotFound`."""
        return self._set_health(tenant, endpoint_id, Health())

    def disable(self, tenant: str, endpoint_id: str) -> Standing:
        """It is told nothing until it is enabled. Raises `EndpointNotFound`."""
        now_ms = self._world.clock.now_ms()
        health = Health(disabled=Disabled.ASKED, disabled_at_ms=now_ms)
        return self._set_health(tenant, endpoint_id, health)

    def test(self, tenant: str, endpoint_id: str, event_type: str) -> Tested:
        """One post, at once, whatever the endpoint's filter and health; what comes of
        it changes neither. Raises `EndpointNotFound`."""
        endpoint = self.find(tenant, endpoint_id).endpoint
        world = self._world
        return try_out(endpoint, event_type, world.poster, world.clock, world.draws)

    def forget_failures(self, tenant: str, before_ms: int) -> None:
        """Of all endpoints, the attempts that failed before then."""
        forget_before = self._world.failures.forget_before
        for standing in self.of_tenant(tenant):
            endpoint_id = standing.endpoint.id
            self._repeat(partial(forget_before, tenant, endpoint_id, before_ms))

    def _check(self, url: str) -> None:
        try:
            target = self._world.policy.target(url)
        except ForbiddenUrl as forbidden:
            raise InvalidUrl(f"url: {forbidden}") from None
        if self._world.requires_https and not target.is_secure:
            raise InvalidUrl("url: https is required")

    def _require_room(self, tenant: str, most: int) -> None:
        of_tenant = self._world.endpoints.of_tenant
        found = self._repeat(lambda: of_tenant(tenant))
        if sum(not one.endpoint.is_of_environment for one in found) > most:
            raise TooManyEndpoints(f"a tenant has at most {MOST_ENDPOINTS} endpoints")

    def _create(self, tenant: str, endpoint: Endpoint) -> None:
        """Again after an unknown outcome, for the id is ours alone."""
        try:
            self._world.endpoints.create(tenant, endpoint)
        except ports.Conflict:
            if self._world.endpoints.find(tenant, endpoint.id) is None:
                raise

    def _replace(
        self, tenant: str, endpoint_id: str, change: Callable[[Endpoint], Endpoint]
    ) -> Standing:
        """Read and written anew for as long as somebody else is first."""

        def attempt() -> Standing:
            standing = self._writable(tenant, endpoint_id)
            after = change(standing.endpoint)
            if after != standing.endpoint:
                self._world.endpoints.replace(tenant, standing.endpoint, after)
            return replace(standing, endpoint=after)

        standing = self._repeat(attempt)
        _tell("changed", tenant, endpoint_id)
        return standing

    def _writable(self, tenant: str, endpoint_id: str) -> Standing:
        standing = self.find(tenant, endpoint_id)
        if standing.endpoint.is_of_environment:
            raise ReadOnly("the operator's variables set this endpoint")
        return standing

    def _set_health(self, tenant: str, endpoint_id: str, health: Health) -> Standing:
        def attempt() -> Standing:
            standing = self.find(tenant, endpoint_id)
            before = standing.health
            if before.disabled is health.disabled and not before.failing_since_ms:
                return standing
            keep = self._world.health.keep
            if not keep(tenant, endpoint_id, before, health):
                raise ports.Conflict(endpoint_id)
            return replace(standing, health=replace(health, version=before.version + 1))

        standing = self._repeat(attempt)
        _tell("enabled" if standing.is_enabled else "disabled", tenant, endpoint_id)
        return standing

    def _drawn_secret(self) -> str:
        drawn = bytes.fromhex(self._world.draws.token() + self._world.draws.token())
        return WHSEC + base64.b64encode(drawn).decode()

    def _repeat(self, attempt: Callable[[], _T]) -> _T:
        return Retries(self._world.clock, self._world.draws).repeat(attempt)


def _age(standing: Standing) -> tuple[bool, int, str]:
    endpoint = standing.endpoint
    return not endpoint.is_of_environment, endpoint.created_at_ms, endpoint.id


def _given(value: _T | None, otherwise: _T) -> _T:
    return otherwise if value is None else value


def _tell(what: str, tenant: str, endpoint_id: str) -> None:
    log.info(
        "endpoint changed",
        extra={"change": what, "tenant": tenant, "endpoint_id": endpoint_id},
    )
