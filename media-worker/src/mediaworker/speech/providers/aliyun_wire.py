"""DashScope's tasks over one WebSocket, as they are on the wire.

Documents: Paraformer's and CosyVoice's client events and server events
(alibabacloud.com/help/en/model-studio: paraformer-client-events,
paraformer-server-events, cosyvoice-client-events, cosyvoice-server-events), and
DashScope's status codes (help.aliyun.com/zh/dashscope/response-status-codes), read
with dashscope/dashscope-sdk-python.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech import languages
from mediaworker.speech.delivery import Delivery
from mediaworker.speech.providers.exchange import (
    Words,
    list_of,
    ms_of,
    not_understood,
    object_of,
    refused,
    span,
    stretches,
    text_of,
)
from mediaworker.speech.providers.ports import Mark, Phrase

ENDPOINT, PATH = "wss://dashscope.aliyuncs.com", "/api-ws/v1/inference"
STARTED, FINISHED, FAILED = "task-started", "task-finished", "task-failed"

NARROW = 8_000
NARROW_MODEL, WIDE_MODEL = "paraformer-realtime-8k-v2", "paraformer-realtime-v2"
NARROW_MARK = "-8k"
"""In the names of models that take 8 kHz alone."""
HINTS = ("zh", "en", "ja", "yue", "ko", "de", "fr", "ru")
"""Languages that `WIDE_MODEL` can be told of."""

VOICE_MODEL, VOICE = "cosyvoice-v3-flash", "longanyang"
VOICE_MODELS = ("cosyvoice", "qwen")
"""How models' names begin, that are not voices' names."""
RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
SLOWEST, FASTEST = 0.5, 2.0
LOUDEST = 100
PART_CHARS = 10_000
"""Of one message: Chinese counts twice, to 20,000."""

STATUSES = {
    "AccessDenied": 403,
    "Arrearage": 402,
    "BadRequest": 400,
    "CLIENT_ERROR": 400,
    "DataInspectionFailed": 400,
    "InvalidApiKey": 401,
    "InvalidParameter": 400,
    "InvalidURL": 400,
    "ModelNotFound": 404,
    "RequestTimeOut": 408,
    "Throttling": 429,
    "UnsupportedOperation": 400,
    "InternalError": 502,
    "ModelServiceFailed": 502,
}
"""By the first part of a code, before its dot."""


def listening(
    option: TranscriptionOption, rate: int
) -> tuple[str, int, dict[str, object]]:
    """A model, the rate of the audio that it shall be sent, and its parameters."""
    primary = languages.primary(languages.tag(option.language) or "zh")
    model = option.model_type or _model(primary, rate)
    to_rate = NARROW if NARROW_MARK in model else rate
    asked: dict[str, object] = {"heartbeat": True}
    if model == WIDE_MODEL and option.language and primary in HINTS:
        asked["language_hints"] = [primary]
    asked |= dict(option.extra or {})
    return model, to_rate, asked | {"format": "pcm", "sample_rate": to_rate}


def _model(primary: str, rate: int) -> str:
    return NARROW_MODEL if rate == NARROW and primary == "zh" else WIDE_MODEL


def speaking(option: SynthesisOption, rate: int) -> tuple[str, dict[str, object]]:
    """A model, and its parameters."""
    model, voice = option.model, option.speaker
    if model is not None and not model.startswith(VOICE_MODELS):
        # The contract lets `voice` be the name of this field too.
        model, voice = None, voice or model
    asked: dict[str, object] = {
        "voice": voice or VOICE,
        "volume": volume(option),
        "rate": round(min(max(Delivery.of(option).speed, SLOWEST), FASTEST), 2),
    }
    if option.subtitle:
        asked["word_timestamp_enabled"] = True
    primary = languages.primary(languages.tag(option.language) or "")
    if primary:
        asked["language_hints"] = [primary]
    asked |= dict(option.extra or {})
    fixed = {"text_type": "PlainText", "format": "pcm", "sample_rate": rate}
    return model or VOICE_MODEL, asked | fixed


def volume(option: SynthesisOption) -> int:
    """To 100, where 50 is normal, of 1 to 10 or 11 to 100."""
    asked = 5 if option.volume is None else option.volume
    return min(asked * 10 if asked <= 10 else asked, LOUDEST)


def nearest_rate(wanted: int) -> int:
    """That loses nothing, if there is one."""
    return next((rate for rate in RATES if rate >= wanted), RATES[-1])


def run_listening(task: str, model: str, asked: Mapping[str, object]) -> str:
    return _run(task, "asr", "recognition", model, asked)


def run_speaking(task: str, model: str, asked: Mapping[str, object]) -> str:
    return _run(task, "tts", "SpeechSynthesizer", model, asked)


def _run(
    task: str, kind: str, function: str, model: str, asked: Mapping[str, object]
) -> str:
    payload = {
        "task_group": "audio",
        "task": kind,
        "function": function,
        "model": model,
        "parameters": dict(asked),
        "input": {},
    }
    return _action("run-task", task, payload)


def go_on(task: str, text: str) -> str:
    """What shall be said."""
    return _action("continue-task", task, {"input": {"text": text}})


def parts(text: str) -> Iterator[str]:
    """No longer than a message may be."""
    return (part for _, part in stretches(text, PART_CHARS))


def finish(task: str) -> str:
    """There is nothing more."""
    return _action("finish-task", task, {"input": {}})


def _action(action: str, task: str, payload: Mapping[str, object]) -> str:
    header = {"action": action, "task_id": task, "streaming": "duplex"}
    return json.dumps({"header": header, "payload": payload}, ensure_ascii=False)


def event(answer: Mapping[str, Any]) -> str:
    """Its name; raises `Failure` for one that tells of a failure."""
    header = object_of(answer.get("header"))
    name = text_of(header.get("event"))
    if name == FAILED:
        raise refused(text_of(header.get("error_code")), STATUSES)
    if not name:
        raise not_understood()
    return name


def phrase(answer: Mapping[str, Any]) -> Phrase | None:
    """What was heard, if anything was."""
    sentence = _sentence(answer)
    text = text_of(sentence.get("text"))
    from_ms, to_ms = ms_of(sentence.get("begin_time")), ms_of(sentence.get("end_time"))
    said = sentence.get("sentence_end")
    is_final = said if isinstance(said, bool) else to_ms is not None
    if sentence.get("heartbeat") is True or not (text or is_final):
        return None
    return Phrase(text, is_final, *span(from_ms, to_ms))


class Sentences:
    """When the words begin, of sentences that follow each other.

    It is not documented from where a later sentence's times count: such that begin
    before the last word ended count from there.
    """

    def __init__(self, text: str) -> None:
        self._words = Words(text)
        self._end_ms = 0

    def marks(self, answer: Mapping[str, Any]) -> Iterator[Mark]:
        """All of a sentence, once it has ended."""
        output = object_of(object_of(answer.get("payload")).get("output"))
        if output.get("type") != "sentence-end":
            return
        words = [object_of(word) for word in list_of(_sentence(answer).get("words"))]
        times = [ms_of(word.get("begin_time")) for word in words]
        first_ms = next((at_ms for at_ms in times if at_ms is not None), 0)
        base_ms = self._end_ms if first_ms < self._end_ms else 0
        for word, at_ms in zip(words, times, strict=True):
            if at_ms is not None:
                ends_ms = ms_of(word.get("end_time")) or at_ms
                self._end_ms = max(self._end_ms, base_ms + ends_ms)
                mark = self._words.mark(text_of(word.get("text")), base_ms + at_ms)
                if mark is not None:
                    yield mark


def _sentence(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    output = object_of(object_of(answer.get("payload")).get("output"))
    return object_of(output.get("sentence"))
