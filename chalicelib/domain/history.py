"""What is left of a call when it is over: a line of somebody's list of calls."""

import re
from dataclasses import dataclass

from chalicelib.protocol.vocabulary import (
    Dialect,
    EndReason,
    Initiator,
    MediaType,
    Provider,
)

PLACE = re.compile(r"(\d{13})#(.{1,64})", re.DOTALL)
"""Of an entry among others: when the call ended, and its id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An ended call, as its members and its tenant look back at it."""

    tenant: str
    call_id: str
    dialect: Dialect
    provider: Provider
    media_type: MediaType
    caller: str
    uids: tuple[str, ...]
    """Every member there ever was, the caller first."""
    created_at_ms: int
    answered_at_ms: int | None
    """When a second member was there; None for a call that nobody talked in."""
    ended_at_ms: int
    reason: EndReason
    initiator: Initiator | None
    duration_seconds: int

    @property
    def place(self) -> str:
        """Sorts entries by when the calls ended; `PLACE` says how it looks."""
        return f"{self.ended_at_ms:013d}#{self.call_id}"
