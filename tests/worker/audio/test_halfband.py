"""Between 8 and 16 kHz, a frame at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.audio.arrays import Samples
from mediaworker.audio.halfband import Doubler, Halver

DELAY_SECONDS = 0.002


def tone(hertz: float, rate: int, seconds: float = 0.4, level: int = 10_000) -> Samples:
    times = np.arange(round(rate * seconds)) / rate
    wave = level * np.sin(2 * np.pi * hertz * times)
    return np.asarray(np.rint(wave), np.int16)


def in_frames(converter: Doubler | Halver, samples: Samples, rate: int) -> Samples:
    frames = samples.reshape(-1, rate // 50)
    return np.concatenate([converter.feed(frame) for frame in frames])


@pytest.mark.parametrize("hertz", [50, 300, 1_000, 2_500, 3_400])
def test_keep_what_both_rates_hold(hertz: int) -> None:
    doubled = in_frames(Doubler(), tone(hertz, 8_000), 8_000)
    halved = in_frames(Halver(), tone(hertz, 16_000), 16_000)
    for made, rate in ((doubled, 16_000), (halved, 8_000)):
        times = np.arange(len(made)) / rate
        delays = (DELAY_SECONDS, DELAY_SECONDS - 1 / 8_000)
        errors = [
            np.abs(made - 10_000 * np.sin(2 * np.pi * hertz * (times - delay)))[
                len(made) // 4 :
            ].max()
            for delay in delays
        ]
        assert min(errors) < 150


@pytest.mark.parametrize("hertz", [4_700, 6_000, 7_900])
def test_leave_out_what_only_one_of_them_holds(hertz: int) -> None:
    halved = in_frames(Halver(), tone(hertz, 16_000), 16_000)
    assert np.abs(halved[160:].astype(int)).max() < 30


def test_add_nothing_above_what_was_there() -> None:
    doubled = in_frames(Doubler(), tone(1_000, 8_000), 8_000)
    spectrum = np.abs(np.fft.rfft(doubled[320:] * np.hanning(len(doubled) - 320)))
    per_bin = 8_000 / (len(spectrum) - 1)
    above = spectrum[round(4_700 / per_bin) :].max()
    assert above < spectrum.max() / 500


@pytest.mark.parametrize("level", [32_767, -32_768])
def test_stay_within_what_samples_hold(level: int) -> None:
    for converter, size in ((Doubler(), 160), (Halver(), 320)):
        steps = np.where(np.arange(size) // 4 % 2, level, -level - 1)
        samples = steps.astype(np.int16)
        made = np.concatenate([converter.feed(samples) for _ in range(3)])
        assert np.sign(made[200:].astype(int)).sum() == pytest.approx(0, abs=40)


@given(st.lists(st.integers(1, 200), min_size=1, max_size=8))
def test_make_the_same_however_it_is_cut(sizes: list[int]) -> None:
    generator = np.random.default_rng(len(sizes))
    samples = generator.integers(-9_000, 9_000, 2 * sum(sizes)).astype(np.int16)
    for make in (Doubler, Halver):
        whole, cut = make(), make()
        pieces = np.split(samples, 2 * np.cumsum(sizes)[:-1])
        made = np.concatenate([cut.feed(piece) for piece in pieces])
        assert np.array_equal(made, whole.feed(samples))
        assert len(made) == (2 if make is Doubler else 0.5) * len(samples)


def test_begin_with_silence() -> None:
    assert not Doubler().feed(np.zeros(160, np.int16)).any()
    assert not Halver().feed(np.zeros(320, np.int16)).any()
