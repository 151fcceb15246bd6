"""Which of what was asked is transcribed next, and by whom."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from mediaworker.speech import languages
from mediaworker.speech.ear import Ear
from mediaworker.speech.ports import EMBEDDED
from mediaworker.speech.providers.remote_audio import RemoteEar
from mediaworker.speech.providers.remote_hearing import RemoteHearing
from mediaworker.speech.replies import Misheard, Reply, Text
from mediaworker.speech.requests import Deafen, Heard, Listen, Transcribe
from mediaworker.speech.transcriber import Outcome, Transcriber, Utterance

FRAMES_PER_SECOND = 50
FINALS_AT_ONCE, PARTIALS_AT_ONCE = 4, 2
"""More at once is cheaper for each, and later for the first."""
LATEST_SECONDS = 30.0
"""What has waited longer for its turn is answered by an error."""

FAILED, NOT_IMPLEMENTED, UNAVAILABLE = 500, 501, 503


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and all that is needed to answer it in another thread."""

    question: Transcribe
    at: float
    ear: Ear

    @property
    def key(self) -> tuple[int, int]:
        return (self.question.stream, self.question.utterance)


class Hearing:
    """Lives on the loop; `run` has its thread do one batch after the other."""

    def __init__(
        self,
        transcriber: Transcriber | None,
        tell: Callable[[Reply], None],
        clock: Callable[[], float],
        thread: Executor,
        remote: RemoteHearing | None = None,
    ) -> None:
        self._transcriber = transcriber
        self._tell = tell
        self._clock = clock
        self._thread = thread
        self._remote = remote
        self._ears: dict[int, Ear] = {}
        """Of streams that the worker itself is asked about."""
        self._remote_ears: dict[int, RemoteEar] = {}
        """Of streams that go to a provider."""
        self._finals: deque[Asked] = deque()
        self._partials: dict[tuple[int, int], Asked] = {}
        self._is_asked = asyncio.Event()
        self.busy_since: float | None = None

    def listen(self, request: Listen) -> None:
        if self._remote is not None and request.remote is not None:
            ear = self._remote.listen(request, request.remote)
            self._remote_ears[request.stream] = ear
            return
        self._ears[request.stream] = Ear(request.rate, languages.tag(request.language))

    def deafen(self, request: Deafen) -> None:
        """What was asked about it is not answered any more."""
        if self._remote is not None:
            self._remote.deafen(request.stream)
            self._remote_ears.pop(request.stream, None)
        self._ears.pop(request.stream, None)
        stream = request.stream
        kept = [each for each in self._finals if each.question.stream != stream]
        self._finals = deque(kept)
        for key in [key for key in self._partials if key[0] == stream]:
            del self._partials[key]

    def hear(self, request: Heard) -> None:
        """A frame of each stream; without samples they are lost, and were silent."""
        size = request.rate // FRAMES_PER_SECOND * 2
        frames = memoryview(request.samples)
        for at, stream in enumerate(request.streams):
            frame = frames[at * size : (at + 1) * size] if frames else bytes(size)
            ear, remote = self._ears.get(stream), self._remote_ears.get(stream)
            if ear is not None:
                ear.hear(frame)
            if remote is not None:
                remote.hear(frame)

    def ask(self, request: Transcribe) -> None:
        ear = self._ears.get(request.stream)
        if ear is None:
            return
        refusal = self._refusal(ear)
        if refusal is not None:
            # One error an utterance is enough.
            if request.is_final:
                self._tell(_misheard(request, *refusal))
            return
        asked = Asked(request, self._clock(), ear)
        if request.is_final:
            self._partials.pop(asked.key, None)
            self._finals.append(asked)
        else:
            self._partials[asked.key] = asked
        self._is_asked.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._is_asked.wait()
            batch = self._next()
            if not batch:
                self._is_asked.clear()
                continue
            assert self._transcriber is not None
            utterances = [_utterance(asked) for asked in batch]
            self.busy_since = self._clock()
            outcomes = await loop.run_in_executor(
                self._thread, self._transcriber.transcribe, utterances
            )
            self.busy_since = None
            for asked, outcome in zip(batch, outcomes, strict=True):
                self._answer(asked, outcome)

    def _refusal(self, ear: Ear) -> tuple[str, int] | None:
        if self._transcriber is None:
            return "speech recognition is not installed on this worker", UNAVAILABLE
        language = ear.language or languages.DEFAULT
        if not self._transcriber.understands(language):
            return (
                f"the embedded recognition does not understand {language!r}",
                NOT_IMPLEMENTED,
            )
        return None

    def _next(self) -> list[Asked]:
        batch: list[Asked] = []
        while self._finals and len(batch) < FINALS_AT_ONCE:
            asked = self._finals.popleft()
            if self._clock() - asked.at <= LATEST_SECONDS:
                batch.append(asked)
            else:
                sentence = "speech recognition is overloaded"
                self._tell(_misheard(asked.question, sentence, UNAVAILABLE))
        if not batch:
            keys = list(self._partials)[:PARTIALS_AT_ONCE]
            batch = [self._partials.pop(key) for key in keys]
        return batch

    def _answer(self, asked: Asked, outcome: Outcome) -> None:
        question = asked.question
        if question.stream not in self._ears:
            return
        if isinstance(outcome, Exception):
            self._tell(_misheard(question, "speech recognition failed", FAILED))
            return
        self._tell(
            Text(
                question.stream,
                question.request,
                question.utterance,
                outcome,
                EMBEDDED,
                question.is_final,
                round((self._clock() - asked.at) * 1_000),
            )
        )


def _utterance(asked: Asked) -> Utterance:
    question, ear = asked.question, asked.ear
    from_ms, samples = ear.between(question.from_ms, question.to_ms)
    settled = ear.settled(question.utterance)
    return Utterance(settled, from_ms, samples, ear.rate)


def _misheard(question: Transcribe, sentence: str, code: int) -> Misheard:
    return Misheard(
        question.stream,
        question.request,
        question.utterance,
        EMBEDDED,
        sentence,
        code,
        question.is_final,
    )
