"""Files into a job's audio, while they are still being downloaded."""

from collections.abc import AsyncIterator, Callable

from mediaworker.audio.wav import Format, MalformedWav, WavReader
from mediaworker.speech.delivery import Shaper
from mediaworker.speech.download import Downloader
from mediaworker.speech.messages import Fetch, Made
from mediaworker.speech.outgoing import Outgoing
from mediaworker.speech.ports import Failure, Samples

PROVIDER = "file"
READ_AHEAD_MS = 30_000
"""Decoded, and not yet on its way; then the server has to wait."""
LAG_SECONDS = 30.0
"""How far a server may fall behind what is played of its file."""
UNSUPPORTED, TIMED_OUT = 415, 504


class Decoder:
    """Bytes of a WAV file into bytes of a job, from an offset on."""

    def __init__(self, rate: int, offset_ms: int) -> None:
        self._rate = rate
        self._offset_ms = offset_ms
        self._reader = WavReader()
        self._format: Format | None = None
        self._shaper: Shaper | None = None
        self._skip = 0

    def feed(self, data: bytes) -> bytes:
        """Raises `Failure` when it is no WAV file that can be played."""
        made = bytearray()
        try:
            for event in self._reader.feed(data):
                if isinstance(event, Format):
                    self._begin(event)
                else:
                    made += self._shaped(event)
        except MalformedWav as why:
            raise _unplayable(why) from None
        return bytes(made)

    def end(self) -> bytes:
        """What was held back; raises `Failure` if no sound has come."""
        try:
            self._reader.finish()
        except MalformedWav as why:
            raise _unplayable(why) from None
        assert self._shaper is not None
        return self._shaper.end()

    def _begin(self, found: Format) -> None:
        self._shaper = Shaper(found.rate, self._rate)
        self._skip = self._offset_ms * found.rate // 1_000

    def _shaped(self, samples: Samples) -> bytes:
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        if skipped == len(samples) or self._shaper is None:
            return b""
        return self._shaper.feed(samples[skipped:])


class Fetching:
    """Lives on the loop; every job is one call of `fetch`."""

    def __init__(self, downloader: Downloader, clock: Callable[[], float]) -> None:
        self._downloader = downloader
        self._clock = clock

    async def fetch(self, request: Fetch, outgoing: Outgoing) -> Made:
        """When its last samples have been sent; raises `Failure`."""
        decoder = Decoder(request.rate, request.offset_ms)
        async with self._downloader.body(request.url) as chunks:
            async for chunk in self._patiently(chunks, outgoing):
                outgoing.offer(decoder.feed(chunk))
                await outgoing.room(READ_AHEAD_MS)
        outgoing.offer(decoder.end())
        took_ms = outgoing.elapsed_ms
        await outgoing.drained()
        return Made(
            request.job,
            PROVIDER,
            outgoing.total_ms,
            outgoing.first_chunk_ms,
            took_ms,
        )

    async def _patiently(
        self, chunks: AsyncIterator[bytes], outgoing: Outgoing
    ) -> AsyncIterator[bytes]:
        """A server may be slow, but not much slower than its file is played."""
        waited = 0.0
        while True:
            began = self._clock()
            chunk = await anext(chunks, None)
            if chunk is None:
                return
            waited += self._clock() - began
            if waited > LAG_SECONDS + outgoing.total_ms / 1_000:
                raise Failure(
                    "the server sends slower than the file is played", TIMED_OUT
                )
            yield chunk


def _unplayable(why: MalformedWav) -> Failure:
    return Failure(f"only WAV files can be played, and {why}", UNSUPPORTED)
