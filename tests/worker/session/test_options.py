"""What of an option can be had, and what is said of the rest."""

from typing import Any

import pytest

from chalicelib.protocol.session.events import Failed, Metrics
from chalicelib.protocol.session.vocabulary import VadType
from mediaworker.session.effects import Connect, SayText
from tests.worker.session.stage import Stage

UNBUILT: list[tuple[str, Any]] = [
    ("ambiance", {"path": "a.wav"}),
    ("eou", {"type": "tencent"}),
    ("realtime", {}),
    ("subscribe", True),
    ("ringbackDetection", {}),
]


@pytest.mark.parametrize(("name", "value"), UNBUILT)
def test_option_that_is_not_built_says_so_after_the_answer(
    name: str, value: object
) -> None:
    stage = Stage().invite(**{name: value})
    assert stage.told() == ["trackStart (call)", "answer", f"error {name} 501"]
    assert stage.session.is_connected


@pytest.mark.parametrize(
    ("name", "value"),
    [("denoise", False), ("ambiance", {"enabled": False}), ("subscribe", False)],
)
def test_option_that_asks_for_nothing_is_no_error(name: str, value: object) -> None:
    assert Stage().invite(**{name: value}).told() == ["trackStart (call)", "answer"]


@pytest.mark.covers(
    "CallOption.asr", "TranscriptionOption.provider", "TranscriptionOption.language"
)
@pytest.mark.parametrize("provider", [None, "embedded", "Embedded", ""])
def test_embedded_recognizer_is_the_default(provider: str | None) -> None:
    stage = Stage().invite(asr={"provider": provider, "language": "en-GB"})
    assert stage.told() == ["trackStart (call)", "answer"]
    connect = stage.wanted(Connect)[0]
    assert connect.transcribes and connect.language == "en-GB"
    assert connect.vad is VadType.SILERO


@pytest.mark.parametrize("part", ["asr", "tts"])
@pytest.mark.parametrize(
    "option", [{"provider": "nobody"}, {"endpoint": "https://a.example"}]
)
def test_part_that_another_is_to_do_is_left_out(
    part: str, option: dict[str, str]
) -> None:
    stage = Stage().invite(**{part: option})
    assert stage.told() == ["trackStart (call)", "answer", f"error {part} 501"]
    assert part in stage.last(Failed).error
    assert not stage.wanted(Connect)[0].transcribes


def test_provider_is_named() -> None:
    stage = Stage().invite(asr={"provider": "nobody"})
    assert "nobody" in stage.last(Failed).error


@pytest.mark.covers("VADOption.type")
@pytest.mark.parametrize(
    ("kind", "detector"),
    [
        ("silero", VadType.SILERO),
        ("webrtc", VadType.WEBRTC),
        ("TEN", VadType.SILERO),
        ("nonsense", VadType.SILERO),
    ],
)
def test_detector_is_the_one_that_was_asked_for(kind: str, detector: VadType) -> None:
    assert Stage().invite(vad={"type": kind}).wanted(Connect)[0].vad is detector


def test_detector_that_does_anothers_work_says_so() -> None:
    stage = Stage().invite(vad={"type": "ten"})
    assert stage.last(Metrics).key == "vad.substituted"
    assert stage.last(Metrics).data == {"asked": "ten", "used": "silero"}


def test_unknown_detector_is_an_error_and_the_default_is_used() -> None:
    stage = Stage().invite(vad={"type": "nonsense", "speechPadding": 64})
    assert stage.told()[2:] == ["error vad 400"]
    assert stage.hear(96).told() == ["speaking"]


@pytest.mark.covers("VADOption.samplerate")
def test_detector_hears_at_the_calls_own_rate() -> None:
    stage = Stage(codec="pcmu").invite(vad={"samplerate": 16_000})
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.session.rate == 8_000
    assert stage.hear(320).told() == ["speaking"]


@pytest.mark.covers("VADOption.endpoint")
def test_detector_elsewhere_is_not_supported() -> None:
    stage = Stage().invite(vad={"endpoint": "https://a.example"})
    assert stage.told()[2:] == ["error vad 501"]


@pytest.mark.parametrize("value", [-1, 10_001, "x", True, [1]])
def test_endpoint_that_is_no_delay_is_an_error(value: object) -> None:
    stage = Stage().invite(asr={"extra": {"endpointMs": value}})
    assert stage.told()[2:] == ["error asr 400"]


@pytest.mark.covers(
    "CallOption.tts",
    "tts.option",
    "tts.speaker",
    "SynthesisOption.speaker",
    "SynthesisOption.speed",
    "SynthesisOption.volume",
)
def test_voice_is_the_commands_over_the_calls_over_the_defaults() -> None:
    stage = Stage().invite(tts={"speaker": "a", "speed": 1.5, "language": "de"})
    stage.say("x", option={"volume": 7, "speed": 2}, speaker="b")
    option = stage.wanted(SayText)[0].option
    assert (option.speaker, option.speed, option.volume) == ("b", 2, 7)
    assert (option.language, option.samplerate) == ("de", 16_000)


def test_text_without_any_voice_is_refused() -> None:
    stage = Stage().invite()
    stage.told()
    assert stage.say("x").told() == ["error command 400"]
    assert stage.last(Failed).error == "no tts option available"
    assert not stage.session.is_playing


def test_command_may_bring_the_voice() -> None:
    stage = Stage().invite(tts={"provider": "tencent"})
    assert stage.say("x", option={}).wanted(SayText)[0].text == "x"


def test_voice_of_another_provider_is_refused() -> None:
    stage = Stage().invite(tts={})
    stage.told()
    assert stage.say("x", option={"provider": "nobody"}).told() == ["error tts 501"]
    assert "nobody" in stage.last(Failed).error
