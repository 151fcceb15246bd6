"""voiceapi: a server of one's own for speech both ways, over WebSockets.

Document: the README of github.com/ruzhila/voiceapi ("Streaming API"), and where it is
silent its ``app.py``: what ends a text is the message that is not audio; nothing ends
audio but a pause, so that at its end we add one. It knows no credentials: the operator
says where it stands by ``VOICEAPI_ENDPOINT``, or an application by its endpoint.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.delivery import Delivery
from mediaworker.speech.providers.addresses import as_socket, located, parameters
from mediaworker.speech.providers.exchange import (
    Sending,
    hung_up,
    ms_of,
    not_understood,
    parsed,
    text_of,
)
from mediaworker.speech.providers.ports import Net, Phrase, Sound, Spoken
from mediaworker.speech.providers.registry import no_credentials

PAUSE_MS = 1_500
"""Its recognizer ends an utterance after 1.2 seconds of silence."""
PIECE_MS = 100
PER_SECOND = 0.001
CHUNK_BYTES = 4_096
FINISH_SECONDS = 2.0
"""What is not told so long after the audio's end never is."""


def make(environment: Mapping[str, str], net: Net) -> "VoiceApi":
    return VoiceApi(environment, net)


class VoiceApi:
    """A `Recognizer` and a `Synthesizer`."""

    name = "voiceapi"

    def __init__(
        self,
        environment: Mapping[str, str],
        net: Net,
        finish_seconds: float = FINISH_SECONDS,
    ) -> None:
        self._environment = environment
        self._net = net
        self._finish_seconds = finish_seconds

    async def transcribe(
        self, option: TranscriptionOption, rate: int, audio: AsyncIterator[bytes]
    ) -> AsyncIterator[Phrase]:
        """Raises `Failure`."""
        query = {**parameters(option.extra), "samplerate": str(rate)}
        url = located(self._endpoint(option), "/asr", query.items())
        segments, ending = Segments(), Ending(audio, rate, self._finish_seconds)
        async with (
            self._net.connect(as_socket(url)) as socket,
            Sending(socket, ending.pieces(), b""),
        ):
            messages = aiter(socket)
            while (message := await ending.next(messages)) is not None:
                for phrase in segments.hear(parsed(message)):
                    yield phrase
        for phrase in segments.end():
            yield phrase

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        """Any."""
        return wanted

    async def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        """Raises `Failure`."""
        query = self._speaking(option, rate)
        url = located(self._endpoint(option), "/tts", query.items())
        async with self._net.connect(as_socket(url)) as socket:
            await socket.send(text)
            async for message in socket:
                if isinstance(message, str):
                    _check_progress(parsed(message))
                    return
                yield Sound(message)
        raise hung_up()

    def _endpoint(self, option: SynthesisOption | TranscriptionOption) -> str:
        """Raises `Failure`."""
        endpoint = option.endpoint or self._environment.get("VOICEAPI_ENDPOINT")
        if not endpoint:
            raise no_credentials(self.name)
        return endpoint

    def _speaking(self, option: SynthesisOption, rate: int) -> dict[str, str]:
        """Its volume is ours to make."""
        ours = self._environment.get("VOICEAPI_SPEAKER_ID") or "0"
        speaker = option.speaker or option.model or ""
        return {
            "split": "true",
            **parameters(option.extra),
            "samplerate": str(rate),
            "sid": speaker if speaker.isdecimal() else ours,
            "speed": f"{Delivery.of(option).speed:g}",
            "chunk_size": str(CHUNK_BYTES),
        }


class Ending:
    """The audio, then a pause that is long enough for the last utterance to end."""

    def __init__(
        self, audio: AsyncIterator[bytes], rate: int, finish_seconds: float
    ) -> None:
        self._audio = audio
        self._rate = rate
        self._finish_seconds = finish_seconds
        self.is_over = False
        self._waiting: asyncio.Timeout | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._audio:
            yield piece
        silence = bytes(self._rate * PIECE_MS // 1_000 * 2)
        for _ in range(0, PAUSE_MS, PIECE_MS):
            yield silence
        self.is_over = True
        if self._waiting is not None:
            now = asyncio.get_running_loop().time()
            self._waiting.reschedule(now + self._finish_seconds)

    async def next(self, messages: AsyncIterator[str | bytes]) -> str | bytes | None:
        """None when there is none, or none came in time after the end."""
        try:
            limit = self._finish_seconds if self.is_over else None
            async with asyncio.timeout(limit) as self._waiting:
                return await anext(messages, None)
        except TimeoutError:
            return None
        finally:
            self._waiting = None


class Segments:
    """Their results: each grows until it is finished."""

    def __init__(self) -> None:
        self._growing = ""

    def hear(self, message: Mapping[str, Any]) -> list[Phrase]:
        """What is to be told of it; raises `Failure`."""
        if "text" not in message:
            raise not_understood()
        text = text_of(message["text"]).strip()
        if message.get("finished") is not True:
            self._growing = text
            return [Phrase(text, is_final=False)] if text else []
        self._growing = ""
        from_ms = ms_of(message.get("start"), PER_SECOND)
        to_ms = ms_of(message.get("end"), PER_SECOND)
        if not to_ms or from_ms is None or to_ms < from_ms:
            from_ms = to_ms = None
        return [Phrase(text, True, from_ms, to_ms)]

    def end(self) -> list[Phrase]:
        """What was never finished is all that will be said of it."""
        return [Phrase(self._growing, is_final=True)] if self._growing else []


def _check_progress(message: Mapping[str, Any]) -> None:
    """Raises `Failure` unless it says that the text was spoken."""
    if "progress" not in message:
        raise not_understood()
