"""Tencent Cloud speaks a text at once: TextToVoice of its API 3.0.

Documents: TextToVoice (cloud.tencent.com/document/product/1073/37995), its error codes
(.../1073/37996), and the signature v3 (tencentcloud.com/document/product/1154/48911).
"""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech.providers import tencent_wire as wire
from mediaworker.speech.providers.addresses import as_web, located
from mediaworker.speech.providers.exchange import (
    SAMPLE_BYTES,
    Words,
    keys,
    not_understood,
    object_of,
    parsed,
    refused,
    stretches,
    text_of,
)
from mediaworker.speech.providers.ports import Net, Sound, Spoken
from mediaworker.speech.providers.tencent import NAMES, now

ENDPOINT = "https://tts.tencentcloudapi.com"
ACTION, VERSION, SERVICE = "TextToVoice", "2019-08-23", "tts"
REGION, REGION_KEY = "ap-guangzhou", "region"
"""Of the service, unless an option's ``extra`` names another."""
ALGORITHM = "TC3-HMAC-SHA256"
SIGNED = ("content-type", "host", "x-tc-action")
JSON = "application/json"
LETTERS, CHARACTERS = 500, 150
"""Of one request: ASCII alone, or not."""
ANSWER_BYTES = 16 << 20

STATUSES = {
    "AuthFailure": 401,
    "InternalError": 502,
    "InvalidParameter": 400,
    "InvalidParameterValue": 400,
    "LimitExceeded": 429,
    "MissingParameter": 400,
    "RequestLimitExceeded": 429,
    "ServiceUnavailable": 503,
    "UnauthorizedOperation": 403,
    "UnknownParameter": 400,
    "UnsupportedOperation": 403,
    "UnsupportedRegion": 400,
}
"""By the first part of a code, before its dot."""


def make(environment: Mapping[str, str], net: Net) -> "TencentBasic":
    return TencentBasic(environment, net)


class TencentBasic:
    """A `Synthesizer`."""

    name = "tencent_basic"

    def __init__(
        self,
        environment: Mapping[str, str],
        net: Net,
        now: Callable[[], wire.Instant] = now,
    ) -> None:
        self._environment = environment
        self._net = net
        self._now = now

    def rate(self, option: SynthesisOption, wanted: int) -> int:
        return wire.nearest_rate(wanted)

    async def speak(
        self, option: SynthesisOption, text: str, rate: int
    ) -> AsyncIterator[Spoken]:
        """Samples at that rate, as soon as there are some; raises `Failure`."""
        names = {field: NAMES[field] for field in ("secret_id", "secret_key")}
        who = keys(self.name, option, self._environment, names)
        words, size = Words(text), 0
        for _, part in stretches(text, LETTERS if text.isascii() else CHARACTERS):
            answer = await self._asked(option, part, rate, *who)
            began_ms = size * 1_000 // (SAMPLE_BYTES * rate)
            samples = samples_of(answer)
            size += len(samples)
            yield Sound(samples)
            for mark in wire.marks(answer.get("Subtitles"), words, began_ms):
                yield mark

    async def _asked(
        self,
        option: SynthesisOption,
        text: str,
        rate: int,
        secret_id: str,
        secret_key: str,
    ) -> Mapping[str, Any]:
        instant = self._now()
        url = located(as_web(option.endpoint or ENDPOINT), "/", ())
        body = json.dumps(request(option, text, rate, instant.uuid)).encode()
        seconds, host = instant.epoch_seconds, urlsplit(url).netloc
        headers = {
            "Authorization": authorization(secret_id, secret_key, host, body, seconds),
            "Content-Type": JSON,
            "X-TC-Action": ACTION,
            "X-TC-Region": text_of((option.extra or {}).get(REGION_KEY)) or REGION,
            "X-TC-Timestamp": str(seconds),
            "X-TC-Version": VERSION,
        }
        told = bytearray()
        async with self._net.post(url, headers, body) as answer:
            async for piece in answer:
                told += piece
                if len(told) > ANSWER_BYTES:
                    raise not_understood()
        return response(bytes(told))


def request(
    option: SynthesisOption, text: str, rate: int, session: str
) -> dict[str, Any]:
    """What is asked for."""
    extra = option.extra or {}
    asked = {name: extra[name] for name in extra if name != REGION_KEY}
    if option.emotion is not None:
        asked["EmotionCategory"] = option.emotion
    return asked | {
        "Text": text,
        "SessionId": session,
        "Volume": wire.volume(option),
        "Speed": wire.speed(option),
        "VoiceType": int(wire.voice_type(option)),
        "SampleRate": rate,
        "Codec": "pcm",
        "EnableSubtitle": bool(option.subtitle),
    }


def authorization(
    secret_id: str, secret_key: str, host: str, body: bytes, epoch_seconds: int
) -> str:
    """The header of a POST of that JSON."""
    values = zip(SIGNED, (JSON, host, ACTION.lower()), strict=True)
    lines = "".join(f"{name}:{value}\n" for name, value in values)
    names = ";".join(SIGNED)
    asked = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    day = datetime.fromtimestamp(epoch_seconds, UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{SERVICE}/tc3_request"
    digest = hashlib.sha256(asked.encode()).hexdigest()
    key = f"TC3{secret_key}".encode()
    for step in (day, SERVICE, "tc3_request"):
        key = hmac.digest(key, step.encode(), hashlib.sha256)
    text = f"{ALGORITHM}\n{epoch_seconds}\n{scope}\n{digest}"
    signature = hmac.digest(key, text.encode(), hashlib.sha256).hex()
    who = f"Credential={secret_id}/{scope}"
    return f"{ALGORITHM} {who}, SignedHeaders={names}, Signature={signature}"


def response(told: bytes) -> Mapping[str, Any]:
    """What it answered; raises `Failure` where that is an error."""
    answer = object_of(parsed(told).get("Response"))
    error = object_of(answer.get("Error"))
    if error:
        raise refused(text_of(error.get("Code")), STATUSES)
    return answer


def samples_of(answer: Mapping[str, Any]) -> bytes:
    """Raises `Failure` where there are none."""
    try:
        samples = base64.b64decode(text_of(answer.get("Audio")), validate=True)
    except (binascii.Error, ValueError):
        raise not_understood() from None
    if not samples or len(samples) % SAMPLE_BYTES:
        raise not_understood()
    return samples
