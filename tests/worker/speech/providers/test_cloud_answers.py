"""Whatever a cloud's provider answers: it is read, or refused as a whole."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import (
    aliyun_wire,
    polly,
    tencent_basic,
    tencent_wire,
    transcribe,
)
from mediaworker.speech.providers.eventstream import packed
from mediaworker.speech.providers.exchange import Words, parsed
from mediaworker.speech.providers.ports import Mark, Phrase

TEXT = "Hello there, world."
NAMES = (
    *("code", "result", "slice_type", "voice_text_str", "start_time", "end_time"),
    *("subtitles", "Text", "BeginTime", "header", "event", "error_code", "payload"),
    *("output", "type", "sentence", "sentence_end", "words", "text", "begin_time"),
    *("Transcript", "Results", "IsPartial", "Alternatives", "Items", "StartTime"),
    *("EndTime", "Confidence", "time", "start", "Response", "Error", "Audio"),
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**400), 10**400),
    st.floats(),
    st.sampled_from(("sentence-end", "word", "task-failed", "hello", "AAA=", "")),
    st.text(max_size=8),
)
ANSWERS = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6)
    ),
    max_leaves=30,
)


def tencent(answer: bytes) -> Iterator[Phrase | Mark | None]:
    found = parsed(answer)
    yield tencent_wire.phrase(found)
    yield from tencent_wire.marks(tencent_wire.subtitles(found), Words(TEXT))
    tencent_wire.check(found)


def basic(answer: bytes) -> Iterator[Phrase | Mark | None]:
    tencent_basic.samples_of(tencent_basic.response(answer))
    yield None


def aliyun(answer: bytes) -> Iterator[Phrase | Mark | None]:
    found = parsed(answer)
    yield aliyun_wire.phrase(found)
    yield from aliyun_wire.Sentences(TEXT).marks(found)
    aliyun_wire.event(found)


def transcribes(answer: bytes) -> Iterator[Phrase | Mark | None]:
    kind = {":message-type": "event", ":event-type": "TranscriptEvent"}
    yield from transcribe.phrases(packed(kind, answer))


def marks(answer: bytes) -> Iterator[Phrase | Mark | None]:
    (part,) = polly.parts(SynthesisOption(), TEXT, 8_000)
    yield from polly.marks(answer, part)


def check(told: Iterable[Phrase | Mark | None]) -> None:
    for each in told:
        if isinstance(each, Mark):
            assert each.at_ms >= 0 and 0 <= each.position < len(TEXT)
        if isinstance(each, Phrase):
            if each.from_ms is not None and each.to_ms is not None:
                assert 0 <= each.from_ms <= each.to_ms
            assert each.confidence is None or 0 <= each.confidence <= 1


@pytest.mark.parametrize("read", [tencent, basic, aliyun, transcribes, marks])
@given(answer=ANSWERS)
def test_read_whatever_is_json(read: Any, answer: Any) -> None:
    try:
        check(read(json.dumps(answer).encode()))
    except Failure as refusal:
        assert 400 <= refusal.code < 600 and len(refusal.sentence) < 200


@given(st.binary(max_size=200))
def test_read_whatever_an_event_stream_brings(message: bytes) -> None:
    for each in (message, packed({":message-type": "event"}, message)):
        try:
            check(transcribe.phrases(each))
        except Failure as refusal:
            assert refusal.code == 502
