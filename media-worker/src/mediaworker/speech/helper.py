"""The speech process: requests in, replies out, every job a task."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from mediaworker.speech.fetching import PROVIDER as FILE
from mediaworker.speech.fetching import Fetching
from mediaworker.speech.hearing import Hearing
from mediaworker.speech.judging import Judging
from mediaworker.speech.outgoing import Outgoing
from mediaworker.speech.ports import EMBEDDED, Failure
from mediaworker.speech.preparing import Preparing
from mediaworker.speech.providers.names import speaker_of
from mediaworker.speech.providers.remote_speaking import RemoteSpeaking
from mediaworker.speech.replies import Broken, Made, Prepared, Reply
from mediaworker.speech.requests import (
    Cancel,
    Consumed,
    Deafen,
    Fetch,
    Heard,
    Judge,
    Listen,
    Prepare,
    Request,
    Synthesize,
    Transcribe,
)
from mediaworker.speech.speaking import Speaking

logger = logging.getLogger(__name__)

JOBS_MAX = 2_000
STUCK_SECONDS = 30.0
WATCH_SECONDS = 1.0
FAILED, UNAVAILABLE = 500, 503
NO_RATE = 1_000
"""Of audio that is sent nowhere."""

Work = Synthesize | Fetch | Prepare


@dataclass(frozen=True, slots=True)
class Job:
    """One that goes on."""

    task: asyncio.Task[None]
    outgoing: Outgoing


class Helper:
    """Lives on the loop, within one task group."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        tell: Callable[[Reply], None],
        clock: Callable[[], float],
        speaking: Speaking,
        fetching: Fetching,
        hearing: Hearing,
        remote: RemoteSpeaking | None = None,
        judging: Judging | None = None,
    ) -> None:
        self._tasks = tasks
        self._tell = tell
        self._clock = clock
        self._speaking = speaking
        self._fetching = fetching
        self._hearing = hearing
        self._remote = remote
        self._judging = judging
        self._preparing = Preparing(self._speak, clock)
        self._jobs: dict[int, Job] = {}

    def receive(self, request: Request) -> None:
        if isinstance(request, Heard | Listen | Deafen | Transcribe | Judge):
            self._hear(request)
            return
        match request:
            case Consumed():
                self._consume(request)
            case Synthesize() | Fetch() | Prepare():
                self._begin(request)
            case Cancel():
                self._cancel(request)

    def _hear(self, request: Heard | Listen | Deafen | Transcribe | Judge) -> None:
        match request:
            case Heard():
                self._hearing.hear(request)
            case Listen():
                self._hearing.listen(request)
            case Deafen():
                self._hearing.deafen(request)
            case Transcribe():
                self._hearing.ask(request)
        if self._judging is not None:
            self._judging.receive(request)

    def is_stuck(self) -> bool:
        """Whether an engine does not come back."""
        judging = self._judging.busy_since if self._judging is not None else None
        since = (self._speaking.busy_since, self._hearing.busy_since, judging)
        now = self._clock()
        return any(at is not None and now - at > STUCK_SECONDS for at in since)

    async def watch(self, give_up: Callable[[], None]) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if self.is_stuck():
                logger.critical("an engine is stuck")
                give_up()

    def _begin(self, request: Work) -> None:
        provider = _provider(request)
        if len(self._jobs) >= JOBS_MAX:
            sentence = "too much is being said at once"
            self._tell(Broken(request.job, provider, sentence, UNAVAILABLE))
            return
        rate = NO_RATE if isinstance(request, Prepare) else request.rate
        outgoing = Outgoing(request.job, rate, self._tell, self._clock)
        task = self._tasks.create_task(self._do(request, provider, outgoing))
        self._jobs[request.job] = Job(task, outgoing)
        task.add_done_callback(lambda _: self._jobs.pop(request.job, None))

    async def _do(self, request: Work, provider: str, outgoing: Outgoing) -> None:
        """One job's end, whatever it is, is no other's."""
        try:
            self._tell(await self._made(request, outgoing))
            return
        except Failure as known:
            failure = known
        except Exception:
            logger.exception("job failed", extra={"job": request.job})
            failure = Failure("the speech engine failed", FAILED)
        # After what was made of it.
        await outgoing.drained()
        self._tell(Broken(request.job, provider, failure.sentence, failure.code))

    async def _made(self, request: Work, outgoing: Outgoing) -> Made | Prepared:
        match request:
            case Synthesize():
                return await self._speak(request, outgoing)
            case Fetch():
                return await self._fetching.fetch(request, outgoing)
            case Prepare():
                return await self._preparing.prepare(request)

    async def _speak(self, request: Synthesize, outgoing: Outgoing) -> Made:
        if self._remote is not None and self._remote.takes(request):
            return await self._remote.speak(request, outgoing)
        return await self._speaking.speak(request, outgoing)

    def _consume(self, request: Consumed) -> None:
        job = self._jobs.get(request.job)
        if job is not None:
            job.outgoing.consume(request.ms)

    def _cancel(self, request: Cancel) -> None:
        job = self._jobs.pop(request.job, None)
        if job is not None:
            job.outgoing.is_wanted = False
            job.task.cancel()


def _provider(request: Work) -> str:
    """Whose failure it would be."""
    if isinstance(request, Fetch):
        return FILE
    is_remote = speaker_of(request.option.provider) is not None
    return (request.option.provider or EMBEDDED).lower() if is_remote else EMBEDDED
