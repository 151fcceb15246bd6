"""Tencent Cloud's speech APIs 2.0, as they are on the wire.

Documents: real-time speech recognition by WebSocket
(cloud.tencent.com/document/product/1093/48982) and speech synthesis of flowing text
(cloud.tencent.com/document/product/1073/108595), read with TencentCloud's
tencentcloud-speech-sdk-python and -java.
"""

import base64
import hashlib
import hmac
import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech import languages
from mediaworker.speech.delivery import Delivery
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers.addresses import as_socket, located, parameters
from mediaworker.speech.providers.exchange import (
    BAD_GATEWAY,
    BAD_REQUEST,
    Words,
    list_of,
    ms_of,
    not_understood,
    object_of,
    span,
    text_of,
)
from mediaworker.speech.providers.ports import Mark, Phrase

LISTENS, SPEAKS = "wss://asr.cloud.tencent.com", "wss://tts.cloud.tencent.com"
LISTEN_PATH, SPEAK_PATH = "/asr/v2/", "/stream_wsv2"
ACTION = "TextToStreamAudioWSv2"
VALID_SECONDS = 24 * 60 * 60
PCM = 1
END = json.dumps({"type": "end"})
NARROW, WIDE = 8_000, 16_000
RATES = (8_000, 16_000, 24_000)

TELEPHONE = ("zh", "en")
"""Languages with an engine for 8 kHz."""
LANGUAGES = (
    *("zh", "en", "yue", "ko", "ja", "th", "id", "vi", "ms", "fil", "pt", "tr"),
    *("ar", "es", "hi", "fr", "de"),
)
CHINESE = ("cmn", "zho", "chi")

TEMPI = (0.6, 0.8, 1.0, 1.2, 1.5, 2.5)
"""How many times as fast each of `SPEEDS` is."""
SPEEDS = (-2.0, -1.0, 0.0, 1.0, 2.0, 6.0)

REFUSALS = {
    4000: (429, "the audio came too fast"),
    4001: (400, "a parameter is not valid"),
    4002: (401, "the credentials are not valid"),
    4003: (403, "the service is not activated"),
    4004: (402, "nothing is left of what was paid for"),
    4005: (402, "the account is in arrears"),
    4006: (429, "too many calls at once"),
    4007: (400, "the audio cannot be decoded"),
    4008: (408, "no audio came for too long"),
    4009: (502, "the connection was lost"),
    4010: (400, "a message is not known"),
    6001: (403, "calls from this region are not allowed"),
    10001: (400, "a parameter is not valid"),
    10002: (429, "too many calls at once"),
    10003: (401, "the credentials are not valid"),
    10004: (408, "no text came for too long"),
    10005: (502, "the connection was lost"),
    10006: (400, "SSML is not allowed"),
    10007: (413, "the text is too long"),
    10008: (400, "the text had already ended"),
    10009: (408, "no text came for too long"),
}


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks."""

    app_id: str
    secret_id: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Instant:
    """What is new in each request."""

    epoch_seconds: int
    nonce: int
    uuid: str


def engine(option: TranscriptionOption, rate: int) -> tuple[str, int]:
    """The engine's name, and the rate of the audio that it shall be sent."""
    name = option.model_type or _engine_for(languages.tag(option.language), rate)
    return name, NARROW if name.startswith("8k") else rate


def _engine_for(language: str | None, rate: int) -> str:
    """For Chinese where nothing else is said; raises `Failure`."""
    primary = languages.primary(language or "zh")
    known = "zh" if primary in CHINESE else primary
    if known not in LANGUAGES:
        raise Failure(f"it does not understand {language!r}", BAD_REQUEST)
    if rate == NARROW and known in TELEPHONE:
        return f"8k_{known}"
    return "16k_zh-TW" if language == "zh-tw" else f"16k_{known}"


def listening_url(
    account: Account, option: TranscriptionOption, rate: int, now: Instant
) -> str:
    """Signed; for audio at `engine`'s rate."""
    name, audio_rate = engine(option, rate)
    asked = {"needvad": "1", **parameters(option.extra)}
    if audio_rate == NARROW and not name.startswith("8k"):
        asked["input_sample_rate"] = str(NARROW)
    asked |= {
        "engine_model_type": name,
        "expired": str(now.epoch_seconds + VALID_SECONDS),
        "nonce": str(now.nonce),
        "secretid": account.secret_id,
        "timestamp": str(now.epoch_seconds),
        "voice_format": str(PCM),
        "voice_id": now.uuid,
    }
    path = LISTEN_PATH + quote(account.app_id, safe="")
    return _signed("", option.endpoint or LISTENS, path, asked, "signature", account)


