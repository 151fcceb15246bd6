"""Speaking and silence, with every option."""

import pytest

from chalicelib.protocol.session.events import Silence, Speaking
from chalicelib.protocol.session.speech import VadOption
from mediaworker.session.turns import (
    Gate,
    SilenceLasts,
    SpeechBegan,
    SpeechEnded,
    Turn,
)
from tests.worker.session.stage import EPOCH_MS, Stage

HYSTERESIS = 0.15


def heard(script: str, **option: float) -> list[tuple[int, Turn]]:
    """What a gate makes of 32 ms windows: ``#`` voiced, ``~`` nearly, ``.`` silent."""
    gate = Gate(VadOption(**option), HYSTERESIS)  # type: ignore[arg-type]
    levels = {"#": 0.9, "~": 0.4, ".": 0.1}
    turns = []
    for place, window in enumerate(script.replace(" ", "")):
        to_ms = (place + 1) * 32
        turn = gate.hear(levels[window], to_ms)
        if turn is not None:
            turns.append((to_ms, turn))
    return turns


@pytest.mark.covers(
    "VADOption.speechPadding",
    "VADOption.silencePadding",
    "VADOption.ratio",
    "VADOption.voiceThreshold",
    "VADOption.silenceTimeout",
)
@pytest.mark.parametrize(
    ("script", "option", "expected"),
    [
        (
            ".. ######## ....",
            {},
            [(320, SpeechBegan(64)), (448, SpeechEnded(64, 320))],
        ),
        ("#", {"speech_padding": 0}, [(32, SpeechBegan(0))]),
        (
            "##. #",
            {"speech_padding": 0, "silence_padding": 0},
            [
                (32, SpeechBegan(0)),
                (96, SpeechEnded(0, 64)),
                (128, SpeechBegan(96)),
            ],
        ),
        ("#### .... ####", {}, []),
        # Voiced windows are more than half of the padding, though not in a row.
        ("##.##.##", {}, [(256, SpeechBegan(0))]),
        ("##.##.##", {"ratio": 0.9}, []),
        # What begins with a click begins at the next voice.
        (
            "#... ########",
            {"silence_padding": 200, "ratio": 0.8},
            [(384, SpeechBegan(128))],
        ),
        # A click, and no voice after it within a long patience for silence.
        ("#........", {"silence_padding": 1000}, []),
        # Below the threshold, and above the threshold less the hysteresis.
        ("~~~~~~~~~~", {}, []),
        ("#~~~~~~~~~", {}, [(256, SpeechBegan(0))]),
        ("######## ~~~~", {}, [(256, SpeechBegan(0))]),
        ("########", {"voice_threshold": 0.95}, []),
        ("........", {"voice_threshold": 0.0}, [(256, SpeechBegan(0))]),
        ("######## ....", {"voice_threshold": 0.1}, [(256, SpeechBegan(0))]),
        (
            "....",
            {"silence_timeout": 50},
            [(64, SilenceLasts(0)), (128, SilenceLasts(0))],
        ),
        (
            "######## ........",
            {"silence_timeout": 200},
            [
                (256, SpeechBegan(0)),
                (384, SpeechEnded(0, 256)),
                (480, SilenceLasts(256)),
            ],
        ),
        ("....", {"silence_timeout": 0}, []),
    ],
)
def test_gate_tells_turns(
    script: str, option: dict[str, float], expected: list[tuple[int, Turn]]
) -> None:
    assert heard(script, **option) == expected


def test_gate_ignores_a_window_that_is_no_news() -> None:
    gate = Gate(VadOption(speech_padding=0), HYSTERESIS)
    assert gate.hear(0.0, 64) is None
    assert gate.hear(0.9, 64) is None
    assert gate.hear(0.9, 32) is None
    assert gate.rising_from_ms is None


@pytest.mark.covers(
    "CallOption.vad",
    "event.speaking.event",
    "event.speaking.trackId",
    "event.speaking.timestamp",
    "event.speaking.startTime",
)
def test_speaking_says_when_speech_began() -> None:
    stage = Stage().invite(vad={}).hush(320)
    stage.told()
    assert stage.hear(256).told() == ["speaking"]
    assert stage.last(Speaking).start_time == EPOCH_MS + 100_320
    assert stage.last(Speaking).timestamp == EPOCH_MS + 100_576


@pytest.mark.covers(
    "event.silence.event",
    "event.silence.trackId",
    "event.silence.timestamp",
    "event.silence.startTime",
    "event.silence.duration",
)
def test_silence_says_when_it_began_and_of_the_speech_before_it() -> None:
    stage = Stage().invite(vad={}).hush(320).hear(640)
    stage.told()
    assert stage.hush(320).told() == ["silence"]
    silence = stage.last(Silence)
    assert silence.start_time == silence.speech_end_time == EPOCH_MS + 100_960
    assert silence.duration == 128
    assert silence.speech_start_time == EPOCH_MS + 100_320


@pytest.mark.covers("VADOption.silenceTimeout", "note VAD events")
def test_silence_timeout_repeats() -> None:
    stage = Stage().invite(vad={"silenceTimeout": 1000}).hush(2_112)
    assert stage.told()[2:] == ["silence", "silence"]
    silence = stage.last(Silence)
    assert (silence.start_time, silence.duration) == (EPOCH_MS + 100_000, 2_016)
    assert silence.speech_start_time is None
    stage.hear(320).hush(128)
    stage.told()
    stage.hush(960)
    assert stage.told() == ["silence"]
    assert stage.last(Silence).start_time == EPOCH_MS + 102_432
    assert stage.last(Silence).speech_end_time == EPOCH_MS + 102_432


def test_without_vad_no_turn_is_told() -> None:
    stage = Stage().invite(asr={}).hear(640).hush(640)
    assert stage.told() == ["trackStart (call)", "answer"]


def test_without_any_listener_windows_are_ignored() -> None:
    stage = Stage().hear(640).invite().hear(640)
    assert stage.told() == ["trackStart (call)", "answer"]
    assert stage.answer("x").mishear().told() == []
    stage.session.speech_lost(stage.now)
    assert stage.settle().told() == []
