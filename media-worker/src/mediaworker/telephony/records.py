"""What is known of a SIP call: a line of the log, once it is over.

A call that becomes a session's has a detail record too: `mediaworker.runtime.archive`.
"""

import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.runtime.legs import LegStatistics

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One SIP call of ours, from its INVITE to its end."""

    session_id: str
    tenant: str
    call_id: str
    """SIP's."""
    is_inbound: bool
    started_at_ms: int
    ringing_at_ms: int | None = None
    answered_at_ms: int | None = None
    ended_at_ms: int | None = None
    status_code: int | None = None
    """The final answer to the INVITE."""
    codec: Codec | None = None
    user_agent: str | None = None
    """What the phone says that it is; not logged."""
    statistics: LegStatistics = LegStatistics()

    def render(self) -> dict[str, Any]:
        """What is logged of it."""
        seen = {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in asdict(self.statistics).items()
            if isinstance(value, int | float)
        }
        return {
            "session_id": self.session_id,
            "tenant": self.tenant,
            "call_id": self.call_id,
            "direction": "inbound" if self.is_inbound else "outbound",
            "started_at_ms": self.started_at_ms,
            "ringing_at_ms": self.ringing_at_ms,
            "answered_at_ms": self.answered_at_ms,
            "ended_at_ms": self.ended_at_ms,
            "duration_ms": self.duration_ms,
            "status_code": self.status_code,
            "codec": self.codec,
            **seen,
        }

    @property
    def duration_ms(self) -> int:
        """From the answer to the end."""
        if self.answered_at_ms is None or self.ended_at_ms is None:
            return 0
        return max(0, self.ended_at_ms - self.answered_at_ms)

    def with_(self, **facts: Any) -> "CallRecord":
        return replace(self, **facts)


def agent_of(headers: Iterable[tuple[str, str]]) -> str | None:
    """What a phone's message says that it is from."""
    named = {name: value for name, value in headers if value}
    return named.get("User-Agent") or named.get("Server")


class Records:
    """Of a worker's calls."""

    def __init__(self) -> None:
        self.told = 0

    def tell(self, record: CallRecord) -> None:
        self.told += 1
        told = record.render()
        known = {name: value for name, value in told.items() if value is not None}
        logger.info("call ended", extra=known)
