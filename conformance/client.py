"""An application on a session's socket."""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import aiohttp

from conformance import sound
from conformance.sound import Samples

Event = dict[str, Any]

PATIENCE_SECONDS = 8.0
STRANGE = "no object"
"""What stands for a text that is JSON and no event."""


class NotOk(AssertionError):
    """The server did not do what it is asked; the sentence says what."""


class Skip(Exception):
    """The case cannot be played; the sentence says why."""


def check(is_so: object, sentence: str) -> None:
    """Raises `NotOk` unless it is so."""
    if not is_so:
        raise NotOk(sentence)


class Call:
    """One session: what it told, in order, and the audio between."""

    def __init__(self, opened: aiohttp.ClientWebSocketResponse, codec: str) -> None:
        self.socket = opened
        self.codec = codec
        self.entries: list[Event | bytes] = []
        self.pings = 0
        self.is_closed = False
        self._news = asyncio.Event()

    async def read(self) -> None:
        """Until the server closes the socket."""
        while True:
            message = await self.socket.receive()
            match message.type:
                case aiohttp.WSMsgType.TEXT:
                    told = json.loads(message.data)
                    is_object = isinstance(told, dict)
                    self.entries.append(told if is_object else {"event": STRANGE})
                case aiohttp.WSMsgType.BINARY:
                    self.entries.append(message.data)
                case aiohttp.WSMsgType.PING:
                    self.pings += 1
                    await self.socket.pong(message.data)
                case aiohttp.WSMsgType.PONG:
                    continue
                case _:
                    break
            self._news.set()
        await self.socket.close()
        self.is_closed = True
        self._news.set()

    # What was told

    def events(self, name: str = "", **fields: Any) -> list[Event]:
        """All of that name with these values."""
        return [
            entry
            for entry in self.entries
            if isinstance(entry, dict)
            and name in ("", entry.get("event"))
            and all(entry.get(key) == value for key, value in fields.items())
        ]

    def order(self, *names: str) -> list[str]:
        """The names of those events, as they came."""
        return [one["event"] for one in self.events() if one.get("event") in names]

    def audio(self, play_id: str | None = None) -> bytes:
        """Of all, or between a playback's trackStart and its trackEnd."""
        heard, is_playing = bytearray(), play_id is None
        for entry in self.entries:
            if isinstance(entry, bytes):
                heard += entry if is_playing else b""
            elif play_id is not None and entry.get("playId") == play_id:
                is_playing = {"trackStart": True, "trackEnd": False}.get(
                    entry.get("event", ""), is_playing
                )
        return bytes(heard)

    def samples(self, play_id: str | None = None) -> Samples:
        return sound.decoded(self.audio(play_id), self.codec)

    # What is done

    async def command(self, name: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"command": name, **fields}))

    async def speak(self, samples: Samples) -> None:
        """Send audio as a microphone does: a frame every 20 ms."""
        clock = asyncio.get_running_loop()
        begun_at = clock.time()
        for count, frame in enumerate(sound.frames(samples, self.codec), 1):
            await self.socket.send_bytes(frame)
            await asyncio.sleep(
                begun_at + count * sound.FRAME_MS / 1_000 - clock.time()
            )

    def cut(self) -> None:
        """As a network does it: without a word of WebSockets."""
        self.socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    # What is waited for

    async def expect(
        self, name: str, within: float = PATIENCE_SECONDS, **fields: Any
    ) -> Event:
        """The first such event, which may have been told already; raises `NotOk`."""
        wanted = f"{name} {fields or ''}".strip()
        await self.until(
            lambda: self.events(name, **fields),
            f"no {wanted} within {within:g} s",
            within,
        )
        return self.events(name, **fields)[0]

    async def until(
        self,
        is_so: Callable[[], object],
        sentence: str,
        within: float = PATIENCE_SECONDS,
    ) -> None:
        """Raises `NotOk` with the sentence if it does not come to be so."""
        clock = asyncio.get_running_loop()
        ends_at = clock.time() + within
        while not is_so():
            check(not self.is_closed, f"{sentence}: the server closed the socket")
            self._news.clear()
            try:
                async with asyncio.timeout_at(ends_at):
                    await self._news.wait()
            except TimeoutError:
                raise NotOk(sentence) from None

    async def more(self, name: str, than: int) -> None:
        """Raises `NotOk` unless so many such events are told, and one more."""
        sentence = f"no {name} after {than}"
        await self.until(lambda: len(self.events(name)) > than, sentence)

    async def closed(self, within: float = PATIENCE_SECONDS) -> None:
        """Raises `NotOk` unless the server closes the socket."""
        clock = asyncio.get_running_loop()
        ends_at = clock.time() + within
        while not self.is_closed:
            check(clock.time() < ends_at, f"the socket is open after {within:g} s")
            await asyncio.sleep(0.02)

    async def never(self, name: str, seconds: float, **fields: Any) -> None:
        """Raises `NotOk` if such an event was told, or is."""
        await asyncio.sleep(seconds)
        check(not self.events(name, **fields), f"{name} {fields or ''} was told")
