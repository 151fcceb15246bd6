"""Numbers jobs and streams for the speech process, and finds whose answer one is."""

import itertools
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from chalicelib.protocol.session.speech import TranscriptionOption
from mediaworker.runtime.ports import SpeechProcess
from mediaworker.session.effects import AskText, FetchFile, JudgeTurn, SayText
from mediaworker.speech.replies import (
    Answer,
    Beep,
    Broken,
    Chunk,
    Made,
    Marks,
    Misheard,
    OfStream,
    Prepared,
    Ready,
    Remark,
    Reply,
)
from mediaworker.speech.requests import (
    Cancel,
    Consumed,
    Deafen,
    Fetch,
    Heard,
    Judge,
    Listen,
    Prepare,
    Synthesize,
    Transcribe,
)

logger = logging.getLogger(__name__)

NOT_UP = "the speech process is not up"
UNAVAILABLE = 503
EMBEDDED = "embedded"
FILE = "file"


class Client(Protocol):
    """A session, as the desk sees it."""

    @property
    def scope(self) -> str:
        """Whose audio may be kept together."""

    @property
    def rate(self) -> int: ...

    @property
    def heard_ms(self) -> int:
        """How much of the caller's audio there was so far."""

    def answer(self, reply: Answer) -> None:
        """With the session's own number of the job."""

    def speech_lost(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Stream:
    """What the speech process hears of a session, since it last began to listen."""

    number: int
    base_ms: int
    """How much of the caller's audio there was before."""
    language: str | None
    remote: TranscriptionOption | None
    judges: bool
    seeks_beeps: bool


class SpeechDesk:
    """Between all sessions and the one speech process."""

    def __init__(self, process: SpeechProcess) -> None:
        self._process = process
        self._numbers = itertools.count(1)
        self._jobs: dict[int, tuple[Client, int]] = {}
        self._numbered: dict[tuple[Client, int], int] = {}
        self._streams: dict[Client, Stream] = {}
        self._listeners: dict[int, Client] = {}
        self.is_up = False
        self.frames_lost = 0
        """Frames that the process had no room for."""
        process.listen(self._hear, self._died)

    def say(self, client: Client, effect: SayText) -> None:
        number = self._number(client, effect.job)
        self._start(
            number,
            Synthesize(
                number,
                effect.text,
                client.rate,
                effect.option,
                effect.cache_key,
                client.scope,
            ),
        )

    def fetch(self, client: Client, effect: FetchFile) -> None:
        number = self._number(client, effect.job)
        at = (client.rate, effect.offset_ms, client.scope)
        self._start(number, Fetch(number, effect.url, *at))

    def prepare(self, client: Client, effect: SayText) -> None:
        """Have a text made into speech that is kept, for who may say it later."""
        number = self._number(client, effect.job)
        said = (effect.text, effect.option, effect.cache_key, client.scope)
        self._start(number, Prepare(number, *said))

    def drop(self, client: Client, job: int) -> None:
        number = self._numbered.get((client, job))
        if number is not None:
            self._forget(number)
            self._process.send(Cancel(number))

    def credit(self, client: Client, job: int, ms: int) -> None:
        number = self._numbered.get((client, job))
        if number is not None:
            self._process.send(Consumed(number, ms))

    def listen(
        self,
        client: Client,
        language: str | None,
        remote: TranscriptionOption | None = None,
        *,
        judges: bool = False,
        seeks_beeps: bool = False,
    ) -> None:
        """From now on the client's audio comes by `feed`, and may be asked about."""
        number = next(self._numbers)
        wanted = (language, remote, judges, seeks_beeps)
        self._streams[client] = Stream(number, client.heard_ms, *wanted)
        self._listeners[number] = client
        self._process.send(Listen(number, client.rate, *wanted))

    def feed(self, rate: int, clients: Sequence[Client], samples: bytes) -> None:
        """A frame of each, one after the other."""
        numbers = tuple(self._streams[client].number for client in clients)
        if not self._process.send(Heard(rate, numbers, samples)):
            self.frames_lost += len(numbers)

    def ask(self, client: Client, effect: AskText) -> None:
        stream = self._streams.get(client)
        if stream is None:
            return
        request = Transcribe(
            stream.number,
            next(self._numbers),
            effect.utterance,
            max(0, effect.from_ms - stream.base_ms),
            max(0, effect.to_ms - stream.base_ms),
            effect.is_final,
        )
        if not self._process.send(request):
            client.answer(
                Misheard(
                    stream.number,
                    request.request,
                    effect.utterance,
                    EMBEDDED,
                    NOT_UP,
                    UNAVAILABLE,
                    effect.is_final,
                )
            )

    def judge(self, client: Client, effect: JudgeTurn) -> None:
        """Where it cannot be asked there is no answer: silence decides."""
        stream = self._streams.get(client)
        if stream is not None:
            to_ms = max(0, effect.to_ms - stream.base_ms)
            self._process.send(Judge(stream.number, effect.number, to_ms))

    def leave(self, client: Client) -> None:
        """Nothing more is wanted for a session that is over."""
        for numbered in [key for key in self._numbered if key[0] is client]:
            self.drop(*numbered)
        stream = self._streams.pop(client, None)
        if stream is not None:
            del self._listeners[stream.number]
            self._process.send(Deafen(stream.number))

    def _number(self, client: Client, job: int) -> int:
        number = next(self._numbers)
        self._jobs[number] = (client, job)
        self._numbered[client, job] = number
        return number

    def _start(self, number: int, request: Synthesize | Fetch | Prepare) -> None:
        if self._process.send(request):
            return
        client, job = self._forget(number)
        provider = FILE if isinstance(request, Fetch) else EMBEDDED
        client.answer(Broken(job, provider, NOT_UP, UNAVAILABLE))

    def _forget(self, number: int) -> tuple[Client, int]:
        client, job = self._jobs.pop(number)
        del self._numbered[client, job]
        return client, job

    def _hear(self, reply: Reply) -> None:
        if isinstance(reply, Ready):
            self._came_up(reply)
        elif isinstance(reply, OfStream):
            self._hear_text(reply)
        elif reply.job in self._jobs:
            self._hear_job(reply)

    def _hear_job(self, reply: Chunk | Made | Prepared | Broken | Marks) -> None:
        client, job = self._jobs[reply.job]
        if not isinstance(reply, Chunk | Marks):
            self._forget(reply.job)
        client.answer(replace(reply, job=job))

    def _hear_text(self, reply: OfStream) -> None:
        client = self._listeners.get(reply.stream)
        if client is None:
            return
        if isinstance(reply, Remark | Beep):
            reply = _since_connect(reply, self._streams[client].base_ms)
        client.answer(reply)

    def _came_up(self, ready: Ready) -> None:
        logger.info(
            "speech - DOWN -> UP",
            extra={"voices": list(ready.voices), "hears": ready.hears},
        )
        self.is_up = True
        for client, stream in list(self._streams.items()):
            del self._listeners[stream.number]
            self._process.send(Deafen(stream.number))
            self.listen(
                client,
                stream.language,
                stream.remote,
                judges=stream.judges,
                seeks_beeps=stream.seeks_beeps,
            )

    def _died(self) -> None:
        logger.error("speech - UP -> DOWN", extra={"jobs": len(self._jobs)})
        self.is_up = False
        lost = {client for client, _ in self._jobs.values()} | set(self._streams)
        self._jobs.clear()
        self._numbered.clear()
        for client in lost:
            client.speech_lost()


def _since_connect(reply: Remark | Beep, base_ms: int) -> Remark | Beep:
    """With instants of all of the caller's audio."""
    if isinstance(reply, Beep):
        from_ms, to_ms = base_ms + reply.from_ms, base_ms + reply.to_ms
        return Beep(reply.stream, from_ms, to_ms)
    return replace(
        reply,
        from_ms=None if reply.from_ms is None else base_ms + reply.from_ms,
        to_ms=None if reply.to_ms is None else base_ms + reply.to_ms,
    )
