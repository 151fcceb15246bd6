"""Files into a job's audio, while they are still being downloaded."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from mediaworker.speech.decoding.files import Files
from mediaworker.speech.delivery import Shaper
from mediaworker.speech.download import Download, Downloader
from mediaworker.speech.freshness import Version
from mediaworker.speech.outgoing import SAMPLE_BYTES, Outgoing
from mediaworker.speech.ports import Failure
from mediaworker.speech.prompts import Gathering, Key, Prompt, Prompts
from mediaworker.speech.replies import Made
from mediaworker.speech.requests import Fetch

PROVIDER = "file"
READ_AHEAD_MS = 30_000
"""Decoded, and not yet on its way; then the server has to wait."""
LAG_SECONDS = 30.0
"""How far a server may fall behind what is played of its file."""
TIMED_OUT = 504
OTHERS_FAULT = 500
"""From here on it is the server that failed, and not the question."""


class Tail:
    """What comes after an offset; the rest is not heard."""

    def __init__(self, rate: int, offset_ms: int) -> None:
        self._skip = offset_ms * rate // 1_000 * SAMPLE_BYTES

    def feed(self, samples: bytes) -> bytes:
        skipped = min(self._skip, len(samples))
        self._skip -= skipped
        return samples[skipped:] if skipped else samples


class Fetching:
    """Lives on the loop; every job is one call of `fetch`."""

    def __init__(
        self,
        downloader: Downloader,
        files: Files,
        prompts: Prompts,
        clock: Callable[[], float],
    ) -> None:
        self._downloader = downloader
        self._files = files
        self._prompts = prompts
        self._clock = clock

    async def fetch(self, request: Fetch, outgoing: Outgoing) -> Made:
        """When its last samples have been sent; raises `Failure`."""
        key = (request.scope, request.url, request.rate)
        kept = await self._prompts.fresh(key)
        if kept is None:
            gathering = self._prompts.gather(key)
            try:
                kept = await self._ask(key, gathering, request, outgoing)
            finally:
                gathering.end()
        if kept is not None:
            tail = Tail(request.rate, request.offset_ms)
            outgoing.offer(tail.feed(kept.samples))
        took_ms = outgoing.elapsed_ms
        await outgoing.drained()
        return Made(
            request.job,
            PROVIDER,
            outgoing.total_ms,
            outgoing.first_chunk_ms,
            took_ms,
            is_cached=kept is not None,
        )

    async def _ask(
        self, key: Key, gathering: Gathering, request: Fetch, outgoing: Outgoing
    ) -> Prompt | None:
        """What is kept, if it is still good; else the file is played as it comes."""
        kept = self._prompts.find(key)
        known = kept.version if kept is not None else None
        try:
            async with self._downloader.file(request.url, known) as download:
                if kept is None or download.chunks is not None:
                    self._prompts.forget(key)
                    kept = None
                    await self._play(download, gathering, request, outgoing)
                    self._keep(key, gathering, download.version)
                else:
                    self._prompts.renew(key, kept, download.version.fresh_seconds)
        except Failure as failure:
            if kept is None or failure.code < OTHERS_FAULT:
                self._prompts.forget(key)
                raise
            self._prompts.trust(key, kept)
        return kept

    async def _play(
        self,
        download: Download,
        gathering: Gathering,
        request: Fetch,
        outgoing: Outgoing,
    ) -> None:
        assert download.chunks is not None
        if download.version.fresh_seconds is None:
            gathering.give_up()
        tail = Tail(request.rate, request.offset_ms)
        chunks = self._patiently(download.chunks, outgoing)
        async with aclosing(self._shaped(chunks, request.rate)) as shaped:
            async for samples in shaped:
                gathering.add(samples)
                outgoing.offer(tail.feed(samples))
                await outgoing.room(READ_AHEAD_MS)

    def _keep(self, key: Key, gathering: Gathering, version: Version) -> None:
        whole = gathering.whole()
        if whole is not None:
            self._prompts.keep(key, whole, version)

    async def _shaped(
        self, chunks: AsyncIterator[bytes], rate: int
    ) -> AsyncGenerator[bytes, None]:
        shaper: Shaper | None = None
        async with self._files.decoding(chunks) as pieces:
            async for piece in pieces:
                shaper = shaper or Shaper(piece.rate, rate)
                yield shaper.feed(piece.samples)
        if shaper is not None:
            yield shaper.end()

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
