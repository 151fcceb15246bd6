"""voiceapi's adapter, against what its repository says."""

import pytest

from chalicelib.protocol.session.speech import SynthesisOption, TranscriptionOption
from mediaworker.speech.ports import Failure
from mediaworker.speech.providers import voiceapi
from mediaworker.speech.providers.ports import Net, Phrase
from mediaworker.speech.providers.voiceapi import Segments, VoiceApi
from tests.worker.speech.providers.contract import (
    HEARD,
    RATE,
    RecognizerContract,
    SynthesizerContract,
    check_harmless,
    endless,
    frames,
    run,
)
from tests.worker.speech.providers.fakes.server import FakeProvider, Fault
from tests.worker.speech.providers.fakes.voiceapi import FakeVoiceApi, segment

FINISH_SECONDS = 0.2


class TestRecognizer(RecognizerContract):
    def fake(self, fault: Fault | None = None) -> FakeProvider:
        return FakeVoiceApi(fault)

    def make(self, net: Net) -> VoiceApi:
        return VoiceApi({}, net, FINISH_SECONDS)

    def option(self, fake: FakeProvider) -> TranscriptionOption:
        return TranscriptionOption("voiceapi", endpoint=fake.ws)

    @pytest.mark.parametrize(
        "fault", [Fault.REFUSE, Fault.ERROR, Fault.CUT, Fault.GARBAGE]
    )
    def test_fail_harmlessly(self, fault: Fault) -> None:
        """Its silence is that of a caller who says nothing."""

        async def talk(net: Net) -> None:
            async with self.fake(fault) as fake:
                audio = endless()
                heard = self.make(net).transcribe(self.option(fake), RATE, audio)
                with pytest.raises(Failure) as failed:
                    async for phrase in heard:
                        assert not phrase.is_final
                check_harmless(failed.value)

        run(talk)


class TestSynthesizer(SynthesizerContract):
    def fake(self, fault: Fault | None = None) -> FakeProvider:
        return FakeVoiceApi(fault)

    def make(self, net: Net) -> VoiceApi:
        return voiceapi.make({}, net)

    def option(self, fake: FakeProvider) -> SynthesisOption:
        return SynthesisOption("voiceapi", endpoint=fake.ws)


def test_what_is_never_finished_is_told_in_the_end() -> None:
    async def talk(net: Net) -> None:
        async with FakeVoiceApi(never_ends=True) as fake:
            option = TranscriptionOption("voiceapi", endpoint=fake.http)
            recognizer = VoiceApi({}, net, FINISH_SECONDS)
            heard = recognizer.transcribe(option, RATE, frames())
            phrases = [phrase async for phrase in heard]
            assert phrases == [Phrase("hello", False), Phrase("hello", True)]

    run(talk)


def test_speak_with_the_operators_speaker() -> None:
    async def talk(net: Net) -> None:
        async with FakeVoiceApi() as fake:
            ours = {"VOICEAPI_ENDPOINT": fake.ws, "VOICEAPI_SPEAKER_ID": "7"}
            speaker = voiceapi.make(ours, net)
            option = SynthesisOption(speed=1.5, extra={"split": False})
            async for _ in speaker.speak(option, "Hello", 8_000):
                pass
            assert fake.asked == {
                "split": "false",
                "samplerate": "8000",
                "sid": "7",
                "speed": "1.5",
                "chunk_size": "4096",
            }
            async for _ in speaker.speak(SynthesisOption(speaker="3"), "Hi", 8_000):
                pass
            assert fake.asked["sid"] == "3"

    run(talk)


def test_tell_times_where_there_are_some() -> None:
    segments = Segments()
    timed = {**segment(HEARD, is_finished=True), "start": 1.5, "end": 2.25}
    assert segments.hear(timed) == [Phrase(HEARD, True, 1_500, 2_250)]
    untimed = segment(HEARD, is_finished=True)
    assert segments.hear(untimed) == [Phrase(HEARD, True)]
    assert segments.hear(segment(" ", is_finished=False)) == []
    with pytest.raises(Failure, match="not understood"):
        segments.hear({"error": "x"})
    assert segments.end() == []
