"""Noise that is taken out of voices."""

import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaworker.audio.arrays import Samples
from mediaworker.audio.denoising import BLOCK, DELAY_MS, Denoiser
from tests.worker.audio.voices import (
    Sound,
    frames,
    intelligibility,
    noise,
    segmental_snr,
    speech_power,
    voice,
)

RATES = pytest.mark.parametrize("rate", [8_000, 16_000])
VOICES = pytest.mark.parametrize("name", ["two_cities.wav", "beckett.wav"])
KINDS = pytest.mark.parametrize("kind", ["white", "pink"])
SPEECH_TO_NOISE_DB = 10


def denoised(sound: Sound, rate: int) -> Sound:
    """As much as was heard, without the delay."""
    return _as_sound(run(Denoiser(rate), _as_samples(sound), rate), rate)


def run(denoiser: Denoiser, samples: Samples, rate: int, row: int = 0) -> Samples:
    size = rate // 50
    denoiser.reserve(row + 1)
    rows = np.array([row])
    pieces = samples[: len(samples) // size * size].reshape(-1, 1, size)
    return np.concatenate([denoiser.process(piece, rows)[0] for piece in pieces])


def _as_samples(sound: Sound) -> Samples:
    return np.clip(np.rint(sound * 32_768), -32_768, 32_767).astype(np.int16)


def _as_sound(samples: Samples, rate: int) -> Sound:
    return samples[rate * DELAY_MS // 1_000 :].astype(np.float64) / 32_768


@functools.cache
def trial(rate: int, name: str, kind: str) -> tuple[Sound, Sound, Sound]:
    """The voice, the voice in noise, and what is made of that."""
    clean = voice(rate, name)
    level = np.sqrt(speech_power(clean, rate) / 10 ** (SPEECH_TO_NOISE_DB / 10))
    noisy = clean + noise(kind, len(clean)) * level
    made = denoised(noisy, rate)
    return clean[: len(made)], noisy[: len(made)], made


@RATES
@VOICES
@KINDS
def test_raise_the_voice_out_of_its_noise(rate: int, name: str, kind: str) -> None:
    clean, noisy, made = trial(rate, name, kind)
    before = segmental_snr(clean, noisy, rate)
    after = segmental_snr(clean, made, rate)
    assert after >= before + 3.5
    assert intelligibility(clean, made, rate) >= intelligibility(clean, noisy, rate)


@RATES
@VOICES
@KINDS
def test_take_the_noise_out_of_pauses(rate: int, name: str, kind: str) -> None:
    clean, noisy, made = trial(rate, name, kind)
    powers = (frames(clean, rate) ** 2).mean(1)
    is_pause = powers < np.percentile(powers, 15)
    left, was = (
        float((frames(sound, rate)[is_pause] ** 2).mean()) for sound in (made, noisy)
    )
    assert 10 * np.log10(was / left) >= 7


@RATES
@VOICES
def test_leave_a_voice_without_noise_as_it_is(rate: int, name: str) -> None:
    clean = voice(rate, name)
    made = denoised(clean, rate)
    clean = clean[: len(made)]
    assert intelligibility(clean, made, rate) >= 0.93
    power = 10 * np.log10((made**2).mean() / (clean**2).mean())
    assert -1 <= power <= 0.1


@RATES
def test_hear_silence_in_silence(rate: int) -> None:
    assert not run(Denoiser(rate), np.zeros(rate, np.int16), rate).any()


@RATES
def test_be_late_by_a_frame(rate: int) -> None:
    """A loud tone behind silence is let through whole."""
    tone = 0.5 * np.sin(np.arange(rate) * 2 * np.pi * 440 / rate)
    sound = np.concatenate((np.zeros(rate // 5), tone))
    quiet = noise("white", len(sound)) * 1e-3
    made = denoised(sound + quiet, rate)
    lags = range(-40, 41)
    middle = slice(rate // 2, rate)
    alike = [np.dot(np.roll(made, lag)[middle], sound[middle]) for lag in lags]
    assert lags[int(np.argmax(alike))] == 0


@RATES
def test_learn_of_noise_that_comes_after_digital_silence(rate: int) -> None:
    hiss = noise("white", rate * 4) * 0.01
    sound = np.concatenate((np.zeros(rate), hiss))
    made = denoised(sound, rate)
    assert 20 * np.log10(hiss.std() / made[-rate:].std()) >= 10


@RATES
@pytest.mark.parametrize("silence", [0, 8])
def test_know_the_noise_again_after_silence(rate: int, silence: int) -> None:
    """As of a caller who was muted, or on hold."""
    hiss = noise("white", rate) * 0.01
    muted = np.full(rate * 3, silence / 32_768)
    made = denoised(np.concatenate((hiss, muted, hiss)), rate)
    again = made[4 * rate + rate // 10 : 4 * rate + rate // 2]
    assert 20 * np.log10(hiss.std() / again.std()) >= 10


def test_make_the_same_of_a_row_in_whatever_company() -> None:
    rate, count = 8_000, BLOCK + 3
    chance = np.random.default_rng(1)
    sounds = chance.integers(-9_000, 9_000, (count, rate // 5), np.int16)
    together = Denoiser(rate)
    together.reserve(count)
    order = chance.permutation(count)
    size = rate // 50
    made = np.empty_like(sounds)
    for start in range(0, sounds.shape[1], size):
        part = slice(start, start + size)
        made[order, part] = together.process(sounds[order, part], order)
    for row in (0, 1, count - 1):
        alone = run(Denoiser(rate), sounds[row], rate)
        assert np.abs(alone.astype(int) - made[row]).max() <= 1


@settings(max_examples=20)
@given(
    st.lists(st.integers(-32_768, 32_767), min_size=3, max_size=3),
    st.integers(1, 6),
)
def test_remember_nothing_of_a_former_call(levels: list[int], count: int) -> None:
    rate = 8_000
    chance = np.random.default_rng(abs(levels[0]))
    former = np.resize(np.array(levels, np.int16), count * 160)
    former += chance.integers(-9, 9, len(former)).astype(np.int16)
    used = Denoiser(rate)
    run(used, former, rate)
    used.clear(0)
    later = chance.integers(-2_000, 2_000, 960).astype(np.int16)
    assert (run(used, later, rate) == run(Denoiser(rate), later, rate)).all()
    used.clear(0)
    assert not run(used, np.zeros(960, np.int16), rate).any()


def test_grow_without_touching_who_is_there() -> None:
    rate = 8_000
    sound = np.random.default_rng(3).integers(-3_000, 3_000, 1_600).astype(np.int16)
    grown = Denoiser(rate)
    first = run(grown, sound[:800], rate)
    grown.reserve(500)
    made = np.concatenate((first, run(grown, sound[800:], rate)))
    assert (made == run(Denoiser(rate), sound, rate)).all()


def test_change_nothing_where_it_raises() -> None:
    denoiser = Denoiser(8_000)
    loud = np.full((2, 160), 9_000, np.int16)
    with pytest.raises(ValueError, match="not a frame of 1 rows"):
        denoiser.process(loud, np.array([0]))
    with pytest.raises(IndexError):
        denoiser.process(loud, np.array([0, 4_000]))
    assert not run(denoiser, np.zeros(800, np.int16), 8_000).any()


def test_stay_within_what_a_sample_can_hold() -> None:
    square = np.where(np.arange(8_000) % 80 < 40, 32_767, -32_768).astype(np.int16)
    made = run(Denoiser(8_000), square, 8_000)
    assert np.corrcoef(made[160:], square[:-160])[0, 1] > 0.5


def test_keep_denormals_out_of_what_is_remembered() -> None:
    chance = np.random.default_rng(4)
    denoiser = Denoiser(8_000)
    for level in (9_000, 1, 0, 3):
        sound = chance.integers(-level, level + 1, 8_000 * 2).astype(np.int16)
        run(denoiser, sound, 8_000)
        for part in denoiser._memory.parts:
            strength = np.abs(part[0].astype(np.float64))
            assert strength[strength > 0].min(initial=1.0) > 1e-30
