"""The speech process but for its socket, with providers that say what they are told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from chalicelib.protocol.url_policy import UrlPolicy
from mediaworker.speech.cache import Disk, Memory
from mediaworker.speech.guard import Guard
from mediaworker.speech.hearing import Hearing
from mediaworker.speech.helper import Helper
from mediaworker.speech.judging import Judging
from mediaworker.speech.ports import Failure, Heard
from mediaworker.speech.providers.net import Pool
from mediaworker.speech.providers.ports import Phrase, Recognizer, Spoken, Synthesizer
from mediaworker.speech.providers.registry import Registry
from mediaworker.speech.providers.remote_hearing import RemoteHearing, Retries
from mediaworker.speech.providers.remote_speaking import RemoteSpeaking
from mediaworker.speech.shelf import Shelf
from mediaworker.speech.speaking import Speaking, Threads
from mediaworker.speech.voices import Voices
from tests.worker.speech.fakes import Clock, Inline, Told

RETRIES = Retries(pauses=(0.01, 0.01), settled_seconds=30.0)
AT_ONCE = Retries(pauses=(0.0, 0.0), settled_seconds=30.0)
SILENCE_SECONDS = 0.1


class FakeSynthesizer:
    """Says its script, a rate of its own, and waits where it says None."""

    name = "fake"

    def __init__(self, *script: Spoken | Exception | None, rate: int = 8_000) -> None:
        self.script: Sequence[Spoken | Exception | None] = script
        self.own_rate = rate
        self.asked: list[tuple[SynthesisOption, str, int]] = []
        self.is_closed = False

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        return self.own_rate

    async def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        self.asked.append((option, text, rate))
        try:
            for each in self.script:
                if each is None:
                    await asyncio.sleep(60)
                elif isinstance(each, Exception):
                    raise each
                else:
                    yield each
        finally:
            self.is_closed = True


class FakeRecognizer:
    """Tells a script for each time that it is asked; then it listens on."""

    name = "fake"

    def __init__(self, *scripts: Sequence[Phrase | Exception]) -> None:
        self.scripts = list(scripts)
        self.asked: list[tuple[TranscriptionOption, int]] = []
        self.heard: list[bytes] = []
        self.takes = asyncio.Event()
        self.takes.set()

    async def transcribe(
        self, option: TranscriptionOption, rate: int, audio: AsyncIterator[bytes]
    ) -> AsyncIterator[Phrase]:
        self.asked.append((option, rate))
        script = self.scripts.pop(0) if self.scripts else ()
        for each in script:
            self.heard.append(await anext(audio))
            if isinstance(each, Exception):
                raise each
            yield each
        if not self.scripts and script != ():
            return
        async for piece in audio:
            self.heard.append(piece)
            await self.takes.wait()


class SureJudge:
    """Whoever it hears has finished."""

    def judge(self, heard: Heard) -> float:
        return float(heard.size > 0)


class FakeRegistry(Registry):
    def __init__(
        self,
        synthesizer: Synthesizer | None = None,
        recognizer: Recognizer | None = None,
    ) -> None:
        super().__init__({}, Pool(Guard(UrlPolicy())))
        self._synthesizer = synthesizer
        self._recognizer = recognizer

    def synthesizer(self, option: SynthesisOption) -> Synthesizer | None:
        if self._synthesizer is None:
            raise Failure("the provider fake has no credentials", 401)
        return self._synthesizer

    def recognizer(self, option: TranscriptionOption) -> Recognizer | None:
        if self._recognizer is None:
            raise Failure("the provider fake has no credentials", 401)
        return self._recognizer


class RemoteBench:
    """Everything on one loop."""

    def __init__(
        self, folder: Path, registry: Registry, retries: Retries = RETRIES
    ) -> None:
        self._retries = retries
        self.told = Told()
        self.clock = Clock()
        self.memory = Memory()
        self.disk = Disk(folder, 1 << 24)
        self._registry = registry
        self.helper: Helper

    def run(
        self, talk: Callable[["RemoteBench"], Coroutine[Any, Any, None]]
    ) -> "RemoteBench":
        async def main() -> None:
            async with asyncio.timeout(8), asyncio.TaskGroup() as tasks:
                self.helper = self._helper(tasks)
                talking = asyncio.current_task()
                assert talking is not None
                await talk(self)
                raise _Over

        try:
            asyncio.run(main())
        except* _Over:
            pass
        return self

    def _helper(self, tasks: asyncio.TaskGroup) -> Helper:
        inline = Inline()
        threads = Threads(inline, inline)
        remote = RemoteHearing(
            tasks, self._registry, self.told, self.clock, self._retries
        )
        shelf = Shelf(self.memory, self.disk, inline)
        return Helper(
            tasks,
            self.told,
            self.clock,
            Speaking(Voices([]), self.memory, self.disk, threads, self.clock),
            None,  # type: ignore[arg-type]
            Hearing(None, self.told, self.clock, inline, remote),
            RemoteSpeaking(self._registry, shelf, self.told, SILENCE_SECONDS),
            self._judging(tasks, inline),
        )

    def _judging(self, tasks: asyncio.TaskGroup, inline: Inline) -> Judging:
        judging = Judging(SureJudge(), self.told, self.clock, inline)
        tasks.create_task(judging.run())
        return judging


class _Over(Exception):
    """Whatever still goes on is cancelled by it."""
