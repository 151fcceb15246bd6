"""Tencent Cloud's adapter, against a fake of its documents."""

import asyncio
from typing import Any

import pytest

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import tencent, tencent_wire
from mediaworker.speech.providers.exchange import Words
from mediaworker.speech.providers.ports import Mark, Net, Recognizer, Synthesizer
from tests.worker.speech.providers.contract import (
    RATE,
    TEXT,
    RecognizerContract,
    SynthesizerContract,
    endless,
    frames,
    run,
    until,
)
from tests.worker.speech.providers.fakes.server import SECRET, Fault
from tests.worker.speech.providers.fakes.tencent import (
    APP_ID,
    SECRET_ID,
    FakeTencent,
)

ENVIRONMENT = {
    "TENCENT_APPID": APP_ID,
    "TENCENT_SECRET_ID": SECRET_ID,
    "TENCENT_SECRET_KEY": SECRET,
}
KEYS: dict[str, Any] = {"app_id": APP_ID, "secret_id": SECRET_ID, "secret_key": SECRET}
ACCOUNT = tencent_wire.Account(APP_ID, SECRET_ID, SECRET)
INSTANT = tencent_wire.Instant(1_673_408_372, 7, "c64385ee-3e5c-4fc5-bbfd-7c71addb35b0")


class TestTencentListens(RecognizerContract):
    def fake(self, fault: Fault | None = None) -> FakeTencent:
        return FakeTencent(fault)

    def make(self, net: Net) -> Recognizer:
        return tencent.make({}, net)

    def option(self, fake: object) -> TranscriptionOption:
        assert isinstance(fake, FakeTencent)
        return TranscriptionOption(provider="tencent", endpoint=fake.ws, **KEYS)


class TestTencentSpeaks(SynthesizerContract):
    def fake(self, fault: Fault | None = None) -> FakeTencent:
        return FakeTencent(fault)

    def make(self, net: Net) -> Synthesizer:
        return tencent.make({}, net)

    def option(self, fake: object) -> SynthesisOption:
        assert isinstance(fake, FakeTencent)
        return SynthesisOption(
            provider="tencent", endpoint=fake.http, subtitle=True, **KEYS
        )


def heard_by(
    fake: FakeTencent, rate: int = RATE, **fields: Any
) -> list[tuple[str, bool]]:
    """What was told, with the environment's keys."""
    phrases: list[tuple[str, bool]] = []

    async def talk(net: Net) -> None:
        async with fake:
            option = TranscriptionOption(endpoint=fake.ws, **fields)
            adapter = tencent.make(ENVIRONMENT, net)
            async for each in adapter.transcribe(option, rate, frames()):
                phrases.append((each.text, each.is_final))

    run(talk)
    return phrases


@pytest.mark.covers("TranscriptionOption.language", "TranscriptionOption.modelType")
@pytest.mark.parametrize(
    ("language", "model", "rate", "engine", "sent_rate"),
    [
        (None, None, 16_000, "16k_zh", 16_000),
        ("zh-CN", None, 8_000, "8k_zh", 8_000),
        ("cmn-CN", None, 16_000, "16k_zh", 16_000),
        ("en-US", None, 8_000, "8k_en", 8_000),
        ("zh-TW", None, 16_000, "16k_zh-TW", 16_000),
        ("ja", None, 8_000, "16k_ja", 8_000),
        ("en", "8k_zh_large", 16_000, "8k_zh_large", 8_000),
        (None, "16k_multi_lang", 16_000, "16k_multi_lang", 16_000),
    ],
)
def test_choose_an_engine(
    language: str | None, model: str | None, rate: int, engine: str, sent_rate: int
) -> None:
    option = TranscriptionOption(language=language, model_type=model)
    assert tencent_wire.engine(option, rate) == (engine, sent_rate)


def test_refuse_a_language_that_no_engine_understands() -> None:
    with pytest.raises(Failure) as failed:
        tencent_wire.engine(TranscriptionOption(language="is"), 16_000)
    assert failed.value.code == 400


