"""How webhooks have fared, counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Tally:
    """How webhooks have fared."""

    told: int = 0
    """Webhooks that were due at an endpoint."""
    delivered: int = 0
    given_up: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """Event type -> attempts that failed."""


class TallyRepository(Protocol):
    """Counts of each tenant's webhooks, by the day."""

    def add(self, tenant: str, now_ms: int, tally: Tally) -> None: ...

    def total(self, tenant: str) -> Tally: ...

    def forget_before(self, tenant: str, at_ms: int) -> None:
        """Drop the counts of the days before the one of ``at_ms``."""
