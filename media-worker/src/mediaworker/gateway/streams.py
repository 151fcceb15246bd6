"""``GET /events/{id}``: what a session tells and is told, as Server-Sent Events."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from aiohttp import web

from chalicelib.protocol.session.codec import (
    Malformed,
    as_text,
    parse_command,
    parse_event,
    redacted,
)
from mediaworker.gateway.calls import is_theirs
from mediaworker.gateway.commands import unknown
from mediaworker.gateway.doorkeeper import Doorkeeper
from mediaworker.gateway.errors import Refused, refused_by, stay
from mediaworker.runtime.ports import Refusal, Sessions

KEEP_ALIVE_SECONDS = 15.0
WRITE_SECONDS = 10.0
"""How long a reader may take for what one write holds."""
MOST_WAITING_CHARACTERS = 262_144
MOST_STREAMS = 64
"""Of a worker: its tick renders every one of them."""
LATER_SECONDS = 30
KEEP_ALIVE = ": still here\n\n"
TOO_SLOW = ": ended, for it was not read in time\n\n"
STREAM_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
}


class Reader:
    """Keeps, within bounds, what was told until it is written. A `Watcher`."""

    def __init__(self) -> None:
        self.is_over = False
        """Nothing more will be told."""
        self.is_slow = False
        self._waiting: deque[str] = deque()
        self._characters = 0
        self._told = 0
        self._news = asyncio.Event()

    def tell_event(self, text: str) -> None:
        with suppress(Malformed, ValueError):
            self._tell("event", redacted(parse_event(json.loads(text))))

    def tell_command(self, text: bytes) -> None:
        """One that cannot be understood is not shown: nobody knows what is in it."""
        with suppress(Malformed):
            self._tell("command", redacted(parse_command(text)))

    def end(self) -> None:
        if not self.is_over:
            self._tell("end", {})
            self.is_over = True

    async def take(self) -> str:
        """All that waits, in one; a comment when nothing came for long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                await self._news.wait()
        if self.is_slow:
            return TOO_SLOW
        self._news.clear()
        taken = "".join(self._waiting)
        self._waiting.clear()
        self._characters = 0
        return taken or KEEP_ALIVE

    @property
    def is_empty(self) -> bool:
        return not self._waiting

    def _tell(self, name: str, fields: dict[str, Any]) -> None:
        if self.is_over:
            return
        self._told += 1
        entry = f"id: {self._told}\nevent: {name}\ndata: {as_text(fields)}\n\n"
        self._characters += len(entry)
        if self._characters > MOST_WAITING_CHARACTERS:
            self._waiting.clear()
            self.is_slow = self.is_over = True
        else:
            self._waiting.append(entry)
        self._news.set()


class Streams:
    """Shows a session to its owner, and to an administrator, until it ends."""

    def __init__(self, sessions: Sessions, doorkeeper: Doorkeeper) -> None:
        self._sessions = sessions
        self._doorkeeper = doorkeeper
        self._streams = 0

    async def show(self, request: web.Request) -> web.StreamResponse:
        principal = self._doorkeeper.admit(request.headers, request.query)
        session_id = request.match_info["id"]
        if not is_theirs(self._sessions, principal, session_id):
            raise unknown(session_id)
        if self._streams >= MOST_STREAMS:
            after = {"Retry-After": str(LATER_SECONDS)}
            raise Refused(503, "too many read sessions along", after)
        reader = Reader()
        try:
            stop = self._sessions.watch(session_id, reader)
        except Refusal as refusal:
            raise refused_by(refusal) from None
        if stop is None:
            raise unknown(session_id)
        return await self._stream(request, reader, stop)

    async def _stream(
        self, request: web.Request, reader: Reader, stop: Callable[[], None]
    ) -> web.StreamResponse:
        stay(request)
        response = web.StreamResponse(headers=STREAM_HEADERS)
        response.force_close()
        self._streams += 1
        try:
            with suppress(ConnectionError):
                await response.prepare(request)
                await _write_all(response, reader)
        except TimeoutError:
            # What it did not read would hold up the end of the response, too.
            if request.transport is not None:
                request.transport.abort()
        finally:
            self._streams -= 1
            stop()
        return response


async def _write_all(response: web.StreamResponse, reader: Reader) -> None:
    is_over = False
    while not is_over:
        text = await reader.take()
        is_over = reader.is_over and reader.is_empty
        async with asyncio.timeout(WRITE_SECONDS):
            await response.write(text.encode(errors="replace"))