@pytest.mark.covers("TranscriptionOption.extra")
def test_listen_with_the_operators_keys_and_an_options_parameters() -> None:
    fake = FakeTencent()
    extra = {"vad_silence_time": 500, "needvad": 0, "signature": "no", "x": [1]}
    heard_by(fake, language="en", extra=extra)
    assert fake.wrongs == [] and fake.said_end
    (asked,) = fake.asked
    assert asked["vad_silence_time"] == "500" and asked["needvad"] == "0"


@pytest.mark.covers("TranscriptionOption.samplerate")
def test_say_of_which_rate_narrow_audio_is_where_the_engine_is_wide() -> None:
    fake = FakeTencent()
    heard_by(fake, rate=8_000, language="fr")
    assert fake.wrongs == []
    assert fake.asked[0]["input_sample_rate"] == "8000"


def test_make_wide_audio_narrow_for_a_telephone_engine() -> None:
    fake = FakeTencent()
    phrases = heard_by(fake, model_type="8k_zh")
    assert fake.wrongs == []
    assert abs(len(fake.audio) - 32_000) < 640
    assert phrases[-1][1]


def test_say_the_end_when_cancelled() -> None:
    async def talk(net: Net) -> None:
        async with FakeTencent(Fault.SLOW) as fake:
            option = TranscriptionOption(endpoint=fake.ws, **KEYS)
            phrases = tencent.make({}, net).transcribe(option, RATE, endless())
            listening = asyncio.ensure_future(anext(phrases))
            await until(lambda: fake.audio)
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening
            await until(lambda: fake.said_end)
            assert fake.wrongs == []

    run(talk)


@pytest.mark.covers(
    "TranscriptionOption.appId",
    "TranscriptionOption.secretId",
    "TranscriptionOption.secretKey",
)
def test_fail_where_only_some_of_the_keys_are_there() -> None:
    async def talk(net: Net) -> None:
        option = TranscriptionOption(app_id=APP_ID, secret_id=SECRET_ID)
        with pytest.raises(Failure) as failed:
            await anext(tencent.make({}, net).transcribe(option, RATE, frames(0)))
        assert failed.value.code == 401

    run(talk)


def test_tell_when_words_begin() -> None:
    async def talk(net: Net) -> None:
        async with FakeTencent() as fake:
            option = SynthesisOption(endpoint=fake.ws, subtitle=True, **KEYS)
            spoken = [
                each
                async for each in tencent.make({}, net).speak(option, TEXT, RATE)
                if isinstance(each, Mark)
            ]
        assert spoken == [Mark(0, 0), Mark(250, 6), Mark(500, 13)]

    run(talk)


def test_find_words_that_are_not_as_they_were_written() -> None:
    words = Words("It is 12 degrees, is it?")
    found = [words.mark(*each) for each in (("It", 0), ("twelve", 9), (" is ", 7))]
    assert found == [Mark(0, 0), Mark(9, 2), Mark(9, 3)]
    assert words.mark("  ", 10) is None
    assert Words("").mark("word", 0) is None


@pytest.mark.parametrize(
    ("asked", "speed"),
    [
        *((None, 0.0), (1.0, 0.0), (1.2, 1.0), (1.1, 0.5), (1.35, 1.5), (2.0, 4.0)),
        *((0.6, -2.0), (0.1, -2.0), (9.0, 6.0), (0.0, 0.0), (-1.5, -1.5), (-9.0, -2.0)),
    ],
)
def test_count_speed_as_they_do(asked: float | None, speed: float) -> None:
    assert tencent_wire.speed(SynthesisOption(speed=asked)) == speed


@pytest.mark.parametrize(
    ("asked", "volume"),
    [(None, 0), (5, 0), (1, -8), (10, 10), (0, -10), (50, 0), (100, 10), (11, -7.8)],
)
def test_count_volume_as_they_do(asked: int | None, volume: float) -> None:
    assert tencent_wire.volume(SynthesisOption(volume=asked)) == volume


