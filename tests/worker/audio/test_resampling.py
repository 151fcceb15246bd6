"""What comes out of a resampler: how much, how late, how clean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.audio.resampling import Resampler, can_resample

RATES = (8_000, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
PAIRS = [(a, b) for a in RATES for b in (8_000, 16_000) if a != b]
PAIRS += [(b, a) for a, b in PAIRS if (b, a) not in PAIRS]
HZ = 1_000
DELAY_SECONDS = 0.002


def sine(rate: int, seconds: float, hz: int = HZ) -> np.ndarray:
    places = np.arange(int(rate * seconds))
    return (10_000 * np.sin(2 * np.pi * hz * places / rate)).astype(np.int16)


def made(from_rate: int, to_rate: int, samples: np.ndarray, size: int) -> np.ndarray:
    resampler = Resampler(from_rate, to_rate)
    pieces = range(0, len(samples), size)
    return np.concatenate([resampler.feed(samples[at : at + size]) for at in pieces])


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_tone_comes_out_as_loud_and_clean(from_rate: int, to_rate: int) -> None:
    found = made(from_rate, to_rate, sine(from_rate, 1.0), from_rate // 50)
    assert len(found) == to_rate
    settled = slice(to_rate // 10, to_rate * 9 // 10)
    times = np.arange(to_rate)[settled] / to_rate * 2 * np.pi * HZ
    waves = np.stack([np.sin(times), np.cos(times)], axis=1)
    heard = found[settled].astype(float)
    shares = np.linalg.lstsq(waves, heard, rcond=None)[0]
    noise = np.sqrt(np.mean((heard - waves @ shares) ** 2))
    assert np.hypot(*shares) == pytest.approx(10_000, rel=0.01)
    assert noise < 10


@pytest.mark.parametrize(("from_rate", "to_rate"), PAIRS)
def test_sound_comes_out_two_milliseconds_later(from_rate: int, to_rate: int) -> None:
    click = np.zeros(from_rate // 2, np.int16)
    click[from_rate // 4] = 20_000
    found = made(from_rate, to_rate, click, from_rate // 50)
    late = int(np.abs(found.astype(int)).argmax()) / to_rate - 0.25
    assert 0 < late < DELAY_SECONDS + 0.0005


def test_what_the_lower_rate_cannot_hold_is_left_out() -> None:
    found = made(48_000, 8_000, sine(48_000, 0.5, hz=6_000), 960)
    assert np.abs(found[800:].astype(int)).max() < 30


@given(size=st.integers(1, 2_000))
def test_sizes_of_pieces_make_no_difference(size: int) -> None:
    samples = sine(24_000, 0.1, hz=700)
    at_once = Resampler(24_000, 16_000).feed(samples)
    assert np.array_equal(made(24_000, 16_000, samples, size), at_once)


def test_loudest_samples_do_not_wrap() -> None:
    square = np.repeat(np.array([32_767, -32_768] * 20, np.int16), 40)
    found = made(8_000, 16_000, square, 160)
    assert found.max() == 32_767 and found.min() == -32_768


def test_rates_without_a_divisor_are_not_converted() -> None:
    assert all(can_resample(a, b) for a, b in PAIRS)
    assert not can_resample(11_111, 16_000)
