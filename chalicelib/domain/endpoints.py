"""Where businesses hear of events, and how they have fared at it lately."""

from dataclasses import dataclass, field, replace
from enum import StrEnum

from chalicelib.protocol.vocabulary import CONTRACT_EVENTS


class Disabled(StrEnum):
    """Why an endpoint is told nothing."""

    ASKED = "asked"
    GONE = "gone"
    """It answered 410."""
    FAILING = "failing"
    """Nothing got through for days."""


def is_named(event_type: str, names: tuple[str, ...]) -> bool:
    """Itself, or with all of its kind."""
    kind = event_type.partition(".")[0] + ".*"
    return event_type in names or kind in names


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a business hears of events."""

    id: str
    url: str
    secret: str = field(repr=False)
    timeout_seconds: float = 10.0
    events: tuple[str, ...] = CONTRACT_EVENTS
    """What it hears of: names, or all of a kind as ``session.*``."""
    description: str = ""
    previous_secret: str = field(default="", repr=False)
    """Signs beside the new one until its time has come; empty when there is none."""
    previous_until_ms: int = 0
    is_of_environment: bool = False
    """Set by the operator's variables: requests do not change it."""
    created_at_ms: int = 0
    updated_at_ms: int = 0
    version: int = 1

    def wants(self, event_type: str) -> bool:
        return is_named(event_type, self.events)

    def secrets(self, now_ms: int) -> tuple[str, ...]:
        """Those that sign now, the newest first."""
        if self.previous_secret and now_ms < self.previous_until_ms:
            return (self.secret, self.previous_secret)
        return (self.secret,)

    def rotated(self, secret: str, now_ms: int, overlap_ms: int) -> "Endpoint":
        """With a new secret; the one until now signs on beside it for a while."""
        return replace(
            self,
            secret=secret,
            previous_secret=self.secret,
            previous_until_ms=now_ms + overlap_ms,
            updated_at_ms=now_ms,
            version=self.version + 1,
        )


@dataclass(frozen=True, slots=True)
class Health:
    """How an endpoint has fared lately; all zero while it does well.

    Kept beside the endpoint and shared by all who deliver to it, so that what one has
    found out the others need not.
    """

    failures: int = 0
    """Attempts that failed in a row, over all calls."""
    failing_since_ms: int = 0
    """When the first of them was made; 0 when the last one did not fail."""
    open_until_ms: int = 0
    """Until when nobody but one who probes is to try it."""
    slow_until_ms: int = 0
    """Until when its posts are counted, for it may have few at a time."""
    disabled: Disabled | None = None
    disabled_at_ms: int = 0
    version: int = 0
    """0 for one that was never written."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An endpoint with its health."""

    endpoint: Endpoint
    health: Health = Health()

    @property
    def is_enabled(self) -> bool:
        return self.health.disabled is None
