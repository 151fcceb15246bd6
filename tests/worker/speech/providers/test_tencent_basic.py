"""Tencent Cloud's TextToVoice, against a fake of its documents."""

from typing import Any

import pytest

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import tencent_basic
from mediaworker.speech.providers.ports import Mark, Net, Sound, Spoken, Synthesizer
from tests.worker.speech.providers.contract import (
    RATE,
    SPEECH,
    TEXT,
    SynthesizerContract,
    run,
)
from tests.worker.speech.providers.fakes.server import SECRET, FakeProvider, Fault
from tests.worker.speech.providers.fakes.tencent import SECRET_ID
from tests.worker.speech.providers.fakes.tencent_basic import FakeTencentBasic

ENVIRONMENT = {"TENCENT_SECRET_ID": SECRET_ID, "TENCENT_SECRET_KEY": SECRET}
SPEECH_MS = len(SPEECH) * 1_000 // (2 * RATE)


class TestTencentBasicSpeaks(SynthesizerContract):
    def fake(self, fault: Fault | None = None) -> FakeTencentBasic:
        return FakeTencentBasic(fault)

    def make(self, net: Net) -> Synthesizer:
        return tencent_basic.make({}, net)

    def option(self, fake: FakeProvider) -> SynthesisOption:
        return SynthesisOption(
            "tencent_basic",
            endpoint=fake.http,
            secret_id=SECRET_ID,
            secret_key=SECRET,
            subtitle=True,
        )

    def test_speak_before_all_has_come(self) -> None:
        """It cannot: an answer is one JSON object, and a long text several."""

        async def talk(net: Net) -> None:
            async with self.fake(Fault.SLOW) as fake:
                fake.go_on.set()
                assert await self.spoken(net, fake)

        run(talk)


def spoken_by(
    fake: FakeTencentBasic, text: str = TEXT, rate: int = RATE, **fields: Any
) -> list[Spoken]:
    spoken: list[Spoken] = []

    async def talk(net: Net) -> None:
        async with fake:
            option = SynthesisOption(endpoint=fake.ws, **fields)
            adapter = tencent_basic.make(ENVIRONMENT, net)
            async for each in adapter.speak(option, text, rate):
                spoken.append(each)

    run(talk)
    return spoken


def test_speak_with_the_operators_keys() -> None:
    fake = FakeTencentBasic()
    spoken_by(fake, rate=8_000, speaker="601003", volume=8, speed=1.2)
    assert fake.wrongs == [] and fake.regions == ["ap-guangzhou"]
    (asked,) = fake.asked
    assert asked["SampleRate"] == 8_000 and asked["VoiceType"] == 601_003
    assert (asked["Volume"], asked["Speed"]) == (6, 1.0)


@pytest.mark.covers("SynthesisOption.codec", "SynthesisOption.extra")
def test_speak_with_an_options_parameters() -> None:
    fake = FakeTencentBasic()
    extra = {"region": "ap-shanghai", "EmotionIntensity": 120, "Codec": "mp3"}
    spoken_by(fake, emotion="sad", extra=extra)
    assert fake.wrongs == [] and fake.regions == ["ap-shanghai"]
    (asked,) = fake.asked
    assert (asked["EmotionCategory"], asked["EmotionIntensity"]) == ("sad", 120)


def test_speak_a_long_text_in_parts() -> None:
    fake = FakeTencentBasic()
    text = "我们明天再说。" * 30
    spoken = spoken_by(fake, text, subtitle=True)
    assert fake.wrongs == [] and "".join(fake.texts) == text
    assert [len(part) for part in fake.texts] == [147, 63]
    sounds = [each for each in spoken if isinstance(each, Sound)]
    assert [each.samples for each in sounds] == [SPEECH, SPEECH]
    marks = [each for each in spoken if isinstance(each, Mark)]
    assert marks[0] == Mark(0, 0)
    assert any(mark.at_ms == SPEECH_MS for mark in marks[1:])


@pytest.mark.parametrize(
    "answer",
    [
        {"Response": {}},
        {"Response": {"Audio": "not base64"}},
        {"Response": {"Audio": "AAAA"}},
        {"Response": {"Audio": "\u00e9"}},
        {"Else": 1},
    ],
)
def test_refuse_an_answer_without_sound(answer: Any) -> None:
    fake = FakeTencentBasic()
    fake.answer = answer
    with pytest.raises(Failure) as failed:
        spoken_by(fake)
    assert failed.value.code == 502


def test_refuse_too_long_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tencent_basic, "ANSWER_BYTES", 99)
    with pytest.raises(Failure) as failed:
        spoken_by(FakeTencentBasic())
    assert failed.value.code == 502


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AuthFailure.SignatureFailure", 401),
        ("RequestLimitExceeded", 429),
        ("InvalidParameterValue.VoiceType", 400),
        ("FailedOperation", 502),
    ],
)
def test_tell_failures_by_their_codes(code: str, status: int) -> None:
    fake = FakeTencentBasic()
    fake.answer = {"Response": {"Error": {"Code": code, "Message": SECRET}}}
    with pytest.raises(Failure) as failed:
        spoken_by(fake)
    assert failed.value.code == status
    assert failed.value.sentence == f"it refused: {code}"


def test_take_the_next_rate_that_they_have() -> None:
    adapter = tencent_basic.make({}, None)  # type: ignore[arg-type]
    assert adapter.rate(SynthesisOption(), 22_050) == 24_000
