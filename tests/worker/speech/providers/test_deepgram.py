"""Deepgram's adapter, against what its documents say."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import deepgram
from mediaworker.speech.providers.deepgram import Deepgram, Thrift, Utterance
from mediaworker.speech.providers.ports import Net, Phrase
from mediaworker.speech.providers.remote_audio import Timeline
from tests.worker.speech.providers.contract import (
    FRAME,
    RATE,
    RecognizerContract,
    SynthesizerContract,
    endless,
    frames,
    run,
)
from tests.worker.speech.providers.fakes.deepgram import FakeDeepgram, result
from tests.worker.speech.providers.fakes.server import SECRET, FakeProvider, Fault


class TestRecognizer(RecognizerContract):
    def fake(self, fault: Fault | None = None) -> FakeProvider:
        return FakeDeepgram(fault)

    def make(self, net: Net) -> Deepgram:
        return deepgram.make({}, net)

    def option(self, fake: FakeProvider) -> TranscriptionOption:
        return TranscriptionOption("deepgram", secret_key=SECRET, endpoint=fake.ws)


class TestSynthesizer(SynthesizerContract):
    def fake(self, fault: Fault | None = None) -> FakeProvider:
        return FakeDeepgram(fault)

    def make(self, net: Net) -> Deepgram:
        return deepgram.make({}, net)

    def option(self, fake: FakeProvider) -> SynthesisOption:
        return SynthesisOption("deepgram", secret_key=SECRET, endpoint=fake.http)


@pytest.mark.covers(
    "TranscriptionOption.language",
    "TranscriptionOption.secretKey",
    "TranscriptionOption.modelType",
    "TranscriptionOption.extra",
    "TranscriptionOption.endpoint",
)
def test_listen_as_the_option_says() -> None:
    async def talk(net: Net) -> None:
        async with FakeDeepgram() as fake:
            option = TranscriptionOption(
                "deepgram",
                secret_key=SECRET,
                language="en-GB",
                model_type="nova-2",
                endpoint=fake.http,
                extra={"endpointing": 500, "diarize": True, "sample_rate": 9, "x": []},
            )
            heard = deepgram.make({}, net).transcribe(option, RATE, frames())
            assert [phrase.text async for phrase in heard][-1] == "hello world"
            assert fake.closes == 1
            assert fake.asked == {
                "model": "nova-2",
                "language": "en-GB",
                "interim_results": "true",
                "punctuate": "true",
                "smart_format": "true",
                "endpointing": "500",
                "diarize": "true",
                "encoding": "linear16",
                "sample_rate": "16000",
                "channels": "1",
            }

    run(talk)


def test_speak_as_the_option_says() -> None:
    async def talk(net: Net) -> None:
        async with FakeDeepgram() as fake:
            option = SynthesisOption(
                "deepgram",
                "aura-2-luna-en",
                speed=3.0,
                endpoint=f"{fake.http}/v1/speak?mip_opt_out=true",
            )
            speaker = deepgram.make({"DEEPGRAM_API_KEY": SECRET}, net)
            async for _ in speaker.speak(option, "Hello. " * 400, 24_000):
                pass
            assert fake.asked == {
                "mip_opt_out": "true",
                "model": "aura-2-luna-en",
                "speed": "1.5",
                "encoding": "linear16",
                "sample_rate": "24000",
                "container": "none",
            }
            assert len(fake.texts) == 2 and fake.wrongs == []

    run(talk)


def test_rates_are_its_own() -> None:
    speaker = Deepgram({}, None)  # type: ignore[arg-type]
    asked = (8_000, 11_025, 16_000, 44_100, 96_000)
    rates = [speaker.rate(SynthesisOption(), each) for each in asked]
    assert rates == [8_000, 16_000, 16_000, 48_000, 48_000]


async def _pieces(count: int, silent_from: int, silent_to: int) -> AsyncIterator[bytes]:
    for at in range(count):
        yield bytes(len(FRAME)) if silent_from <= at < silent_to else FRAME


def test_long_silence_is_not_paid_for() -> None:
    async def spare() -> tuple[list[bytes], Thrift]:
        thrift = Thrift(RATE)
        return [each async for each in thrift.pieces(_pieces(1_000, 50, 950))], thrift

    sent, thrift = asyncio.run(spare())
    assert sum(bool(each) for each in sent) == 50 + 150 + 50
    # Every 4 seconds of the 15 that are left.
    assert sent.count(b"") == 3
    assert thrift.timeline.heard_ms(3_900) == 3_900
    assert thrift.timeline.heard_ms(4_000) == 19_000


def test_short_silence_is_heard() -> None:
    async def spare() -> list[bytes]:
        return [each async for each in Thrift(RATE).pieces(_pieces(300, 50, 200))]

    sent = asyncio.run(spare())
    assert len(sent) == 300 and b"" not in sent


def heard(*messages: dict[str, Any]) -> list[Phrase]:
    utterance = Utterance(Timeline())
    return [phrase for each in messages for phrase in utterance.hear(each)]


def test_put_segments_together_up_to_the_pause() -> None:
    phrases = heard(
        result("I am", 1.0, 0.5),
        result("I am here", 1.0, 1.0, is_final=True),
        result("", 2.0, 0.2, is_final=True),
        result("now", 2.2, 0.3, is_final=True, speech_final=True),
        result("next", 9.0, 0.5, is_final=True),
        {"type": "UtteranceEnd", "last_word_end": 9.5},
        {"type": "UtteranceEnd"},
    )
    told = [(each.text, each.is_final, each.from_ms, each.to_ms) for each in phrases]
    assert told == [
        ("I am", False, 1_000, 1_500),
        ("I am here", False, 1_000, 2_000),
        ("I am here now", True, 1_000, 2_500),
        ("next", False, 9_000, 9_500),
        ("next", True, 9_000, 9_500),
    ]
    assert phrases[0].confidence == 0.98


def test_end_an_utterance_whose_pause_is_empty() -> None:
    phrases = heard(
        result("yes", 0.0, 0.5, is_final=True),
        result("", 0.5, 0.5, is_final=True, speech_final=True),
        {**result("", 1.0, 0.5), "from_finalize": True},
    )
    assert [each.text for each in phrases if each.is_final] == ["yes"]


class HangsUp(FakeDeepgram):
    """Without a pause, and without summing up."""

    async def _answer_text(
        self, socket: web.WebSocketResponse, message: dict[str, Any]
    ) -> bool:
        await socket.send_json(result("left", 0.0, 0.1, is_final=True))
        await socket.close()
        return False


@pytest.mark.parametrize("is_long", [False, True])
def test_tell_what_is_left_when_they_hang_up(is_long: bool) -> None:
    async def talk(net: Net) -> None:
        async with HangsUp() if not is_long else FakeDeepgram(Fault.ERROR) as fake:
            option = TranscriptionOption(
                "deepgram", secret_key=SECRET, endpoint=fake.ws
            )
            audio = endless() if is_long else frames(5)
            heard = deepgram.make({}, net).transcribe(option, RATE, audio)
            phrases = []
            with pytest.raises(Failure) as failed:
                async for phrase in heard:
                    phrases.append(phrase.text)
            assert failed.value.code == 502
            assert phrases == (["hel"] if is_long else ["left", "left"])

    run(talk)


def test_fail_by_their_error() -> None:
    for error in ({"type": "Error", "description": "x"}, {"err_code": "NET-0001"}):
        with pytest.raises(Failure, match="reports an error"):
            heard(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"type": st.just("Results")},
        optional={
            "start": json_values,
            "duration": json_values,
            "is_final": json_values,
            "speech_final": json_values,
            "channel": st.just({"alternatives": [{"transcript": "a", "words": [1]}]})
            | json_values,
        },
    )
)
def test_hear_anything(message: dict[str, Any]) -> None:
    for phrase in heard(message, result("x", 0.0, 1.0), json.loads("{}")):
        assert isinstance(phrase.text, str)
        if phrase.from_ms is not None and phrase.to_ms is not None:
            assert phrase.from_ms <= phrase.to_ms