def speaking_url(
    account: Account, option: SynthesisOption, rate: int, now: Instant
) -> str:
    """Signed."""
    asked = parameters(option.extra)
    if option.emotion is not None:
        asked["EmotionCategory"] = option.emotion
    asked |= {
        "Action": ACTION,
        "AppId": account.app_id,
        "Codec": "pcm",
        "EnableSubtitle": "true" if option.subtitle else "false",
        "Expired": str(now.epoch_seconds + VALID_SECONDS),
        "SampleRate": str(rate),
        "SecretId": account.secret_id,
        "SessionId": now.uuid,
        "Speed": f"{speed(option):g}",
        "Timestamp": str(now.epoch_seconds),
        "VoiceType": voice_type(option),
        "Volume": f"{volume(option):g}",
    }
    endpoint = option.endpoint or SPEAKS
    return _signed("GET", endpoint, SPEAK_PATH, asked, "Signature", account)


def _signed(
    method: str,
    endpoint: str,
    path: str,
    asked: Mapping[str, str],
    name: str,
    account: Account,
) -> str:
    """What is signed is not escaped, and has no scheme."""
    query = sorted((key, value) for key, value in asked.items() if key != name)
    parts = urlsplit(located(as_socket(endpoint), path, ()))
    plain = "&".join(f"{key}={value}" for key, value in query)
    signed = f"{method}{parts.netloc}{parts.path}?{plain}".encode()
    digest = hmac.digest(account.secret_key.encode(), signed, hashlib.sha1)
    signature = base64.b64encode(digest).decode()
    return located(as_socket(endpoint), path, [*query, (name, signature)])


def speed(option: SynthesisOption) -> float:
    """From -2 to 6, where 0 is normal; an option that is not positive counts so too."""
    if option.speed is not None and option.speed <= 0:
        return max(SPEEDS[0], option.speed)
    tempo = min(max(Delivery.of(option).speed, TEMPI[0]), TEMPI[-1])
    above = max(1, bisect_left(TEMPI, tempo))
    low, high = TEMPI[above - 1], TEMPI[above]
    share = (tempo - low) / (high - low)
    return round(SPEEDS[above - 1] + share * (SPEEDS[above] - SPEEDS[above - 1]), 2)


def volume(option: SynthesisOption) -> float:
    """From -10 to 10, where 0 is normal, of 1 to 10 or 11 to 100."""
    asked = 5 if option.volume is None else option.volume
    tenths = asked if asked <= 10 else asked / 10
    return round(2 * (tenths - 5), 2)


def voice_type(option: SynthesisOption) -> str:
    """A voice's number, 0 being theirs to choose; raises `Failure`."""
    named = option.speaker or option.model or "0"
    if not (named.isascii() and named.isdigit()):
        raise Failure("its voices are numbers", BAD_REQUEST)
    return named


def nearest_rate(wanted: int) -> int:
    """That loses nothing, if there is one."""
    return next((rate for rate in RATES if rate >= wanted), RATES[-1])


def spoken(action: str, session: str, message: str, text: str) -> str:
    """A message of the client's while it speaks."""
    return json.dumps(
        {"session_id": session, "message_id": message, "action": action, "data": text},
        ensure_ascii=False,
    )


def check(answer: Mapping[str, Any]) -> None:
    """Raises `Failure` unless all is well."""
    code = answer.get("code")
    if isinstance(code, bool) or not isinstance(code, int):
        raise not_understood()
    if code:
        status, why = REFUSALS.get(code, (BAD_GATEWAY, "its service failed"))
        raise Failure(f"{why} ({code})", status)


def phrase(answer: Mapping[str, Any]) -> Phrase | None:
    """What was heard, if anything was."""
    result = object_of(answer.get("result"))
    text = text_of(result.get("voice_text_str"))
    is_final = result.get("slice_type") == 2
    if not text and not is_final:
        return None
    times = span(ms_of(result.get("start_time")), ms_of(result.get("end_time")))
    return Phrase(text, is_final, *times)


def marks(subtitles: object, words: Words, began_ms: int = 0) -> Iterator[Mark]:
    """When the words begin, of what began then."""
    for subtitle in list_of(subtitles):
        each = object_of(subtitle)
        at_ms = ms_of(each.get("BeginTime"))
        if at_ms is not None:
            mark = words.mark(text_of(each.get("Text")), began_ms + at_ms)
            if mark is not None:
                yield mark


def subtitles(answer: Mapping[str, Any]) -> object:
    """Of a message of the socket's."""
    return object_of(answer.get("result")).get("subtitles")
