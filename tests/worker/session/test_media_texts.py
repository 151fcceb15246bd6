"""What a media server may say in text, and what it is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.events import Answered, Dtmf
from chalicelib.protocol.session.options import MediaPassOption
from mediaworker.session import media_texts
from mediaworker.session.media_texts import Clear, Mark, NotUnderstood, Start

OPTION = MediaPassOption("wss://a.example/?k=secret", 24_000, 16_000)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"event":"start"}', Start()),
        (b'{"event":"clear","more":1}', Clear()),
        (b'{"event":"mark","name":"m"}', Mark("m")),
        (b'{"event":"mark","name":""}', Mark("")),
    ],
)
def test_parse_what_a_server_says(text: bytes, said: object) -> None:
    assert media_texts.parse(text) == said


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[]",
        b"clear",
        b"{}",
        b'{"event":"stop"}',
        b'{"event":["mark"]}',
        b'{"event":"mark"}',
        b'{"event":"mark","name":1}',
        b'{"event":"mark","name":"' + b"m" * 257 + b'"}',
        b"[" * 16_000,
        b'{"event":"clear","a":"' + b"a" * 16_384 + b'"}',
    ],
)
def test_parse_nothing_else(text: bytes) -> None:
    with pytest.raises(NotUnderstood):
        media_texts.parse(text)


@given(st.binary(max_size=200))
def test_parse_any_bytes_without_failing(text: bytes) -> None:
    try:
        media_texts.parse(text)
    except NotUnderstood as reason:
        assert str(reason)


@pytest.mark.parametrize(
    ("url", "is_wanted"),
    [
        ("ws://a/", False),
        ("ws://a/?events=1", True),
        ("ws://a/?b=2&events=1", True),
        ("ws://a/?events=0", False),
        ("ws://a/events=1", False),
    ],
)
def test_url_asks_for_texts(url: str, is_wanted: bool) -> None:
    assert media_texts.wants_texts(url) is is_wanted


def test_texts_are_of_one_shape_and_hold_no_secret() -> None:
    texts = [
        media_texts.start("s1", OPTION),
        media_texts.mark("m"),
        media_texts.mark("m", was_cleared=True),
        media_texts.error("no"),
        media_texts.stop(),
    ]
    assert [json.loads(text) for text in texts] == [
        {
            "event": "start",
            "sessionId": "s1",
            "inputSampleRate": 24_000,
            "outputSampleRate": 16_000,
            "packetSize": 2_560,
        },
        {"event": "mark", "name": "m"},
        {"event": "mark", "name": "m", "cleared": True},
        {"event": "error", "error": "no"},
        {"event": "stop"},
    ]
    told = media_texts.start("s1", MediaPassOption("ws://a", 8_000, 8_000, ptime=40))
    assert json.loads(told)["ptime"] == 40


def test_few_events_are_passed_on() -> None:
    assert media_texts.is_passed_on(Dtmf("s1", 1, "5"))
    assert not media_texts.is_passed_on(Answered("s1", 1, ""))
