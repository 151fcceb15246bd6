"""Streams that providers hear: one connection each, opened again when it breaks."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.protocol.session.speech import TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.ports import Phrase
from mediaworker.speech.providers.registry import Registry
from mediaworker.speech.providers.remote_audio import (
    FRAME_MS,
    LONGEST_PIECE_MS,
    SAMPLE_BYTES,
    RemoteEar,
)
from mediaworker.speech.replies import Remark, Reply, Unheard
from mediaworker.speech.requests import Listen

logger = logging.getLogger(__name__)

LOW, HIGH = 8_000, 16_000
FAILED, NOT_IMPLEMENTED, BAD_GATEWAY, UNAVAILABLE = 500, 501, 502, 503
HOPELESS = frozenset({400, 401, 402, 403, 404, NOT_IMPLEMENTED})
"""Codes of failures that come again however often it is tried."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and when, a provider that failed is tried again."""

    pauses: tuple[float, ...] = (0.5, 1.0, 2.0)
    """Seconds; after the last of them it stays off."""
    settled_seconds: float = 30.0
    """A stream that lasted so long failed of something new."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One that goes on."""

    number: int
    option: TranscriptionOption
    ear: RemoteEar

    @property
    def provider(self) -> str:
        return (self.option.provider or "").lower()

    @property
    def rate(self) -> int:
        """That the provider is sent."""
        return LOW if self.option.samplerate < HIGH else HIGH

    @property
    def piece_bytes(self) -> int:
        """By ``bufferSize``: at least a frame, at most a second."""
        frame = self.rate * FRAME_MS // 1_000 * SAMPLE_BYTES
        most = self.rate * LONGEST_PIECE_MS // 1_000 * SAMPLE_BYTES
        return max(frame, min(self.option.buffer_size or frame, most))


class RemoteHearing:
    """Lives on the loop; every stream is a task."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        registry: Registry,
        tell: Callable[[Reply], None],
        clock: Callable[[], float],
        retries: Retries = Retries(),
    ) -> None:
        self._tasks = tasks
        self._registry = registry
        self._tell = tell
        self._clock = clock
        self._retries = retries
        self._following: dict[int, asyncio.Task[None]] = {}

    def listen(self, request: Listen, option: TranscriptionOption) -> RemoteEar:
        """Where the stream's audio goes from now on."""
        ear = RemoteEar(request.rate, lambda: self._overflow(stream))
        stream = Stream(request.stream, option, ear)
        task = self._tasks.create_task(self._follow(stream))
        self._following[request.stream] = task
        task.add_done_callback(lambda _: self._following.pop(request.stream, None))
        return ear

    def deafen(self, number: int) -> None:
        """The stream is over, and nobody waits for what is still unsaid."""
        task = self._following.pop(number, None)
        if task is not None:
            task.cancel()

    async def _follow(self, stream: Stream) -> None:
        """Until it is cancelled, or the provider is given up."""
        tried = 0
        pauses = self._retries.pauses
        try:
            while True:
                began = self._clock()
                failure = await self._once(stream)
                self._fail(stream, failure.sentence, failure.code)
                if self._clock() - began > self._retries.settled_seconds:
                    tried = 0
                if failure.code in HOPELESS:
                    return
                if tried == len(pauses):
                    sentence = "it failed too often, and stays off"
                    self._fail(stream, sentence, UNAVAILABLE)
                    return
                await asyncio.sleep(pauses[tried])
                tried += 1
        finally:
            stream.ear.close()

    async def _once(self, stream: Stream) -> Failure:
        """Why it is over."""
        try:
            recognizer = self._registry.recognizer(stream.option)
            assert recognizer is not None
            audio = stream.ear.audio(stream.rate, stream.piece_bytes)
            phrases = recognizer.transcribe(stream.option, stream.rate, audio)
            async for phrase in phrases:
                self._tell(_remark(stream, phrase))
        except Failure as failure:
            return failure
        except Exception:
            logger.exception("provider failed", extra={"provider": stream.provider})
            return Failure("the adapter failed", FAILED)
        return Failure("the provider ended the stream", BAD_GATEWAY)

    def _overflow(self, stream: Stream) -> None:
        self._fail(stream, "the provider takes the audio too slowly", UNAVAILABLE)

    def _fail(self, stream: Stream, sentence: str, code: int) -> None:
        provider = stream.provider
        self._tell(Unheard(stream.number, provider, f"{provider}: {sentence}", code))


def _remark(stream: Stream, phrase: Phrase) -> Remark:
    return Remark(
        stream.number,
        phrase.text,
        phrase.is_final,
        stream.provider,
        stream.ear.heard_ms(phrase.from_ms),
        stream.ear.heard_ms(phrase.to_ms),
        phrase.confidence,
    )