def test_take_numbers_alone_for_voices() -> None:
    assert tencent_wire.voice_type(SynthesisOption()) == "0"
    assert tencent_wire.voice_type(SynthesisOption(speaker="601003")) == "601003"
    with pytest.raises(Failure) as failed:
        tencent_wire.voice_type(SynthesisOption(speaker="xiaoyan"))
    assert failed.value.code == 400


@pytest.mark.covers("SynthesisOption.samplerate")
def test_take_the_next_rate_that_they_have() -> None:
    adapter = tencent.make({}, None)  # type: ignore[arg-type]
    rates = [adapter.rate(SynthesisOption(), each) for each in (8_000, 12_000, 48_000)]
    assert rates == [8_000, 16_000, 24_000]


def test_speak_with_an_emotion() -> None:
    option = SynthesisOption(emotion="sad", extra={"EmotionIntensity": 120})
    url = tencent_wire.speaking_url(ACCOUNT, option, 8_000, INSTANT)
    assert "EmotionCategory=sad&EmotionIntensity=120" in url
    assert url.startswith("wss://tts.cloud.tencent.com/stream_wsv2?Action=")


def test_sign_what_is_not_escaped() -> None:
    """The documents' example; its signature is of keys that nobody has."""
    url = tencent_wire.listening_url(ACCOUNT, TranscriptionOption(), 16_000, INSTANT)
    assert url.startswith(
        "wss://asr.cloud.tencent.com/asr/v2/1259000000?engine_model_type=16k_zh"
        "&expired=1673494772&needvad=1&nonce=7&secretid=AKID"
    )
    assert "&timestamp=1673408372&voice_format=1&voice_id=c64385ee" in url
    assert "&signature=" in url and SECRET not in url


@pytest.mark.parametrize("answer", [{}, {"code": True}, {"code": "0"}])
def test_refuse_an_answer_without_a_code(answer: dict[str, object]) -> None:
    with pytest.raises(Failure) as failed:
        tencent_wire.check(answer)
    assert failed.value.code == 502


@pytest.mark.parametrize(
    ("code", "status"), [(4002, 401), (4006, 429), (10007, 413), (77, 502), (5001, 502)]
)
def test_tell_failures_by_their_codes(code: int, status: int) -> None:
    with pytest.raises(Failure) as failed:
        tencent_wire.check({"code": code, "message": SECRET})
    assert failed.value.code == status and str(code) in failed.value.sentence
    assert SECRET not in failed.value.sentence


def test_take_nothing_from_a_result_of_another_shape() -> None:
    assert tencent_wire.phrase({"result": [1]}) is None
    strange = {"slice_type": 2, "start_time": "x", "end_time": -1}
    phrase = tencent_wire.phrase({"result": strange})
    assert phrase is not None and phrase.is_final and phrase.from_ms is None
    told = [None, {"Text": 7, "BeginTime": 1}, {"Text": "a"}]
    assert list(tencent_wire.marks(told, Words("a"))) == []


def test_fail_where_they_hang_up_in_the_middle() -> None:
    class Brief(FakeTencent):
        async def send_speech(self, socket: Any) -> None:
            await socket.send_bytes(b"12")
            await socket.close()

        async def _hear(self, request: Any, socket: Any, told: Any, size: int) -> None:
            await self.received(socket)

    async def talk(net: Net) -> None:
        adapter = tencent.make(ENVIRONMENT, net)
        async with Brief() as fake:
            with pytest.raises(Failure) as failed:
                async for _ in adapter.speak(
                    SynthesisOption(endpoint=fake.ws), TEXT, RATE
                ):
                    pass
            assert "hung up" in failed.value.sentence
            option = TranscriptionOption(endpoint=fake.ws)
            with pytest.raises(Failure) as failed:
                await anext(adapter.transcribe(option, RATE, endless()))
            assert "hung up" in failed.value.sentence

    run(talk)
