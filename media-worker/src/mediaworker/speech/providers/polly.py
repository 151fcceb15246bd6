"""Amazon Polly's SynthesizeSpeech.

Documents: docs.aws.amazon.com/polly/latest/dg: API_SynthesizeSpeech.html, output.html
(speech marks) and prosody-tag.html; read with botocore's model of the service.
"""

import json
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from xml.sax.saxutils import escape

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech import languages
from mediaworker.speech.delivery import Delivery
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import aws
from mediaworker.speech.providers.exchange import (
    Samples,
    ms_of,
    parsed,
    stretches,
    text_of,
)
from mediaworker.speech.providers.ports import Mark, Net, Sound, Spoken

SERVICE = aws.Service("polly", "polly")
PATH = "/v1/speech"
RATES = (8_000, 16_000)
ENGINES = ("standard", "neural", "long-form", "generative")
SLOWEST, FASTEST = 0.2, 2.0
PART_CHARS = 2_500
"""Of one request, which may have 3,000."""
MARKS_BYTES = 4 << 20

VOICES = {
    **{"ar": "Zeina", "de": "Vicki", "en": "Joanna", "en-gb": "Amy", "es": "Lucia"},
    **{"es-us": "Lupe", "fr": "Lea", "hi": "Aditi", "it": "Bianca", "ja": "Takumi"},
    **{"ko": "Seoyeon", "nl": "Lotte", "pl": "Ewa", "pt": "Camila", "ru": "Tatyana"},
    **{"sv": "Astrid", "tr": "Filiz", "zh": "Zhiyu"},
}
"""Who speaks a language where nobody was named; all of the standard engine."""
CODES = {"ar": "arb", "zh": "cmn-CN", "zh-cn": "cmn-CN", "zh-hk": "yue-CN"}
"""Where Polly calls a language something else."""
BILINGUAL = {"Aditi": {"hi": "hi-IN", "en": "en-IN"}}


def make(environment: Mapping[str, str], net: Net) -> "Polly":
    return Polly(environment, net)


@dataclass(frozen=True, slots=True)
class Part:
    """What is asked for at once, of a longer text."""

    start: int
    """Its first character in the text."""
    text: str
    request: Mapping[str, Any]
    byte_offsets: tuple[int, ...]
    """Where its characters begin in what Polly was sent."""

    def position(self, offset: int) -> int:
        """Of a byte's character in the text."""
        at = bisect_right(self.byte_offsets, offset) - 1
        return self.start + min(max(0, at), len(self.text) - 1)


class Polly:
    """A `Synthesizer`."""

    name = "polly"

    def __init__(self, environment: Mapping[str, str], net: Net) -> None:
        self._identity = aws.Identity(self.name, SERVICE, environment)
        self._net = net

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        return RATES[0] if wanted <= RATES[0] else RATES[1]

    async def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        """Samples at that rate, as soon as there are some; raises `Failure`."""
        size = 0
        for part in parts(option, text, rate):
            began_ms = size * 1_000 // (2 * rate)
            samples = Samples()
            async for data in self._asked(option, part.request):
                size += len(data)
                yield Sound(samples.whole(data))
            if option.subtitle:
                async for mark in self._marks(option, part):
                    yield Mark(began_ms + mark.at_ms, mark.position)

    async def _asked(
        self, option: SynthesisOption, request: Mapping[str, Any]
    ) -> AsyncIterator[bytes]:
        body = json.dumps(request, ensure_ascii=False).encode()
        url, headers = await self._identity.signed_post(option, PATH, body)
        async with self._net.post(url, headers, body) as answer:
            async for piece in answer:
                yield piece

    async def _marks(self, option: SynthesisOption, part: Part) -> AsyncIterator[Mark]:
        """None where the voice has none; what was said stays said."""
        request = {
            key: part.request[key] for key in part.request if key != "SampleRate"
        }
        request |= {"OutputFormat": "json", "SpeechMarkTypes": ["word"]}
        told = bytearray()
        with suppress(Failure):
            async for piece in self._asked(option, request):
                told += piece[: MARKS_BYTES - len(told)]
            for mark in marks(bytes(told), part):
                yield mark


def parts(option: SynthesisOption, text: str, rate: int) -> Iterator[Part]:
    """Requests for it, one after the other."""
    for start, stretch in stretches(text, PART_CHARS):
        yield _part(option, stretch, start, rate)


def _part(option: SynthesisOption, text: str, start: int, rate: int) -> Part:
    tempo = min(max(Delivery.of(option).speed, SLOWEST), FASTEST)
    request = _request(option, text, rate)
    written = list(text)
    opening = closing = ""
    if tempo != 1.0 and "TextType" not in request:
        opening = f'<speak><prosody rate="{round(100 * tempo)}%">'
        closing = "</prosody></speak>"
        written = [escape(char) for char in text]
        request["TextType"] = "ssml"
    sizes = (len(char.encode()) for char in written)
    offsets = tuple(accumulate(sizes, initial=len(opening)))[:-1]
    request["Text"] = opening + "".join(written) + closing
    return Part(start, text, request, offsets)


def _request(option: SynthesisOption, text: str, rate: int) -> dict[str, Any]:
    """All but the text."""
    language = languages.tag(option.language)
    voice = option.speaker or _voice(language or languages.guessed(text))
    request: dict[str, Any] = {"VoiceId": voice}
    if option.model in ENGINES:
        request["Engine"] = option.model
    code = _code(voice, language)
    if code is not None:
        request["LanguageCode"] = code
    fixed = {"OutputFormat": "pcm", "SampleRate": str(rate)}
    return request | aws.parameters(option) | fixed


def _voice(language: str) -> str:
    """Raises `Failure`."""
    voice = VOICES.get(language) or VOICES.get(languages.primary(language))
    if voice is None:
        raise Failure(f"no voice is known for {language!r}", aws.BAD_REQUEST)
    return voice


def _code(voice: str, language: str | None) -> str | None:
    """Polly knows its voices' languages, but for those who have two."""
    if language is None:
        return None
    if voice in BILINGUAL:
        return BILINGUAL[voice].get(languages.primary(language))
    primary, dash, country = language.partition("-")
    plain = f"{primary}-{country.upper()}" if dash else None
    return CODES.get(language, plain)


def marks(told: bytes, part: Part) -> Iterator[Mark]:
    """One for each line; raises `Failure`."""
    last_ms = 0
    for line in told.splitlines():
        mark = parsed(line)
        at_ms, offset = ms_of(mark.get("time")), ms_of(mark.get("start"))
        if text_of(mark.get("type")) == "word" and None not in (at_ms, offset):
            last_ms = max(last_ms, at_ms or 0)
            yield Mark(last_ms, part.position(offset or 0))
