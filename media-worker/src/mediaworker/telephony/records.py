"""Detail records of SIP calls: a line of the log, and a line of JSON in a file."""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.runtime.legs import LegStatistics

logger = logging.getLogger(__name__)

NAMES = ("v", "caller", "callee", "reason", "user_agent")
"""What the log does not hold."""
MOST_WAITING = 10_000
SECONDS_BETWEEN = 0.5
"""Writing a file takes a thread; records wait for each other so long."""


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One SIP call of ours, from its INVITE to its end."""

    session_id: str
    tenant: str
    call_id: str
    """SIP's."""
    is_inbound: bool
    caller: str
    callee: str
    started_at_ms: int
    ringing_at_ms: int | None = None
    answered_at_ms: int | None = None
    ended_at_ms: int | None = None
    status_code: int | None = None
    """The final answer to the INVITE."""
    reason: str = ""
    """Why it ended: its last answer's phrase, or who hung up."""
    codec: Codec | None = None
    user_agent: str | None = None
    """What the phone says that it is."""
    statistics: LegStatistics = LegStatistics()

    def render(self) -> dict[str, Any]:
        """What is written of it."""
        seen = {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in asdict(self.statistics).items()
            if isinstance(value, int | float)
        }
        return {
            "v": 1,
            "session_id": self.session_id,
            "tenant": self.tenant,
            "call_id": self.call_id,
            "direction": "inbound" if self.is_inbound else "outbound",
            "caller": self.caller,
            "callee": self.callee,
            "started_at_ms": self.started_at_ms,
            "ringing_at_ms": self.ringing_at_ms,
            "answered_at_ms": self.answered_at_ms,
            "ended_at_ms": self.ended_at_ms,
            "duration_ms": self.duration_ms,
            "status_code": self.status_code,
            "reason": self.reason,
            "codec": self.codec,
            "user_agent": self.user_agent,
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
    """Keeps them until they are written, as far as there is room."""

    def __init__(self, folder: Path | None, epoch_ms: Callable[[], int]) -> None:
        """Without a folder they stand in the log alone."""
        self._folder = folder
        self._epoch_ms = epoch_ms
        self._waiting: deque[str] = deque()
        self.dropped = 0
        self.told = 0

    def tell(self, record: CallRecord) -> None:
        """Nothing here waits."""
        self.told += 1
        told = record.render()
        nameless = {
            name: value
            for name, value in told.items()
            if name not in NAMES and value is not None
        }
        logger.info("call ended", extra=nameless)
        if self._folder is None:
            return
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(json.dumps(told, ensure_ascii=False))

    async def run(self) -> None:
        """Until cancelled; what waits then is written before."""
        try:
            while True:
                await asyncio.sleep(SECONDS_BETWEEN)
                await self._write()
        finally:
            with suppress(asyncio.CancelledError):
                await asyncio.shield(self._write())

    async def _write(self) -> None:
        if not self._waiting or self._folder is None:
            return
        lines = list(self._waiting)
        self._waiting.clear()
        day = datetime.fromtimestamp(self._epoch_ms() / 1_000, UTC)
        path = self._folder / f"{day:%Y%m%d}.jsonl"
        try:
            await asyncio.to_thread(_append, path, lines)
        except OSError:
            self.dropped += len(lines)
            logger.error("call records not written", extra={"records": len(lines)})


def _append(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
