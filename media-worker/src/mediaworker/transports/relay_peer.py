"""An application's socket that another holds: API Gateway, which is posted to."""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Protocol

from chalicelib.protocol.session.codec import as_text, render_event
from chalicelib.protocol.session.events import Failed
from mediaworker.transports.peer import TEXT_QUEUED_MAX, TRY_AGAIN_LATER

NORMAL = 1_000
SENDER = "relay"


class Outcome(Enum):
    """What came of a post."""

    TAKEN = auto()
    GONE = auto()
    """There is no such connection: any more, or not yet."""
    TOO_LARGE = auto()
    FAILED = auto()
    """The same again may be taken."""


class WayBack(Protocol):
    """The gateway's ``@connections``. Nothing here raises."""

    async def post(self, endpoint: str, connection_id: str, text: str) -> Outcome: ...

    async def close(self, endpoint: str, connection_id: str) -> Outcome: ...

    async def look(self, endpoint: str, connection_id: str) -> Outcome:
        """`TAKEN` while the connection is there."""


class RelayPeer:
    """Queues what is to be posted, within bounds.

    The gateway's sockets close without code or reason, so who is closed for a fault
    is told of it in a last `error`.
    """

    def __init__(self, epoch_ms: Callable[[], int]) -> None:
        self.session_id = ""
        """Once the session is open."""
        self.is_closed = False
        self.is_paused = False
        self.resumed: Callable[[], None] = lambda: None
        self.told_slow: Callable[[], None] = lambda: None
        self._epoch_ms = epoch_ms
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._news = asyncio.Event()

    def send_text(self, text: str) -> None:
        if self.is_closed:
            return
        self._put(text)
        if self._characters > TEXT_QUEUED_MAX:
            self._clear()
            self.close(TRY_AGAIN_LATER, "events were not read in time")
            self.told_slow()

    def send_audio(self, payload: bytes) -> bool:
        """Sockets of this kind carry text alone."""
        return False

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False
        self.resumed()

    def close(self, code: int, reason: str) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        if code != NORMAL:
            self._put(self.failure(reason, code))
        self._news.set()

    def fail(self, sentence: str, code: int) -> None:
        """Something is wrong with how the socket is used; the session goes on."""
        self.send_text(self.failure(sentence, code))

    def failure(self, sentence: str, code: int) -> str:
        event = Failed(self.session_id, self._epoch_ms(), SENDER, sentence, code)
        return as_text(render_event(event))

    def abandon(self) -> None:
        """Nobody is there to be posted to."""
        self.is_closed = True
        self._clear()
        self._news.set()

    async def next(self) -> str | None:
        """To be posted; None when it is closed and all was taken."""
        while not self._waiting:
            if self.is_closed:
                return None
            self._news.clear()
            await self._news.wait()
        text = self._waiting.popleft()
        self._characters -= len(text)
        return text

    def _put(self, text: str) -> None:
        self._waiting.append(text)
        self._characters += len(text)
        self._news.set()

    def _clear(self) -> None:
        self._waiting.clear()
        self._characters = 0
