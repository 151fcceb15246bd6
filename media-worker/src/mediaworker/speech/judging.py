"""What is guessed of those who are heard: have they finished, was that a beep.

Turns are judged one after the other, in a thread of their own.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from mediaworker.speech.beeps import Beeps
from mediaworker.speech.ear import Ear, hearable
from mediaworker.speech.ports import TurnJudge
from mediaworker.speech.replies import Judged, Reply
from mediaworker.speech.requests import Deafen, Heard, Judge, Listen, Request

logger = logging.getLogger(__name__)

FRAMES_PER_SECOND = 50
HEARD_MS = 8_000
LATEST_SECONDS = 1.0
"""What has waited longer is of no use: silence has decided by then."""
NOT_INSTALLED = "the model for ends of turns is not installed on this worker"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and all that is needed to answer it in another thread."""

    question: Judge
    at: float
    ear: Ear


class Judging:
    """Lives on the loop; of each stream only the latest question waits."""

    def __init__(
        self,
        judge: TurnJudge | None,
        tell: Callable[[Reply], None],
        clock: Callable[[], float],
        thread: Executor,
    ) -> None:
        self._judge = judge
        self._tell = tell
        self._clock = clock
        self._thread = thread
        self._beeps = Beeps(tell)
        self._ears: dict[int, Ear] = {}
        self._asked: dict[int, Asked] = {}
        """By stream, the oldest first."""
        self._is_asked = asyncio.Event()
        self.busy_since: float | None = None

    def receive(self, request: Request) -> None:
        """What is for others is ignored."""
        match request:
            case Heard():
                self.hear(request)
            case Listen():
                self.listen(request)
            case Deafen():
                self.deafen(request)
            case Judge():
                self.ask(request)

    def listen(self, request: Listen) -> None:
        self._beeps.listen(request)
        if request.judges and self._judge is not None:
            self._ears[request.stream] = Ear(request.rate, None, HEARD_MS)

    def deafen(self, request: Deafen) -> None:
        """What was asked about it is not answered any more."""
        self._beeps.deafen(request)
        self._ears.pop(request.stream, None)
        self._asked.pop(request.stream, None)

    def hear(self, request: Heard) -> None:
        """A frame of each stream; without samples they are lost, and were silent."""
        self._beeps.hear(request)
        if not self._ears:
            return
        size = request.rate // FRAMES_PER_SECOND * 2
        frames = memoryview(request.samples or bytes(size * len(request.streams)))
        for at, stream in enumerate(request.streams):
            ear = self._ears.get(stream)
            if ear is not None:
                ear.hear(frames[at * size : (at + 1) * size])

    def ask(self, request: Judge) -> None:
        if self._judge is None:
            stream, number = request.stream, request.number
            self._tell(Judged(stream, number, None, 0, NOT_INSTALLED))
            return
        ear = self._ears.get(request.stream)
        if ear is not None:
            self._asked.pop(request.stream, None)
            self._asked[request.stream] = Asked(request, self._clock(), ear)
            self._is_asked.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self._is_asked.wait()
            if not self._asked:
                self._is_asked.clear()
                continue
            asked = self._asked.pop(next(iter(self._asked)))
            is_late = self._clock() - asked.at > LATEST_SECONDS
            self._answer(asked, None if is_late else await self._judged(asked))

    async def _judged(self, asked: Asked) -> float | None:
        """None where the network failed, which is no other's fault."""
        assert self._judge is not None
        to_ms, ear = asked.question.to_ms, asked.ear
        _, samples = ear.between(max(0, to_ms - HEARD_MS), to_ms)
        self.busy_since = self._clock()
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(
                self._thread, _probability, self._judge, samples, ear.rate
            )
        except Exception:
            logger.exception("turn not judged")
            return None
        finally:
            self.busy_since = None

    def _answer(self, asked: Asked, probability: float | None) -> None:
        question = asked.question
        if question.stream in self._ears:
            took_ms = round((self._clock() - asked.at) * 1_000)
            self._tell(Judged(question.stream, question.number, probability, took_ms))


def _probability(judge: TurnJudge, samples: bytes, rate: int) -> float:
    return judge.judge(hearable(samples, rate))
