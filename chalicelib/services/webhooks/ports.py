"""What is kept of endpoints: themselves, how they fare, and what failed at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.domain.endpoints import Endpoint, Health, Standing
from chalicelib.services.webhooks.lanes import Attempt


class EndpointRepository(Protocol):
    """The webhook endpoints of each tenant, the operator's own among them."""

    def of_tenant(self, tenant: str) -> tuple[Standing, ...]:
        """All of them with their health, those that are disabled too; one read."""

    def find(self, tenant: str, endpoint_id: str) -> Standing | None:
        """As it is now, never a stale one."""

    def create(self, tenant: str, endpoint: Endpoint) -> None:
        """Raises `Conflict` when the id is taken."""

    def replace(self, tenant: str, before: Endpoint, after: Endpoint) -> None:
        """Raises `Conflict` unless it stands as it was before."""

    def delete(self, tenant: str, endpoint_id: str) -> bool:
        """With its health. False when there is none of the id."""


class HealthRepository(Protocol):
    """How endpoints fare, shared by all who deliver to them."""

    def keep(
        self, tenant: str, endpoint_id: str, before: Health, after: Health
    ) -> bool:
        """False when another was first: it is not as it was before.

        Kept as version ``before.version + 1``, whatever ``after`` says.
        """

    def take_slot(
        self,
        tenant: str,
        endpoint_id: str,
        slot: int,
        holder: str,
        now_ms: int,
        until_ms: int,
    ) -> bool:
        """Whether the slot is the holder's now, until then unless it is freed."""

    def free_slot(self, tenant: str, endpoint_id: str, slot: int, holder: str) -> None:
        """Nothing happens when it is another's by now."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that failed, as its endpoint's log has it."""

    call_id: str
    attempt: Attempt
    is_given_up: bool
    """It was the last: the webhook was never taken."""

    @property
    def mark(self) -> str:
        """Where it stands in the log: by time."""
        one = self.attempt
        return f"{one.at_ms:013d}#{one.webhook_id}#{one.number}"


class FailureLog(Protocol):
    """The failed attempts at each endpoint, of all calls, for thirty days."""

    def add(
        self,
        tenant: str,
        endpoint_id: str,
        call_id: str,
        attempts: tuple[Attempt, ...],
        is_given_up: bool,
    ) -> None:
        """Adding the same again changes nothing; given up is the last of them."""

    def page(
        self, tenant: str, endpoint_id: str, before: str, limit: int
    ) -> tuple[Failure, ...]:
        """The newest first, of those before the mark; empty is from the newest."""

    def forget_before(self, tenant: str, endpoint_id: str, at_ms: int) -> None: ...


class Announcer(Protocol):
    """Tells a tenant of what became of its endpoints, as an event of its own."""

    def announce(
        self, tenant: str, type: str, data: Mapping[str, Any], now_ms: int
    ) -> None:
        """``data`` names the ``endpoint_id``, which itself is not told of it.

        The same told twice may be heard twice.
        """
