"""Polly's adapter, against a fake of botocore's model of it."""

from typing import Any

import pytest

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import polly
from mediaworker.speech.providers.ports import Mark, Net, Sound, Spoken, Synthesizer
from tests.worker.speech.providers.contract import (
    RATE,
    SPEECH,
    TEXT,
    SynthesizerContract,
    run,
)
from tests.worker.speech.providers.fakes.aws import KEY_ID, REGION, FakePolly
from tests.worker.speech.providers.fakes.server import SECRET, FakeProvider, Fault

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": KEY_ID,
    "AWS_SECRET_ACCESS_KEY": SECRET,
    "AWS_REGION": REGION,
}


class TestPollySpeaks(SynthesizerContract):
    def fake(self, fault: Fault | None = None) -> FakePolly:
        return FakePolly(fault)

    def make(self, net: Net) -> Synthesizer:
        return polly.make({}, net)

    def option(self, fake: FakeProvider) -> SynthesisOption:
        return SynthesisOption(
            "polly",
            endpoint=fake.http,
            secret_id=KEY_ID,
            secret_key=SECRET,
            subtitle=True,
            extra={"region": REGION},
        )


def spoken_by(fake: FakePolly, text: str = TEXT, **fields: Any) -> list[Spoken]:
    spoken: list[Spoken] = []

    async def talk(net: Net) -> None:
        async with fake:
            option = SynthesisOption(endpoint=fake.http, **fields)
            adapter = polly.make(ENVIRONMENT, net)
            async for each in adapter.speak(option, text, RATE):
                spoken.append(each)

    run(talk)
    return spoken


def marks_of(spoken: list[Spoken]) -> list[Mark]:
    return [each for each in spoken if isinstance(each, Mark)]


def test_speak_with_the_operators_keys() -> None:
    fake = FakePolly()
    spoken_by(fake)
    assert fake.wrongs == []
    assert fake.asked == [
        {
            "OutputFormat": "pcm",
            "SampleRate": "16000",
            "Text": TEXT,
            "VoiceId": "Joanna",
        }
    ]


@pytest.mark.covers("SynthesisOption.speaker", "SynthesisOption.extra")
def test_speak_with_a_voice_an_engine_and_parameters() -> None:
    fake = FakePolly()
    spoken_by(
        fake,
        speaker="Amy",
        model="neural",
        language="en-GB",
        extra={"LexiconNames": ["ours"], "region": REGION},
    )
    assert fake.wrongs == []
    (asked,) = fake.asked
    assert asked["VoiceId"] == "Amy" and asked["Engine"] == "neural"
    assert asked["LanguageCode"] == "en-GB" and asked["LexiconNames"] == ["ours"]


@pytest.mark.parametrize(
    ("text", "language", "voice", "code"),
    [
        ("你好", None, "Zhiyu", None),
        ("你好", "zh", "Zhiyu", "cmn-CN"),
        ("Hola", "es-US", "Lupe", "es-US"),
        ("Hello", "hi-IN", "Aditi", "hi-IN"),
        ("Guten Tag", "de", "Vicki", None),
        ("Hello", "en-XX", "Joanna", "en-XX"),
    ],
)
def test_find_a_voice_for_a_language(
    text: str, language: str | None, voice: str, code: str | None
) -> None:
    option = SynthesisOption(language=language)
    (part,) = polly.parts(option, text, 8_000)
    assert part.request["VoiceId"] == voice
    assert part.request.get("LanguageCode") == code


def test_refuse_a_language_that_nobody_speaks() -> None:
    with pytest.raises(Failure) as failed:
        list(polly.parts(SynthesisOption(language="xx"), "text", 8_000))
    assert failed.value.code == 400


@pytest.mark.covers("SynthesisOption.subtitle")
def test_tell_when_words_begin() -> None:
    fake = FakePolly()
    spoken = spoken_by(fake, "Café crème, s'il vous plaît", subtitle=True)
    assert fake.wrongs == []
    assert marks_of(spoken)[:2] == [Mark(0, 0), Mark(250, 5)]
    *_, last = marks_of(spoken)
    assert last.position == 22


def test_speak_faster_and_still_tell_when_words_begin() -> None:
    fake = FakePolly()
    spoken = spoken_by(fake, "You & <me> too", subtitle=True, speed=1.25)
    assert fake.wrongs == []
    assert fake.texts == [
        '<speak><prosody rate="125%">You &amp; &lt;me&gt; too</prosody></speak>'
    ]
    marks = [mark.position for mark in marks_of(spoken)]
    assert marks == [0, 4, 6, 7, 9, 11]


def test_leave_ssml_that_the_application_wrote() -> None:
    option = SynthesisOption(speed=2.0, extra={"TextType": "ssml"})
    (part,) = polly.parts(option, "<speak>Hi</speak>", 8_000)
    assert part.request["Text"] == "<speak>Hi</speak>"


def test_speak_a_long_text_in_parts() -> None:
    fake = FakePolly()
    text = "This is so. " * 400
    spoken = spoken_by(fake, text, subtitle=True)
    assert fake.wrongs == [] and "".join(fake.texts) == text
    assert [len(each) for each in fake.texts] == [2_496, 2_304]
    marks = marks_of(spoken)
    second = marks[3 * 208]
    assert second == Mark(len(SPEECH) // 32, 2_496)
    assert marks[-1].position == len(text) - len("so. ")


@pytest.mark.parametrize(
    ("text", "lengths"),
    [("word " * 501, [2_500, 5]), ("字" * 2_501, [2_500, 1]), ("", [])],
)
def test_cut_a_text_where_it_hurts_least(text: str, lengths: list[int]) -> None:
    option = SynthesisOption(language="zh")
    found = [len(part.text) for part in polly.parts(option, text, 8_000)]
    assert found == lengths


def test_keep_what_was_said_where_a_voice_has_no_marks() -> None:
    fake = FakePolly()
    fake.has_marks = False
    spoken = spoken_by(fake, subtitle=True)
    assert marks_of(spoken) == []
    assert b"".join(s.samples for s in spoken if isinstance(s, Sound)) == SPEECH


def test_leave_out_marks_of_another_kind() -> None:
    (part,) = polly.parts(SynthesisOption(), "ab", 8_000)
    told = b'{"type":"sentence","time":0,"start":0}\n{"type":"word","time":"x"}\n'
    told += b'{"type":"word","time":7,"start":99}\n'
    assert list(polly.marks(told, part)) == [Mark(7, 1)]


def test_take_the_nearest_rate_that_there_is() -> None:
    adapter = polly.make({}, None)  # type: ignore[arg-type]
    rates = [adapter.rate(SynthesisOption(), each) for each in (8_000, 11_025, 48_000)]
    assert rates == [8_000, 16_000, 16_000]
