"""An application on a session's socket, that keeps all it is brought, in order."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

Event = Mapping[str, Any]

PATIENCE_SECONDS = 30.0
"""The machine may be shared."""
OPEN_SECONDS = 90.0
"""A worker takes nobody for 10 s after any tick that was 12 ms late."""
BUSY = 503
LATER_SECONDS = 5.0
"""What a worker says in Retry-After, for those who cannot read it."""


class Record:
    """Events, and frames of audio."""

    def __init__(self) -> None:
        self.entries: list[Event | bytes] = []

    def hear(self, entry: Event | bytes) -> None:
        self.entries.append(entry)

    def events(self, *names: str) -> list[Event]:
        """All of them, or those of these names."""
        told = [entry for entry in self.entries if not isinstance(entry, bytes)]
        return [event for event in told if not names or event["event"] in names]

    def playbacks(self) -> list[str]:
        """What was played, in order."""
        return [e["playId"] for e in self.events("trackStart") if "playId" in e]

    def ended(self, play_id: str) -> Event:
        (event,) = (e for e in self.events("trackEnd") if e.get("playId") == play_id)
        return event

    def frames(self, play_id: str | None) -> list[bytes]:
        """Of one playback; for None, those that belong to none."""
        found: list[bytes] = []
        playing: str | None = None
        for entry in self.entries:
            if isinstance(entry, bytes):
                if playing == play_id:
                    found.append(entry)
            elif entry["event"] == "trackStart" and "playId" in entry:
                playing = entry["playId"]
            elif entry["event"] == "trackEnd" and "playId" in entry:
                playing = None
        return found


class Caller:
    """A session's socket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.record = Record()
        self.heard: Callable[[Event], None] = lambda event: None
        """Told each event."""
        self.is_closed = False
        self._news = asyncio.Event()

    @property
    def session_id(self) -> str:
        (answer,) = self.record.events("answer")
        return str(answer["trackId"])

    async def read(self) -> None:
        """Until the socket is closed."""
        async for message in self.socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.record.hear(message.data)
            else:
                event = json.loads(message.data)
                self.record.hear(event)
                self.heard(event)
            self._news.set()
        self.is_closed = True
        self._news.set()

    async def command(self, name: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"command": name, **fields}))

    async def until(self, is_so: Callable[[Record], object]) -> None:
        """What was brought says it; raises AssertionError if it never does."""
        ends_at = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while not is_so(self.record):
            last = self.record.events()[-3:]
            assert not self.is_closed, f"closed after {last}"
            self._news.clear()
            try:
                async with asyncio.timeout_at(ends_at):
                    await self._news.wait()
            except TimeoutError:
                raise AssertionError(f"waited in vain after {last}") from None

    async def until_closed(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.is_closed:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Caller]:
    """A session that was not invited yet; within the block its socket is read."""
    async with aiohttp.ClientSession() as client, await opened(client, url) as socket:
        caller = Caller(socket)
        # Not in a group of tasks: what a test asserts would come out wrapped in it.
        reading = asyncio.ensure_future(caller.read())
        try:
            yield caller
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


@asynccontextmanager
async def call(url: str, option: Mapping[str, Any]) -> AsyncIterator[Caller]:
    """A session that has been answered. A worker that is busy is asked again."""
    ends_at = asyncio.get_running_loop().time() + OPEN_SECONDS
    while True:
        async with connected(url) as caller:
            await caller.command("invite", option=option)
            await caller.until(lambda record: record.events("answer", "reject"))
            is_patient = asyncio.get_running_loop().time() < ends_at
            if not (is_patient and _is_busy(caller.record)):
                assert not caller.record.events("reject"), caller.record.events()
                yield caller
                return
        await asyncio.sleep(LATER_SECONDS)


async def opened(
    client: aiohttp.ClientSession, url: str
) -> aiohttp.ClientWebSocketResponse:
    """The socket of a worker, which is asked again when it says so."""
    async with asyncio.timeout(OPEN_SECONDS):
        while True:
            try:
                return await client.ws_connect(url, max_msg_size=2**20)
            except aiohttp.WSServerHandshakeError as error:
                if error.status != BUSY:
                    raise
                await asyncio.sleep(_after(error))


def _after(refusal: aiohttp.WSServerHandshakeError) -> float:
    headers = refusal.headers
    return LATER_SECONDS if headers is None else float(headers["Retry-After"])


def _is_busy(record: Record) -> bool:
    return any(event["code"] == BUSY for event in record.events("reject"))
