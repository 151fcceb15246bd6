"""Engines that are quick and always say the same, and a clock that stands still."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np

from mediaworker.speech.cache import Disk, Memory
from mediaworker.speech.fetching import Fetching
from mediaworker.speech.hearing import Hearing
from mediaworker.speech.helper import Helper
from mediaworker.speech.ports import Hear, Heard, Voice
from mediaworker.speech.replies import Broken, Chunk, Made, Reply
from mediaworker.speech.speaking import Speaking, Threads
from mediaworker.speech.transcriber import Transcriber
from mediaworker.speech.voices import Voices

WAIT_SECONDS = 5.0
RATE = 8_000
PER_MS = RATE // 1_000


class Inline(Executor):
    """Does it at once."""

    def submit(  # type: ignore[override]
        self, call: Callable[..., Any], /, *arguments: Any
    ) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


class FakeVoice:
    """Says a hundred milliseconds for every letter."""

    rate = RATE

    def __init__(self, name: str = "fake") -> None:
        self.name = name
        self.said: list[str] = []

    def speak(self, text: str, speed: float, hear: Hear) -> None:
        self.said.append(text)
        if "boom" in text:
            raise ValueError("a bug of the engine")
        for letter in text:
            if not hear(np.full(100 * PER_MS, ord(letter) % 100, np.int16)):
                return


class FakeEngine:
    """Has one voice, for some languages."""

    def __init__(
        self, name: str = "fake", languages: Sequence[str] = ("en",), speaker: str = ""
    ) -> None:
        self.name = name
        self.voice = FakeVoice(speaker or name)
        self._languages = languages

    def named(self, speaker: str) -> Voice | None:
        return self.voice if speaker == self.voice.name else None

    def speaks(self, language: str) -> Voice | None:
        return self.voice if language.partition("-")[0] in self._languages else None


class FakeRecogniser:
    """Tells how much it was given, and fails where the audio is loud."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def understands(self, language: str) -> bool:
        return language.startswith("en")

    def transcribe(self, utterances: Sequence[Heard]) -> list[str]:
        lengths = [len(each) * 1_000 // 16_000 for each in utterances]
        self.batches.append(lengths)
        if any(each.size and each.max() > 0.9 for each in utterances):
            raise ValueError("a bug of the engine")
        return [f"{length} ms" for length in lengths]


class Clock:
    """Goes on when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Told:
    """All that was told, and the next thing."""

    def __init__(self) -> None:
        self.all: list[Reply] = []
        self._queue: asyncio.Queue[Reply] = asyncio.Queue()

    def __call__(self, reply: Reply) -> None:
        self.all.append(reply)
        self._queue.put_nowait(reply)

    async def next(self) -> Reply:
        async with asyncio.timeout(WAIT_SECONDS):
            return await self._queue.get()

    async def end(self, job: int) -> Reply:
        """The last that is told of a job."""
        while True:
            for reply in self.all:
                if isinstance(reply, Made | Broken) and reply.job == job:
                    return reply
            await self.next()

    def samples(self, job: int) -> bytes:
        """All that was sent of a job so far."""
        chunks = [each for each in self.all if isinstance(each, Chunk)]
        return b"".join(each.samples for each in chunks if each.job == job)


class Bench:
    """A whole speech process but for its socket, with fakes for engines."""

    def __init__(self, folder: Path, fetching: Fetching | None = None) -> None:
        self.told = Told()
        self.clock = Clock()
        self.engine = FakeEngine()
        self.recogniser = FakeRecogniser()
        self.disk = Disk(folder, 1 << 20)
        self._fetching = fetching
        inline = Inline()
        self.hearing = Hearing(
            Transcriber(self.recogniser), self.told, self.clock, inline
        )
        self.speaking = Speaking(
            Voices([self.engine]),
            Memory(),
            self.disk,
            Threads(inline, inline),
            self.clock,
        )
        self.helper: Helper

    def run(self, talk: Callable[["Bench"], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            async with asyncio.TaskGroup() as tasks:
                self.helper = Helper(
                    tasks,
                    self.told,
                    self.clock,
                    self.speaking,
                    self._fetching,  # type: ignore[arg-type]
                    self.hearing,
                )
                hearing = tasks.create_task(self.hearing.run())
                await talk(self)
                hearing.cancel()

        asyncio.run(main())


async def settle() -> None:
    """Until nobody has anything to do."""
    for _ in range(50):
        await asyncio.sleep(0)
