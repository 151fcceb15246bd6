"""Loudness that is evened out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediaworker.audio.arrays import Samples
from mediaworker.audio.gain import BLOCK, CEILING, GainControl, GainRule
from tests.worker.audio.voices import Sound, frames, noise, voice

RATE = 8_000
FRAME = RATE // 50
USUAL = GainRule()
LOUDEST = int(np.rint(CEILING * 32_768))


def run(
    samples: Samples, rule: GainRule = USUAL, rate: int = RATE, row: int = 0
) -> Samples:
    control = GainControl(rate)
    control.reserve(row + 1)
    control.begin(row, rule)
    return fed(control, samples, rate, row)


def fed(control: GainControl, samples: Samples, rate: int, row: int = 0) -> Samples:
    size = rate // 50
    pieces = samples[: len(samples) // size * size].reshape(-1, 1, size)
    rows = np.array([row])
    return np.concatenate([control.process(piece, rows)[0] for piece in pieces])


def scaled(sound: Sound, decibels: float) -> Samples:
    loud = np.rint(sound * 10 ** (decibels / 20) * 32_768)
    return np.clip(loud, -32_768, 32_767).astype(np.int16)


def loudness(samples: Samples, rate: int = RATE) -> float:
    """Of speech, in dB below the loudest that there is."""
    powers = ((frames(samples, rate) / 32_768) ** 2).mean(1)
    return float(10 * np.log10(powers[powers > powers.max() * 10**-2.5].mean()))


def tone(level: float, seconds: float) -> Sound:
    return level * np.sin(np.arange(int(RATE * seconds)) * 2 * np.pi * 300 / RATE)


def bursts(level: float, count: int) -> Sound:
    """Speech, as far as loudness goes: half a second each, and pauses."""
    one = np.concatenate((tone(level, 0.5), np.zeros(RATE // 4)))
    return np.tile(one, count) + noise("white", count * len(one)) * level / 1_000


def gain_at_end(before: Sound, made: Samples) -> float:
    """In dB, over the last burst."""
    part = slice(-RATE * 3 // 4, -RATE // 4)
    return float(10 * np.log10((made[part] / 32_768.0).var() / before[part].var()))


@pytest.mark.parametrize("rate", [8_000, 16_000])
@pytest.mark.parametrize("name", ["two_cities.wav", "beckett.wav"])
def test_make_a_voice_as_loud_however_loud_it_comes(rate: int, name: str) -> None:
    sound = np.tile(voice(rate, name, 7), 3)
    made = [
        loudness(run(scaled(sound, db), rate=rate)[-7 * rate :], rate)
        for db in (-30, -20, -10, 0, 10)
    ]
    assert max(made) - min(made) <= 3
    assert all(-25 <= one <= -15 for one in made)


@pytest.mark.parametrize("decibels", [-30, 0, 10])
def test_never_clip(decibels: float) -> None:
    made = run(scaled(voice(RATE, "beckett.wav"), decibels))
    assert np.abs(made.astype(int)).max() <= LOUDEST


def test_limit_at_once_what_comes_too_loud_and_let_go_slowly() -> None:
    rule = replace(USUAL, most_change_db=0.0, most_noise_dbfs=0.0)
    soft, loud = bursts(0.01, 2), tone(0.9, 0.4)
    made = run(scaled(np.concatenate((soft, loud, bursts(0.01, 3))), 0), rule)
    assert np.abs(made.astype(int)).max() <= LOUDEST
    end = len(soft)
    shout = made[end + FRAME : end + len(loud)]
    assert np.abs(shout.astype(int)).max() >= LOUDEST * 0.95
    after = end + len(loud)
    before, first, last = (
        int(np.abs(part.astype(int)).max())
        for part in (
            made[:end],
            made[after : after + 2 * FRAME],
            made[-RATE * 3 // 4 :],
        )
    )
    assert first < before / 2
    assert last == pytest.approx(before, rel=0.05)


def test_saturate_without_the_limiter() -> None:
    soft, loud = bursts(0.01, 12), tone(0.9, 0.2)
    sound = scaled(np.concatenate((soft, loud)), 0)
    made = run(sound, replace(USUAL, has_limiter=False))
    assert np.abs(made.astype(int)).max() >= 32_767
    corner = made[len(soft) :].astype(int) * sound[len(soft) :]
    assert (corner >= 0).all(), "it never wraps"


def test_let_silence_be_silence() -> None:
    assert not run(np.zeros(RATE, np.int16)).any()


@pytest.mark.parametrize("level", [30, 300])
def test_never_blow_up_noise(level: int) -> None:
    hiss = (noise("white", RATE * 10) * level).astype(np.int16)
    made = run(hiss)
    most = max(-50, 20 * np.log10(level / 32_768))
    assert 20 * np.log10(made[-RATE:].std() / 32_768) <= most + 1.5


def test_keep_the_gain_in_a_pause() -> None:
    speech, hiss = bursts(0.03, 10), noise("white", RATE * 4) * 0.00003
    sound = np.concatenate((speech, hiss, bursts(0.03, 1)))
    made = run(scaled(sound, 0))
    pause = made[len(speech) + RATE : len(speech) + 4 * RATE].astype(float)
    first, last = pause[:RATE].std(), pause[-RATE:].std()
    assert last <= first * 1.1


@pytest.mark.parametrize("headroom", [0.0, 5.0, 20.0])
def test_leave_as_much_headroom_as_is_wanted(headroom: float) -> None:
    rule = replace(USUAL, headroom_db=headroom)
    made = loudness(run(scaled(bursts(0.02, 16), 0), rule)[-4 * RATE :])
    assert made == pytest.approx(-headroom - 13, abs=1.5)


def test_gain_no_more_than_is_allowed() -> None:
    sound = bursts(0.005, 16)
    made = run(scaled(sound, 0), replace(USUAL, most_gain_db=12.0))
    assert gain_at_end(sound, made) == pytest.approx(12, abs=0.5)


def test_begin_with_the_gain_that_is_wanted() -> None:
    sound = tone(0.001, 0.1)
    made = run(scaled(sound, 0), replace(USUAL, initial_gain_db=30.0))
    ratio = made[:FRAME].astype(float).std() / (sound[:FRAME].std() * 32_768)
    assert 20 * np.log10(ratio) == pytest.approx(30, abs=0.5)


def test_begin_with_no_more_than_the_most() -> None:
    rule = replace(USUAL, initial_gain_db=30.0, most_gain_db=10.0)
    sound = tone(0.01, 0.1)
    ratio = run(scaled(sound, 0), rule).astype(float).std() / (sound.std() * 32_768)
    assert 20 * np.log10(ratio) <= 10.2


@pytest.mark.parametrize("change", [2.0, 20.0])
def test_change_as_fast_as_is_wanted(change: float) -> None:
    rule = replace(USUAL, most_change_db=change, initial_gain_db=0.0)
    made = run(scaled(bursts(0.005, 4), 0), rule).astype(float)
    one = RATE * 3 // 4
    ends = [made[k * one + RATE * 2 // 5 : k * one + RATE // 2].std() for k in (1, 2)]
    # Half a second of speech lies between the two.
    risen = 20 * np.log10(ends[1] / ends[0])
    assert risen == pytest.approx(change / 2, rel=0.2)


def test_make_noise_no_louder_than_is_wanted() -> None:
    hiss = noise("white", 12 * RATE * 3 // 4) * 0.001
    sound = bursts(0.02, 12) + hiss
    rule = replace(USUAL, most_noise_dbfs=-55.0)
    made = run(scaled(sound, 0), rule)
    pause = made[-RATE // 4 :].astype(float).std() / 32_768
    assert 20 * np.log10(pause) == pytest.approx(-55, abs=2)


def test_count_only_as_much_speech_as_is_wanted() -> None:
    """Clicks of 60 ms are no speech where ten frames are asked for."""
    click = np.concatenate((tone(0.02, 0.06), np.zeros(RATE // 2)))
    sound = scaled(np.tile(click, 20) + noise("white", 20 * len(click)) * 2e-5, 0)
    strict = run(sound, replace(USUAL, speech_frames=10, initial_gain_db=0.0))
    lax = run(sound, replace(USUAL, speech_frames=0, initial_gain_db=0.0))
    last = slice(-len(click), None)
    assert np.abs(strict[last]).max() <= np.abs(sound[last]).max() * 1.05
    assert np.abs(lax[last].astype(int)).max() >= 2 * np.abs(sound[last]).max()


def test_make_the_same_of_a_row_in_whatever_company() -> None:
    count = BLOCK + 3
    chance = np.random.default_rng(1)
    sounds = chance.integers(-9_000, 9_000, (count, RATE // 5), np.int16)
    together = GainControl(RATE)
    together.reserve(count)
    for row in range(count):
        together.begin(row, replace(USUAL, initial_gain_db=float(row % 20)))
    order = chance.permutation(count)
    made = np.empty_like(sounds)
    for start in range(0, sounds.shape[1], FRAME):
        part = slice(start, start + FRAME)
        made[order, part] = together.process(sounds[order, part], order)
    for row in (0, 1, count - 1):
        alone = run(sounds[row], replace(USUAL, initial_gain_db=float(row % 20)))
        assert np.abs(alone.astype(int) - made[row]).max() <= 1


@settings(max_examples=20)
@given(st.integers(0, 32_767), st.integers(1, 40))
def test_remember_nothing_of_a_former_call(level: int, count: int) -> None:
    chance = np.random.default_rng(level)
    former = chance.integers(-level - 1, level + 1, count * FRAME).astype(np.int16)
    used = GainControl(RATE)
    used.begin(0, replace(USUAL, initial_gain_db=40.0))
    fed(used, former, RATE)
    used.clear(0)
    later = chance.integers(-2_000, 2_000, 6 * FRAME).astype(np.int16)
    assert (fed(used, later, RATE) == later).all(), "a cleared row does nothing"
    used.begin(0, USUAL)
    assert (fed(used, later, RATE) == run(later)).all()


def test_change_nothing_where_it_raises() -> None:
    control = GainControl(RATE)
    control.begin(0, USUAL)
    loud = np.full((2, FRAME), 9_000, np.int16)
    with pytest.raises(ValueError, match="not a frame of 1 rows"):
        control.process(loud, np.array([0]))
    with pytest.raises(IndexError):
        control.process(loud, np.array([0, 4_000]))
    sound = scaled(bursts(0.02, 1), 0)
    assert (fed(control, sound, RATE) == run(sound)).all()


def test_grow_without_touching_who_is_there() -> None:
    sound = scaled(bursts(0.02, 2), 0)
    control = GainControl(RATE)
    control.begin(0, USUAL)
    middle = len(sound) // 2 // FRAME * FRAME
    first = fed(control, sound[:middle], RATE)
    control.reserve(500)
    made = np.concatenate((first, fed(control, sound[middle:], RATE)))
    assert (made == run(sound)).all()
