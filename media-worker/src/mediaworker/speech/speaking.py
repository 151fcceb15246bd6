"""Texts into speech: out of the cache, or by a voice, piece by piece."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from mediaworker.speech.cache import ENTRY_BYTES, Disk, Memory, Speech, key_of
from mediaworker.speech.delivery import Delivery, Shaper
from mediaworker.speech.outgoing import Outgoing
from mediaworker.speech.ports import EMBEDDED, Samples, Voice
from mediaworker.speech.replies import Made
from mediaworker.speech.requests import Synthesize
from mediaworker.speech.shelf import Shelf
from mediaworker.speech.text import cleaned, pieces
from mediaworker.speech.turns import Turns
from mediaworker.speech.voices import Voices

FIRST_MS, NEXT_MS = 40, 250
"""How much is handed on at once: little first, for somebody is waiting."""


@dataclass(frozen=True, slots=True)
class Threads:
    """Where what takes its time is done; each does one thing at a time."""

    voice: Executor
    disk: Executor


class Speaking:
    """Lives on the loop; every job is one call of `speak`."""

    def __init__(
        self,
        voices: Voices,
        memory: Memory,
        disk: Disk,
        threads: Threads,
        clock: Callable[[], float],
    ) -> None:
        self._voices = voices
        self._shelf = Shelf(memory, disk, threads.disk)
        self._threads = threads
        self._clock = clock
        self._turns = Turns()
        self.busy_since: float | None = None

    async def speak(self, request: Synthesize, outgoing: Outgoing) -> Made:
        """When its last samples have been sent; raises `Failure`."""
        text = cleaned(request.text)
        voice = self._voices.choose(request.option, text)
        name = _name(request, text, voice)
        key = named(request, name)
        kept = await self._shelf.recall(key)
        if kept is not None:
            outgoing.offer(kept.samples)
            who = (EMBEDDED, kept.speaker)
            return await made(request, outgoing, *who, name, is_cached=True)
        samples = await self._synthesize(request, text, voice, outgoing)
        if samples:
            await self._shelf.keep(key, Speech(voice.name, samples))
        return await made(request, outgoing, EMBEDDED, voice.name, name)

    async def _synthesize(
        self, request: Synthesize, text: str, voice: Voice, outgoing: Outgoing
    ) -> bytes:
        """Its samples; none if they are too many to be kept."""
        loop = asyncio.get_running_loop()
        delivery = Delivery.of(request.option)
        shaper = Shaper(voice.rate, request.rate, delivery.gain)
        speech = bytearray()

        def offer(samples: bytes) -> None:
            if len(speech) <= ENTRY_BYTES:
                speech.extend(samples)
            outgoing.offer(samples)

        for piece in pieces(text):
            await outgoing.room()
            async with self._turns.turn(lambda: outgoing.ahead_ms):
                hand = _Hand(outgoing, shaper, loop, offer)
                self.busy_since = self._clock()
                try:
                    await loop.run_in_executor(
                        self._threads.voice, hand.speak, voice, piece, delivery.speed
                    )
                finally:
                    self.busy_since = None
        offer(shaper.end())
        return bytes(speech) if len(speech) <= ENTRY_BYTES else b""


class _Hand:
    """In the voice's thread: hands what a voice says over to the loop."""

    def __init__(
        self,
        outgoing: Outgoing,
        shaper: Shaper,
        loop: asyncio.AbstractEventLoop,
        offer: Callable[[bytes], None],
    ) -> None:
        self._outgoing = outgoing
        self._shaper = shaper
        self._loop = loop
        self._offer = offer
        self._held: list[Samples] = []
        self._count = 0

    def speak(self, voice: Voice, text: str, speed: float) -> None:
        wanted_ms = NEXT_MS if self._outgoing.total_ms else FIRST_MS

        def hear(samples: Samples) -> bool:
            nonlocal wanted_ms
            self._held.append(samples)
            self._count += len(samples)
            if self._count * 1_000 >= wanted_ms * voice.rate:
                self._hand_over()
                wanted_ms = NEXT_MS
            return self._outgoing.is_wanted

        voice.speak(text, speed, hear)
        if self._held:
            self._hand_over()

    def _hand_over(self) -> None:
        shaped = self._shaper.feed(np.concatenate(self._held))
        self._held.clear()
        self._count = 0
        self._loop.call_soon_threadsafe(self._offer, shaped)


async def made(
    request: Synthesize,
    outgoing: Outgoing,
    provider: str,
    speaker: str | None,
    name: str,
    *,
    is_cached: bool = False,
) -> Made:
    """When all that was made has been sent; it is kept under ``name``, if at all."""
    took_ms = outgoing.elapsed_ms
    await outgoing.drained()
    return Made(
        request.job,
        provider,
        outgoing.total_ms,
        outgoing.first_chunk_ms,
        took_ms,
        is_cached,
        speaker,
        name,
    )


def named(request: Synthesize, name: str) -> str:
    """The key of what an application may ask for by that name."""
    return key_of(request.scope, "named", name, request.rate)


def _name(request: Synthesize, text: str, voice: Voice) -> str:
    """The application's for it, or one of all that it is made from, but its rate."""
    if request.cache_key is not None:
        return request.cache_key
    asked = (voice.name, request.option.speed, request.option.volume)
    return key_of(request.scope, "text", *asked, text)
