"""What adapters share: audio that goes out, answers that are read with suspicion."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.delivery import Shaper
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.ports import Mark, Socket
from mediaworker.speech.providers.registry import no_credentials

BAD_REQUEST, BAD_GATEWAY = 400, 502
GOODBYE_SECONDS = 1.0
SAMPLE_BYTES = 2
GREATEST_MS = 1 << 40
LOOK_AHEAD_CHARS = 64
"""How far behind the last word the next one is looked for."""

CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,63}", re.ASCII)
"""What a provider may call a failure, that is told to others."""
ENDS = (". ", "。", " ")
"""Behind which a text may be cut, best first."""

Frame = Callable[[bytes], str | bytes]


async def chunks(
    audio: AsyncIterator[bytes], rate: int, to_rate: int, ms: int
) -> AsyncIterator[bytes]:
    """The same audio at another rate, in pieces that last so long."""
    size = to_rate * SAMPLE_BYTES * ms // 1_000
    shaper = Shaper(rate, to_rate)
    waiting = bytearray()
    async for piece in audio:
        waiting += shaper.feed(np.frombuffer(piece, "<i2"))
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    waiting += shaper.end()
    if waiting:
        yield bytes(waiting)


async def answer(answers: AsyncIterator[str | bytes]) -> Mapping[str, Any]:
    """The next, which is JSON; raises `Failure`."""
    message = await anext(answers, None)
    if message is None:
        raise hung_up()
    return parsed(message)


class Sending:
    """Sends audio while its block lasts, which is not left before all was sent."""

    def __init__(
        self,
        socket: Socket,
        pieces: AsyncIterator[bytes],
        end: str | bytes,
        frame: Frame = bytes,
    ) -> None:
        self._socket = socket
        self._pieces = pieces
        self._end = end
        self._frame = frame
        self._is_over = False

    async def __aenter__(self) -> None:
        self._task = asyncio.ensure_future(self._send())

    async def __aexit__(self, kind: object, error: object, _: object) -> None:
        """Raises `Failure` where they ended it while there was more to hear."""
        self._task.cancel()
        await asyncio.wait([self._task])
        broken = None if self._task.cancelled() else self._task.exception()
        if error is not None:
            return
        if broken is not None:
            raise broken
        if not self._is_over:
            raise hung_up()

    async def _send(self) -> None:
        """The end is said even when it is cancelled."""
        try:
            async for piece in self._pieces:
                await self._socket.send(self._frame(piece))
            self._is_over = True
        finally:
            with suppress(Failure, TimeoutError):
                async with asyncio.timeout(GOODBYE_SECONDS):
                    await self._socket.send(self._end)


def parsed(message: str | bytes) -> Mapping[str, Any]:
    """A JSON object; raises `Failure`."""
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        raise not_understood() from None
    if not isinstance(found, dict):
        raise not_understood()
    return found


def object_of(value: object) -> Mapping[str, Any]:
    """Empty where it is none."""
    return value if isinstance(value, dict) else {}


def list_of(value: object) -> list[Any]:
    """Empty where it is none."""
    return value if isinstance(value, list) else []


def text_of(value: object) -> str:
    """Empty where it is none."""
    return value if isinstance(value, str) else ""


def ms_of(value: object, per_ms: float = 1.0) -> int | None:
    """A time of theirs; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    is_time = 0 <= value < GREATEST_MS * per_ms
    return round(value / per_ms) if is_time else None


def span(from_ms: int | None, to_ms: int | None) -> tuple[int | None, int | None]:
    """The same, but none that ends before it begins."""
    is_wrong = from_ms is not None and to_ms is not None and to_ms < from_ms
    return (from_ms, from_ms) if is_wrong else (from_ms, to_ms)


def refused(code: str, statuses: Mapping[str, int]) -> Failure:
    """By the first part of their code, before its dot; their message is left out."""
    if not CODE.fullmatch(code):
        return Failure("its service failed", BAD_GATEWAY)
    status = statuses.get(code.partition(".")[0], BAD_GATEWAY)
    return Failure(f"it refused: {code}", status)


def not_understood() -> Failure:
    return Failure("the provider's answer is not understood", BAD_GATEWAY)


def hung_up() -> Failure:
    return Failure("the provider hung up before the end", BAD_GATEWAY)


def stretches(text: str, most: int) -> Iterator[tuple[int, str]]:
    """All of it, no more than so many characters at once, each with where it begins."""
    start = 0
    while start < len(text):
        end = _end(text, start, start + most)
        yield start, text[start:end]
        start = end


def _end(text: str, start: int, most: int) -> int:
    """Behind the last sentence of what fits, or the last word."""
    if most >= len(text):
        return len(text)
    for end in ENDS:
        found = text.rfind(end, start, most)
        if found > start:
            return found + len(end)
    return most


class Words:
    """Finds words in a text, one behind the other, and when they begin."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = 0
        self._at_ms = 0

    def mark(self, word: str, at_ms: int) -> Mark | None:
        """One that is not found, as a number in words, begins where the last ended."""
        word = word.strip()
        if not word or not self._text:
            return None
        end = self._next + len(word) + LOOK_AHEAD_CHARS
        found = self._text.find(word, self._next, end)
        position = self._next if found < 0 else found
        self._next = position + len(word) if found >= 0 else position
        self._at_ms = max(self._at_ms, at_ms)
        return Mark(self._at_ms, min(position, len(self._text) - 1))


class Samples:
    """Bytes as they come, in whole samples."""

    def __init__(self) -> None:
        self._rest = b""

    def whole(self, data: bytes) -> bytes:
        """What can be handed on; half a sample waits for its other half."""
        data = self._rest + data
        size = len(data) // SAMPLE_BYTES * SAMPLE_BYTES
        self._rest = data[size:]
        return data[:size]


def keys(
    provider: str,
    option: SynthesisOption | TranscriptionOption,
    environment: Mapping[str, str],
    names: Mapping[str, str],
) -> tuple[str, ...]:
    """The option's own, all of them, else the environment's; raises `Failure`.

    ``names`` has the variable of each of the option's fields.
    """
    own = tuple(getattr(option, field) or "" for field in names)
    ours = tuple(environment.get(variable, "") for variable in names.values())
    for found in (own, ours):
        if all(found):
            return found
    raise no_credentials(provider)
