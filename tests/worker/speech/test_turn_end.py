"""smart-turn on recorded speech, as its weights are fetched."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mediaworker.speech.ear import hearable
from mediaworker.speech.ports import NotInstalled
from mediaworker.speech.settings import SMART_TURN
from mediaworker.speech.turn_end import BANDS, SmartTurn, bands, spectrogram
from tests.worker.models import MODELS, speech

Judge = Callable[[str, float, int], float]


@pytest.fixture(scope="module")
def judge() -> Judge:
    network = SmartTurn(MODELS / SMART_TURN)

    def judge(name: str, to_seconds: float, rate: int) -> float:
        samples = speech(rate, name)[: int(to_seconds * rate)]
        heard = samples[-8 * rate :].astype("<i2").tobytes()
        return network.judge(hearable(heard, rate))

    return judge


# What the network says of these pauses was measured, 200 ms into each of them.


@pytest.mark.parametrize("rate", [16_000, 8_000])
@pytest.mark.parametrize("to_seconds", [11.76, 18.81, 22.72, 29.75, 38.51])
def test_pause_within_a_sentence(judge: Judge, to_seconds: float, rate: int) -> None:
    assert judge("two_cities.wav", to_seconds, rate) < 0.2


@pytest.mark.parametrize("rate", [16_000, 8_000])
@pytest.mark.parametrize(
    ("name", "to_seconds"),
    [
        ("two_cities.wav", 41.69),
        ("two_cities.wav", 43.16),
        ("beckett.wav", 2.89),
        ("beckett.wav", 3.34),
        ("beckett.wav", 9.61),
    ],
)
def test_end_of_a_sentence(
    judge: Judge, name: str, to_seconds: float, rate: int
) -> None:
    assert judge(name, to_seconds, rate) > 0.8


def test_silence_alone_and_nothing_at_all_can_be_judged() -> None:
    network = SmartTurn(MODELS / SMART_TURN)
    for samples in (0, 1, 16_000, 200_000):
        assert 0 <= network.judge(np.zeros(samples, np.float32)) <= 1


def test_tone_lights_up_the_band_that_it_is_in() -> None:
    time = np.arange(128_000) / 16_000
    for hertz in (300, 1_000, 3_000):
        shown = spectrogram(np.sin(2 * np.pi * hertz * time).astype(np.float32))
        assert shown.shape == (BANDS, 800) and shown.dtype == np.float32
        assert shown.max() - shown.min() == pytest.approx(2, abs=1e-3)
        brightest = int(shown[:, 400].argmax())
        share = bands()[:, brightest]
        assert share[round(hertz / 40)] > 0


def test_short_audio_stands_at_the_end() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
    shown = spectrogram(noise)
    assert shown[:, :690].max() < shown[:, 710:].min()
    longer = np.concatenate([np.ones(64_000, np.float32), np.zeros(112_000), noise])
    assert np.array_equal(spectrogram(longer.astype(np.float32)), shown)


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="smart-turn"):
        SmartTurn(tmp_path / SMART_TURN)
