"""Each kind of field holds what it should and refuses the rest in one sentence."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from chalicelib.protocol.session.audio_events import AudioSent
from chalicelib.protocol.session.codec import parse_event, redacted
from chalicelib.protocol.session.commands import Custom, Hangup, Tts
from chalicelib.protocol.session.containers import (
    HeaderFields,
    Json,
    JsonObject,
    Listing,
    Octets,
)
from chalicelib.protocol.session.kinds import (
    Choice,
    Duration,
    Instant,
    Kind,
    Line,
    Matching,
    Number,
    Unfit,
    Whole,
)
from chalicelib.protocol.session.options import CallOption
from chalicelib.protocol.session.records import Record, entries_of, read
from chalicelib.protocol.session.vocabulary import Codec

LINE = Line(8)


@pytest.mark.parametrize(
    ("kind", "value", "sentence"),
    [
        (Number(0, 1), float("nan"), "must be a number from 0 to 1"),
        (Number(0, 1), True, "must be a number from 0 to 1"),
        (Number(0, 1), 1.1, "must be a number from 0 to 1"),
        (Whole(0, 9), 0.5, "must be a whole number from 0 to 9"),
        (Whole(0, 9), float("inf"), "must be a whole number from 0 to 9"),
        (Whole(0, 9), "1", "must be a whole number from 0 to 9"),
        (Line(2), "abc", "must have at most 2 characters"),
        (LINE, "\ud800", "must be Unicode text without lone surrogates"),
        (LINE, "a\nb", "must be one line without control characters"),
        (LINE, "a\u2028b", "must be one line without control characters"),
        (LINE, "a\x00b", "must be one line without control characters"),
        (Choice(Codec), None, "must be one of pcmu, pcma, g722, pcm, opus"),
        (Instant(), 5, "must be a time as ISO 8601 writes it"),
        (Instant(), "today", "must be a time as ISO 8601 writes it"),
        (Octets(2), "ab", "must be an array of at most 2 bytes"),
        (Octets(2), [1, 2, 3], "must be an array of at most 2 bytes"),
        (Octets(2), [256], "must be an array of numbers from 0 to 255"),
        (Octets(2), ["a"], "must be an array of numbers from 0 to 255"),
        (HeaderFields(), [], "must be an object of at most 64 headers"),
        (
            HeaderFields(),
            {f"X-{n}": "" for n in range(65)},
            "must be an object of at most 64 headers",
        ),
        (
            HeaderFields(),
            {"X: Y\r\nZ": ""},
            "must name its headers with 1 to 128 token characters",
        ),
        (
            HeaderFields(),
            {"X": 1},
            "must hold headers whose value must be a string",
        ),
        (
            HeaderFields(),
            {"X": "v" * 2049},
            "must hold headers whose value must have at most 2048 characters",
        ),
        (JsonObject(), [], "must be an object"),
        (Listing(LINE, 1), "ab", "must be an array of at most 1"),
        (Listing(LINE, 1), ["a", "b"], "must be an array of at most 1"),
        (Listing(LINE, 1), [1], "must be a string"),
    ],
)
def test_refuse_what_a_kind_cannot_hold(kind: Kind, value: Any, sentence: str) -> None:
    with pytest.raises(Unfit) as caught:
        kind.read(value)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Choice(Codec), "pcmu"),
        (Duration(5), 6),
        (Instant(), -1),
        (Octets(1), b"ab"),
        (Listing(LINE, 1), ["a"]),
        (Json(), {1: 2}),
        (Json(), {"a": object()}),
        (Json(), float("inf")),
        (Matching(re.compile("a"), "an a"), "b"),
    ],
)
def test_refuse_to_construct_what_could_not_be_read(kind: Kind, value: Any) -> None:
    with pytest.raises(Unfit):
        kind.check(value)


def test_record_is_valid_by_construction() -> None:
    with pytest.raises(Unfit, match=r"^reason must be one line"):
        Hangup("a\r\nX: b")
    with pytest.raises(Unfit, match=r"^text must have at most 10000 characters$"):
        Tts("x" * 10_001)
    with pytest.raises(Unfit, match=r"^vad must be an object$"):
        CallOption(vad="silero")  # type: ignore[arg-type]
    with pytest.raises(Unfit, match=r"^data must be nested at most 32 deep$"):
        Custom(_nested(40))


def test_audio_of_an_event_is_bytes_and_is_not_kept() -> None:
    value = {"event": "binary", "trackId": "t", "timestamp": 0, "data": [0, 255]}
    event = parse_event(value)
    assert event == AudioSent("t", 0, b"\x00\xff")
    assert "data" not in redacted(event)


def test_read_refuses_what_is_no_object() -> None:
    with pytest.raises(Unfit, match=r"^must be an object$"):
        read(Hangup, "hangup")


def test_annotation_that_says_nothing_is_a_mistake_of_ours() -> None:
    @dataclass(frozen=True, slots=True)
    class Vague(Record):
        number: Annotated[int, "a number"] = 1

    with pytest.raises(TypeError, match="do not say what a field may hold"):
        entries_of(Vague)


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value
