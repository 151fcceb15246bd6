"""DashScope's adapter, against a fake of its documents."""

from typing import Any

import pytest

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import aliyun, aliyun_wire
from mediaworker.speech.providers.ports import Mark, Net, Recognizer, Synthesizer
from tests.worker.speech.providers.contract import (
    RATE,
    TEXT,
    RecognizerContract,
    SynthesizerContract,
    frames,
    run,
)
from tests.worker.speech.providers.fakes.aliyun import FakeAliyun
from tests.worker.speech.providers.fakes.server import SECRET, Fault

ENVIRONMENT = {"DASHSCOPE_API_KEY": SECRET}


class TestAliyunListens(RecognizerContract):
    def fake(self, fault: Fault | None = None) -> FakeAliyun:
        return FakeAliyun(fault)

    def make(self, net: Net) -> Recognizer:
        return aliyun.make({}, net)

    def option(self, fake: object) -> TranscriptionOption:
        assert isinstance(fake, FakeAliyun)
        return TranscriptionOption("aliyun", endpoint=fake.ws, secret_key=SECRET)


class TestAliyunSpeaks(SynthesizerContract):
    def fake(self, fault: Fault | None = None) -> FakeAliyun:
        return FakeAliyun(fault)

    def make(self, net: Net) -> Synthesizer:
        return aliyun.make({}, net)

    def option(self, fake: object) -> SynthesisOption:
        assert isinstance(fake, FakeAliyun)
        return SynthesisOption(
            "aliyun", endpoint=fake.http, secret_key=SECRET, subtitle=True
        )


def heard_by(fake: FakeAliyun, rate: int = RATE, **fields: Any) -> list[str]:
    """What was told, with the environment's key."""
    heard: list[str] = []

    async def talk(net: Net) -> None:
        async with fake:
            option = TranscriptionOption(endpoint=fake.ws, **fields)
            adapter = aliyun.make(ENVIRONMENT, net)
            async for each in adapter.transcribe(option, rate, frames()):
                heard.append(each.text)

    run(talk)
    return heard


def spoken_by(fake: FakeAliyun, text: str = TEXT, **fields: Any) -> list[Mark]:
    """The marks of what was spoken, with the environment's key."""
    marks: list[Mark] = []

    async def talk(net: Net) -> None:
        async with fake:
            option = SynthesisOption(endpoint=fake.ws, **fields)
            adapter = aliyun.make(ENVIRONMENT, net)
            async for each in adapter.speak(option, text, RATE):
                if isinstance(each, Mark):
                    marks.append(each)

    run(talk)
    return marks


def test_leave_out_that_somebody_is_there() -> None:
    fake = FakeAliyun()
    assert heard_by(fake) == ["hello", "hello world"]
    assert fake.wrongs == [] and fake.said_end
    assert fake.models == ["paraformer-realtime-v2"]
    assert fake.asked == [{"heartbeat": True, "format": "pcm", "sample_rate": 16_000}]


def test_listen_to_a_telephone_in_chinese() -> None:
    fake = FakeAliyun()
    heard_by(fake, rate=8_000, language="zh-CN")
    assert fake.wrongs == [] and fake.models == ["paraformer-realtime-8k-v2"]


def test_tell_of_the_language() -> None:
    fake = FakeAliyun()
    heard_by(fake, rate=8_000, language="en-US", extra={"max_sentence_silence": 500})
    assert fake.wrongs == [] and fake.models == ["paraformer-realtime-v2"]
    assert fake.asked[0]["language_hints"] == ["en"]
    assert fake.asked[0]["max_sentence_silence"] == 500


def test_make_wide_audio_narrow_for_a_telephone_model() -> None:
    fake = FakeAliyun()
    heard_by(fake, model_type="paraformer-realtime-8k-v2")
    assert fake.wrongs == []
    assert abs(len(fake.audio) - 32_000) < 640


def test_tell_when_words_begin() -> None:
    fake = FakeAliyun()
    assert spoken_by(fake, subtitle=True) == [Mark(0, 0), Mark(250, 6), Mark(500, 13)]
    assert fake.wrongs == [] and fake.models == ["cosyvoice-v3-flash"]
    assert fake.asked[0]["voice"] == "longanyang" and fake.asked[0]["volume"] == 50


