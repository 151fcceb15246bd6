"""Deepgram: speech to text over a WebSocket, text to speech over HTTP.

Documents: developers.deepgram.com/reference/speech-to-text/listen-streaming, and
docs/understand-endpointing-interim-results, docs/audio-keep-alive, docs/finalize,
docs/close-stream; reference/text-to-speech/speak-request, and docs/tts-media-output-
settings for the rates of ``linear16``.
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.delivery import Delivery
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.addresses import (
    as_socket,
    as_web,
    located,
    parameters,
)
from mediaworker.speech.providers.exchange import (
    Sending,
    hung_up,
    keys,
    list_of,
    ms_of,
    object_of,
    parsed,
    stretches,
    text_of,
)
from mediaworker.speech.providers.ports import Net, Phrase, Sound, Spoken
from mediaworker.speech.providers.remote_audio import Timeline

NAMES = {"secret_key": "DEEPGRAM_API_KEY"}
LISTEN, SPEAK = "wss://api.deepgram.com", "https://api.deepgram.com"
LISTEN_PATH, SPEAK_PATH = "/v1/listen", "/v1/speak"
MODEL, VOICE = "nova-3", "aura-2-thalia-en"
ENDPOINT_MS = 300
"""Silence that ends an utterance, unless ``extra`` says otherwise."""
RATES = (8_000, 16_000, 24_000, 32_000, 48_000)
"""In which it speaks ``linear16``."""
SLOWEST, FASTEST = 0.7, 1.5
TEXT_MAX = 2_000
"""Characters of one request to speak."""
PAID_SILENCE_MS = 3_000
"""Digital silence that is sent; what goes on longer is not listened to."""
KEEP_ALIVE_MS = 4_000
"""It hangs up after ten seconds without anything."""
KEEP_ALIVE = json.dumps({"type": "KeepAlive"})
CLOSE_STREAM = json.dumps({"type": "CloseStream"})
PER_SECOND = 0.001
"""Of their seconds, a millisecond."""
BAD_GATEWAY = 502


def make(environment: Mapping[str, str], net: Net) -> "Deepgram":
    return Deepgram(environment, net)


class Deepgram:
    """A `Recognizer` and a `Synthesizer`."""

    name = "deepgram"

    def __init__(self, environment: Mapping[str, str], net: Net) -> None:
        self._environment = environment
        self._net = net

    async def transcribe(
        self, option: TranscriptionOption, rate: int, audio: AsyncIterator[bytes]
    ) -> AsyncIterator[Phrase]:
        """Raises `Failure`."""
        headers = self._headers(option)
        query = _listening(option, rate)
        url = located(option.endpoint or LISTEN, LISTEN_PATH, query.items())
        thrift = Thrift(rate)
        utterance = Utterance(thrift.timeline)
        async with (
            self._net.connect(as_socket(url), headers) as socket,
            Sending(socket, thrift.pieces(audio), CLOSE_STREAM, _framed),
        ):
            async for message in socket:
                for phrase in utterance.hear(parsed(message)):
                    yield phrase
        for phrase in utterance.end():
            yield phrase
        if not utterance.is_over:
            raise hung_up()

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        """The next higher one that it has."""
        return next((rate for rate in RATES if rate >= wanted), RATES[-1])

    async def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        """Raises `Failure`."""
        headers = {**self._headers(option), "Content-Type": "application/json"}
        query = _speaking(option, rate)
        url = located(option.endpoint or SPEAK, SPEAK_PATH, query.items())
        for _, part in stretches(text, TEXT_MAX):
            body = json.dumps({"text": part}).encode()
            async with self._net.post(as_web(url), headers, body) as answer:
                async for data in answer:
                    yield Sound(data)

    def _headers(self, option: SynthesisOption | TranscriptionOption) -> dict[str, str]:
        (key,) = keys(self.name, option, self._environment, NAMES)
        return {"Authorization": f"Token {key}"}


class Thrift:
    """Sends no long silence, which would be paid for like speech."""

    def __init__(self, rate: int) -> None:
        self._bytes_a_ms = rate * 2 // 1_000
        self.timeline = Timeline()

    async def pieces(self, audio: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """An empty one says that we are still there."""
        heard = sent = silent = told = 0
        async for piece in audio:
            is_silent = piece.count(0) == len(piece)
            silent = silent + len(piece) if is_silent else 0
            if silent <= PAID_SILENCE_MS * self._bytes_a_ms:
                told = heard
                self.timeline.note(sent // self._bytes_a_ms, heard // self._bytes_a_ms)
                sent += len(piece)
                yield piece
            elif heard - told >= KEEP_ALIVE_MS * self._bytes_a_ms:
                told = heard
                yield b""
            heard += len(piece)


class Utterance:
    """Their segments, put together from one pause to the next."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._settled: list[str] = []
        self._from_ms: int | None = None
        self._to_ms: int | None = None
        self._confidence: float | None = None
        self.is_over = False
        """All that they were sent is told: only then do they sum up."""

    def hear(self, message: Mapping[str, Any]) -> list[Phrase]:
        """What is to be told of it; raises `Failure` for their errors."""
        kind = message.get("type")
        if kind == "Error" or "err_code" in message:
            raise Failure("the provider reports an error", BAD_GATEWAY)
        self.is_over |= kind == "Metadata"
        if kind == "Results":
            return self._hear_results(message)
        return self.end() if kind == "UtteranceEnd" else []

    def end(self) -> list[Phrase]:
        """Nothing is added to it."""
        if not self._settled:
            return []
        phrase = self._phrase(" ".join(self._settled), is_final=True)
        self._settled = []
        self._from_ms = self._to_ms = None
        return [phrase]

    def _hear_results(self, message: Mapping[str, Any]) -> list[Phrase]:
        channel = object_of(message.get("channel"))
        best = object_of(next(iter(list_of(channel.get("alternatives"))), None))
        text = text_of(best.get("transcript")).strip()
        told: list[Phrase] = []
        if text:
            self._span(message, list_of(best.get("words")))
            self._confidence = _share(best.get("confidence"))
            if message.get("is_final") is True:
                self._settled.append(text)
                text = ""
            whole = " ".join([*self._settled, text]).strip()
            told.append(self._phrase(whole, is_final=False))
        if message.get("speech_final") is True or message.get("from_finalize") is True:
            return self.end() or told
        return told

    def _span(self, message: Mapping[str, Any], words: list[Any]) -> None:
        """Of its first and its last word, if it tells of words."""
        start_ms = ms_of(message.get("start"), PER_SECOND)
        length_ms = ms_of(message.get("duration"), PER_SECOND)
        ends = (start_ms or 0) + length_ms if length_ms is not None else None
        if words:
            start_ms = ms_of(object_of(words[0]).get("start"), PER_SECOND) or start_ms
            ends = ms_of(object_of(words[-1]).get("end"), PER_SECOND) or ends
        if self._from_ms is None and start_ms is not None:
            self._from_ms = self._timeline.heard_ms(start_ms)
        if ends is not None:
            self._to_ms = self._timeline.heard_ms(ends)

    def _phrase(self, text: str, *, is_final: bool) -> Phrase:
        to_ms = self._to_ms
        if to_ms is not None and self._from_ms is not None:
            to_ms = max(to_ms, self._from_ms)
        return Phrase(text, is_final, self._from_ms, to_ms, self._confidence)


def _framed(piece: bytes) -> str | bytes:
    return piece or KEEP_ALIVE


def _share(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value <= 1 else None


def _listening(option: TranscriptionOption, rate: int) -> dict[str, str]:
    """The option's own ``extra`` goes before what we would ask for."""
    language = {"language": option.language} if option.language else {}
    return {
        "model": option.model_type or MODEL,
        **language,
        "interim_results": "true",
        "punctuate": "true",
        "smart_format": "true",
        "endpointing": str(ENDPOINT_MS),
        **parameters(option.extra),
        "encoding": "linear16",
        "sample_rate": str(rate),
        "channels": "1",
    }


def _speaking(option: SynthesisOption, rate: int) -> dict[str, str]:
    """Its volume is ours to make; its speed only where one is asked for."""
    speed = min(FASTEST, max(SLOWEST, Delivery.of(option).speed))
    return {
        "model": option.model or option.speaker or VOICE,
        **({"speed": f"{speed:g}"} if speed != 1.0 else {}),
        **parameters(option.extra),
        "encoding": "linear16",
        "sample_rate": str(rate),
        "container": "none",
    }
