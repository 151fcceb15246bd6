"""Texts made into speech before anybody says them."""

from collections.abc import Awaitable, Callable

from mediaworker.speech.cache import ENTRY_BYTES
from mediaworker.speech.outgoing import SAMPLE_BYTES, Outgoing
from mediaworker.speech.ports import Failure
from mediaworker.speech.replies import Chunk, Made, Prepared, Reply
from mediaworker.speech.requests import Prepare, Synthesize

Speak = Callable[[Synthesize, Outgoing], Awaitable[Made]]
RATES = (8_000, 16_000)
"""That calls may have."""
LAST_MS = 1 << 40
TOO_LARGE = 413


class Nowhere(Outgoing):
    """Audio that nobody waits for: all that is heard goes before it."""

    def __init__(self, job: int, rate: int, clock: Callable[[], float]) -> None:
        super().__init__(job, rate, self._take, clock)
        self._a_second = rate * SAMPLE_BYTES
        self.size = 0

    @property
    def ahead_ms(self) -> int:
        return LAST_MS

    def _take(self, reply: Reply) -> None:
        assert isinstance(reply, Chunk)
        self.size += len(reply.samples)

    def offer(self, samples: bytes) -> None:
        self.consume(len(samples) * 1_000 // self._a_second + 1)
        super().offer(samples)


class Preparing:
    """Lives on the loop; every job is one call of `prepare`."""

    def __init__(self, speak: Speak, clock: Callable[[], float]) -> None:
        self._speak = speak
        self._clock = clock

    async def prepare(self, request: Prepare) -> Prepared:
        """When it is kept; raises `Failure`."""
        size, was_there, name = 0, True, ""
        for rate in RATES:
            nowhere = Nowhere(request.job, rate, self._clock)
            made = await self._speak(_of(request, rate), nowhere)
            if nowhere.size > ENTRY_BYTES:
                raise Failure("the speech is too long to be kept", TOO_LARGE)
            size += nowhere.size
            was_there &= made.is_cached
            name = made.cache_key or name
        return Prepared(request.job, name, size, was_there)


def _of(request: Prepare, rate: int) -> Synthesize:
    said = (request.text, rate, request.option, request.cache_key, request.scope)
    return Synthesize(request.job, *said)
