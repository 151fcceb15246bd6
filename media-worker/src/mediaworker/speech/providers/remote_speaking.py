"""Texts that providers speak: out of the cache, or sound by sound as it comes."""

import asyncio
from collections.abc import AsyncIterator, Callable

from mediaworker.speech.cache import ENTRY_BYTES, Speech, key_of
from mediaworker.speech.delivery import Delivery
from mediaworker.speech.outgoing import Outgoing
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.names import WITHOUT_VOLUME, speaker_of
from mediaworker.speech.providers.ports import Mark, Spoken, Synthesizer
from mediaworker.speech.providers.registry import Registry
from mediaworker.speech.providers.remote_audio import Decoding
from mediaworker.speech.replies import Made, Marks, Reply
from mediaworker.speech.requests import Synthesize
from mediaworker.speech.shelf import Shelf
from mediaworker.speech.speaking import made, named

READ_AHEAD_MS = 120_000
"""Spoken, and not yet on its way; then the provider has to wait."""
SILENCE_SECONDS = 8.0
"""How long a provider may take for its first sound, and for every next."""
BAD_GATEWAY, TIMED_OUT = 502, 504


class RemoteSpeaking:
    """Lives on the loop; every job is one call of `speak`."""

    def __init__(
        self,
        registry: Registry,
        shelf: Shelf,
        tell: Callable[[Reply], None],
        silence_seconds: float = SILENCE_SECONDS,
    ) -> None:
        self._registry = registry
        self._shelf = shelf
        self._tell = tell
        self._silence_seconds = silence_seconds

    def takes(self, request: Synthesize) -> bool:
        """Whether a provider speaks it, and not the worker."""
        return speaker_of(request.option.provider) is not None

    async def speak(self, request: Synthesize, outgoing: Outgoing) -> Made:
        """When its last samples have been sent; raises `Failure`."""
        provider = (request.option.provider or "").lower()
        try:
            return await self._speak(request, provider, outgoing)
        except Failure as failure:
            sentence = f"{provider}: {failure.sentence}"
            raise Failure(sentence, failure.code) from None

    async def _speak(
        self, request: Synthesize, provider: str, outgoing: Outgoing
    ) -> Made:
        name = _name(request, provider)
        key = named(request, name)
        speaker = request.option.speaker or request.option.model
        kept = await self._shelf.recall(key)
        if kept is not None:
            self._mark(request, kept.marks)
            outgoing.offer(kept.samples)
            who = (provider, speaker)
            return await made(request, outgoing, *who, name, is_cached=True)
        synthesizer = self._registry.synthesizer(request.option)
        assert synthesizer is not None
        speech = await self._synthesize(request, synthesizer, outgoing)
        if speech is not None:
            await self._shelf.keep(key, speech)
        return await made(request, outgoing, provider, speaker, name)

    async def _synthesize(
        self, request: Synthesize, synthesizer: Synthesizer, outgoing: Outgoing
    ) -> Speech | None:
        """What was said; None if it is too much to be kept."""
        option = request.option
        rate = synthesizer.rate(option, request.rate)
        decoding = Decoding(rate, request.rate, _gain(request))
        samples = bytearray()
        marks: list[tuple[int, int]] = []

        def offer(more: bytes) -> None:
            if len(samples) <= ENTRY_BYTES:
                samples.extend(more)
            outgoing.offer(more)

        spoken = synthesizer.speak(option, request.text, rate)
        async for each in self._patiently(spoken):
            if isinstance(each, Mark):
                marks.append((each.at_ms, each.position))
                self._mark(request, (marks[-1],))
            else:
                offer(decoding.feed(each.samples))
                await outgoing.room(READ_AHEAD_MS)
        offer(decoding.end())
        if not samples:
            raise Failure("the provider sent no sound", BAD_GATEWAY)
        if len(samples) > ENTRY_BYTES:
            return None
        return Speech(option.speaker or "", bytes(samples), tuple(marks))

    async def _patiently(self, spoken: AsyncIterator[Spoken]) -> AsyncIterator[Spoken]:
        while True:
            try:
                async with asyncio.timeout(self._silence_seconds):
                    each = await anext(spoken, None)
            except TimeoutError:
                sentence = "the provider did not speak in time"
                raise Failure(sentence, TIMED_OUT) from None
            if each is None:
                return
            yield each

    def _mark(self, request: Synthesize, words: tuple[tuple[int, int], ...]) -> None:
        if words and request.option.subtitle:
            self._tell(Marks(request.job, words))


def _gain(request: Synthesize) -> float:
    """1 for a provider that was told how loud it is to be."""
    is_ours = speaker_of(request.option.provider) in WITHOUT_VOLUME
    return Delivery.of(request.option).gain if is_ours else 1.0


def _name(request: Synthesize, provider: str) -> str:
    """The application's for it, or one of all that it is made from, but its rate."""
    if request.cache_key is not None:
        return request.cache_key
    option = request.option
    return key_of(
        request.scope,
        "remote",
        provider,
        option.endpoint,
        (option.speaker, option.model, option.language, option.emotion),
        (option.speed, option.volume, option.samplerate, option.codec),
        bool(option.subtitle),
        dict(option.extra or {}),
        request.text,
    )
