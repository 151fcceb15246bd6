"""Amazon Transcribe, streaming over a WebSocket.

Documents: docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html and
.../APIReference/API_streaming_StartStreamTranscription.html, with
API_streaming_TranscriptResultStream.html for what may come back; read with
awslabs/amazon-transcribe-streaming-sdk.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

from chalicelib.protocol.session.speech import TranscriptionOption
from mediaworker.speech import languages
from mediaworker.speech.providers import aws
from mediaworker.speech.providers.addresses import as_socket
from mediaworker.speech.providers.addresses import parameters as in_query
from mediaworker.speech.providers.eventstream import BrokenMessage, packed, unpacked
from mediaworker.speech.providers.exchange import (
    Sending,
    chunks,
    list_of,
    ms_of,
    not_understood,
    object_of,
    parsed,
    refused,
    span,
    text_of,
)
from mediaworker.speech.providers.ports import Net, Phrase

SERVICE = aws.Service("transcribe", "transcribestreaming", ":8443")
PATH = "/stream-transcription-websocket"
CHUNK_MS = 100
"""From 50 to 200 are wanted at once."""
PER_MS = 0.001
"""Their times are in seconds."""
AUDIO = {
    ":message-type": "event",
    ":event-type": "AudioEvent",
    ":content-type": "application/octet-stream",
}
STATUSES = {
    "BadRequestException": 400,
    "ConflictException": 409,
    "InternalFailureException": 502,
    "LimitExceededException": 429,
    "ServiceUnavailableException": 503,
}
REGIONS = {
    **{"ar": "ar-SA", "de": "de-DE", "en": "en-US", "es": "es-US", "fr": "fr-FR"},
    **{"he": "he-IL", "hi": "hi-IN", "it": "it-IT", "ja": "ja-JP", "ko": "ko-KR"},
    **{"nl": "nl-NL", "pl": "pl-PL", "pt": "pt-BR", "ru": "ru-RU", "sv": "sv-SE"},
    **{"th": "th-TH", "uk": "uk-UA", "vi": "vi-VN", "yue": "zh-HK", "zh": "zh-CN"},
}
"""What a language without a country is taken for."""
SIGNS = "x-amz-"
"""How parameters begin that only a signature adds."""
IDENTIFIES = ("identify-language", "identify-multiple-languages")


def make(environment: Mapping[str, str], net: Net) -> "Transcribe":
    return Transcribe(environment, net)


class Transcribe:
    """A `Recognizer`."""

    name = "transcribe"

    def __init__(self, environment: Mapping[str, str], net: Net) -> None:
        self._identity = aws.Identity(self.name, SERVICE, environment)
        self._net = net

    async def transcribe(
        self, option: TranscriptionOption, rate: int, audio: AsyncIterator[bytes]
    ) -> AsyncIterator[Phrase]:
        """Until the audio ends; raises `Failure`."""
        query = asked(option, rate)
        url = await self._identity.signed_url(option, PATH, query)
        pieces = chunks(audio, rate, rate, CHUNK_MS)
        async with (
            self._net.connect(as_socket(url)) as socket,
            Sending(socket, pieces, framed(b""), framed),
        ):
            async for message in socket:
                for phrase in phrases(message):
                    yield phrase


def asked(option: TranscriptionOption, rate: int) -> dict[str, str]:
    """The stream's parameters."""
    given = in_query(aws.parameters(option))
    extra = {name: given[name] for name in given if not name.lower().startswith(SIGNS)}
    query = {"media-encoding": "pcm", "sample-rate": str(rate)}
    if option.model_type is not None:
        query["language-model-name"] = option.model_type
    if not any(extra.get(name) == "true" for name in IDENTIFIES):
        query["language-code"] = _language(option.language)
    return extra | query


def _language(language: str | None) -> str:
    tag = languages.tag(language) or languages.DEFAULT
    primary, dash, country = tag.partition("-")
    return f"{primary}-{country.upper()}" if dash else REGIONS.get(tag, tag)


def framed(samples: bytes) -> bytes:
    """An audio event; one of nothing is the end."""
    return packed(AUDIO, samples)


def phrases(message: str | bytes) -> Iterator[Phrase]:
    """What was heard; raises `Failure` for an exception."""
    if isinstance(message, str):
        raise not_understood()
    try:
        headers, payload = unpacked(message)
    except BrokenMessage:
        raise not_understood() from None
    if headers.get(":message-type") != "event":
        raise refused(text_of(headers.get(":exception-type")), STATUSES)
    if headers.get(":event-type") == "TranscriptEvent":
        transcript = object_of(parsed(payload).get("Transcript"))
        for result in list_of(transcript.get("Results")):
            phrase = _phrase(object_of(result))
            if phrase is not None:
                yield phrase


def _phrase(result: Mapping[str, Any]) -> Phrase | None:
    alternatives = list_of(result.get("Alternatives"))
    best = object_of(alternatives[0]) if alternatives else {}
    text = text_of(best.get("Transcript"))
    is_final = result.get("IsPartial") is False
    if not text and not is_final:
        return None
    items = [object_of(item) for item in list_of(best.get("Items"))]
    first, last = (items[0], items[-1]) if items else (result, result)
    from_ms = ms_of(first.get("StartTime"), PER_MS)
    times = span(from_ms, ms_of(last.get("EndTime"), PER_MS))
    return Phrase(text, is_final, *times, _confidence(items))


def _confidence(items: list[Mapping[str, Any]]) -> float | None:
    """The mean of its words', which partial results do not have."""
    found = [item.get("Confidence") for item in items]
    known = [share for share in found if isinstance(share, float) and 0 <= share <= 1]
    return sum(known) / len(known) if known else None
