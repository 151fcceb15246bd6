"""A job's audio on its way to the media process, no more than it has room for."""

import asyncio
from collections.abc import Callable

from mediaworker.speech.replies import Chunk, Reply
from mediaworker.speech.requests import CREDIT_MS

CHUNK_MS = 500
"""The longest of a message."""
SAMPLE_BYTES = 2

Tell = Callable[[Reply], None]


class Outgoing:
    """Lives on the loop. Who makes the audio waits in `room` and in `drained`."""

    def __init__(
        self, job: int, rate: int, tell: Tell, clock: Callable[[], float]
    ) -> None:
        self._job = job
        self._per_ms = rate * SAMPLE_BYTES // 1_000
        self._tell = tell
        self._clock = clock
        self._began = clock()
        self._pending = bytearray()
        self._sent = 0
        self._consumed_ms = 0
        self._moved = asyncio.Event()
        self.first_chunk_ms = 0
        self.is_wanted = True
        """False once the job is cancelled, for the thread that works for it."""

    @property
    def total_ms(self) -> int:
        return (self._sent + len(self._pending)) // self._per_ms

    @property
    def ahead_ms(self) -> int:
        """How long it lasts from here if nothing more is made."""
        return self.total_ms - self._consumed_ms

    @property
    def elapsed_ms(self) -> int:
        return round((self._clock() - self._began) * 1_000)

    def offer(self, samples: bytes) -> None:
        """The next samples."""
        self._pending += samples
        self._send()

    def consume(self, ms: int) -> None:
        """So much more was played."""
        self._consumed_ms += ms
        self._send()

    async def room(self, pending_ms: int = 0) -> None:
        """Until no more than this is left that may not go yet."""
        while len(self._pending) > pending_ms * self._per_ms:
            self._moved.clear()
            await self._moved.wait()

    async def drained(self) -> None:
        """Until all has been sent."""
        await self.room()

    def _send(self) -> None:
        if not self.is_wanted:
            return
        allowed = (CREDIT_MS + self._consumed_ms) * self._per_ms - self._sent
        while self._pending and allowed > 0:
            size = min(len(self._pending), allowed, CHUNK_MS * self._per_ms)
            if not self._sent:
                self.first_chunk_ms = self.elapsed_ms
            self._tell(Chunk(self._job, bytes(self._pending[:size])))
            del self._pending[:size]
            self._sent += size
            allowed -= size
        self._moved.set()