def test_speak_with_a_voice_louder_and_slower() -> None:
    fake = FakeAliyun()
    asked: dict[str, Any] = {
        "model": "longxiaochun_v2",
        "volume": 8,
        "speed": 0.3,
        "language": "en-GB",
    }
    assert spoken_by(fake, extra={"pitch": 1.2}, **asked) == []
    (told,) = fake.asked
    assert fake.models == ["cosyvoice-v3-flash"] and fake.wrongs == []
    assert told["voice"] == "longxiaochun_v2" and told["pitch"] == 1.2
    assert (told["volume"], told["rate"]) == (80, 0.5)
    assert told["language_hints"] == ["en"]


def test_speak_by_a_model_and_a_speaker() -> None:
    fake = FakeAliyun()
    spoken_by(fake, model="cosyvoice-v2", speaker="longxiaochun_v2", volume=70)
    assert fake.models == ["cosyvoice-v2"] and fake.asked[0]["volume"] == 70


def test_send_a_long_text_in_parts() -> None:
    fake = FakeAliyun()
    text = "还有很多。" * 5_000
    spoken_by(fake, text)
    assert fake.texts == [text] and fake.wrongs == []


def test_take_the_next_rate_that_they_have() -> None:
    adapter = aliyun.make({}, None)  # type: ignore[arg-type]
    rates = [adapter.rate(SynthesisOption(), each) for each in (8_000, 12_000, 99_000)]
    assert rates == [8_000, 16_000, 48_000]


def sentence(*words: tuple[str, int, int]) -> dict[str, Any]:
    told = [{"text": text, "begin_time": a, "end_time": b} for text, a, b in words]
    output = {"type": "sentence-end", "sentence": {"words": [*told, None, {}]}}
    return {"payload": {"output": output}}


def test_add_up_the_times_of_sentences_that_begin_anew() -> None:
    sentences = aliyun_wire.Sentences("One. Two. Three.")
    told = [sentence(("One", 80, 400)), sentence(("Two", 50, 300)), sentence()]
    marks = [mark for each in told for mark in sentences.marks(each)]
    assert marks == [Mark(80, 0), Mark(450, 5)]
    assert list(sentences.marks({"payload": []})) == []


@pytest.mark.parametrize(
    ("code", "status", "is_told"),
    [
        ("InvalidParameter", 400, True),
        ("Throttling.RateQuota", 429, True),
        ("Arrearage", 402, True),
        ("SomethingNew", 502, True),
        ("https://there/", 502, False),
        ("", 502, False),
    ],
)
def test_tell_failures_by_their_codes(code: str, status: int, is_told: bool) -> None:
    header = {"event": "task-failed", "error_code": code, "error_message": SECRET}
    with pytest.raises(Failure) as failed:
        aliyun_wire.event({"header": header})
    assert failed.value.code == status
    assert (bool(code) and code in failed.value.sentence) is is_told


@pytest.mark.parametrize("answer", [{}, {"header": []}, {"header": {"event": 7}}])
def test_refuse_an_answer_without_an_event(answer: dict[str, object]) -> None:
    with pytest.raises(Failure) as failed:
        aliyun_wire.event(answer)
    assert failed.value.code == 502


def test_take_a_sentence_with_an_end_for_final_where_nothing_else_is_said() -> None:
    told = {"begin_time": 1, "end_time": 9, "text": "so"}
    phrase = aliyun_wire.phrase({"payload": {"output": {"sentence": told}}})
    assert phrase is not None and phrase.is_final and phrase.to_ms == 9
    assert aliyun_wire.phrase({}) is None


def test_wait_until_the_task_has_started() -> None:
    class Hasty(FakeAliyun):
        async def talk(self, request: Any, socket: Any) -> None:
            await socket.send_str('{"header": {"event": "result-generated"}}')

    with pytest.raises(Failure) as failed:
        heard_by(Hasty())
    assert failed.value.code == 502


def test_fail_where_they_hang_up_in_the_middle() -> None:
    class Brief(FakeAliyun):
        async def send_speech(self, socket: Any) -> None:
            await socket.send_bytes(b"12")
            await socket.close()

    with pytest.raises(Failure) as failed:
        spoken_by(Brief())
    assert "hung up" in failed.value.sentence
