"""The beep of a machine that records, and all that sounds alike."""

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.recordings import recording
from mediaworker.speech.beeps import LISTENS_MS, Beeps
from mediaworker.speech.replies import Beep, Reply
from mediaworker.speech.requests import Deafen, Heard, Listen

RATES = (8_000, 16_000)


def tone(hertz: float, ms: int, rate: int, level: float = 8_000) -> NDArray[np.int16]:
    time = np.arange(ms * rate // 1_000) / rate
    noise = np.random.default_rng(1).normal(0, 30, len(time))
    wave = level * np.sin(2 * np.pi * hertz * time) + noise
    return np.asarray(wave, np.int16)


def silence(ms: int, rate: int) -> NDArray[np.int16]:
    return tone(0, ms, rate, 0)


def found(samples: NDArray[np.int16], rate: int) -> list[tuple[int, int]]:
    told: list[Reply] = []
    beeps = Beeps(told.append)
    beeps.listen(Listen(2, rate, seeks_beeps=True))
    beeps.listen(Listen(3, rate))
    size = rate // 50
    for at in range(0, len(samples) - size + 1, size):
        frame = samples[at : at + size].tobytes()
        beeps.hear(Heard(rate, (3, 2), frame[::-1] + frame))
    return [(each.from_ms, each.to_ms) for each in told if isinstance(each, Beep)]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [425, 700, 1_000, 1_400, 1_950])
def test_find_a_beep(hertz: float, rate: int) -> None:
    parts = [silence(500, rate), tone(hertz, 400, rate), silence(500, rate)]
    assert found(np.concatenate(parts), rate) == [(500, 680)]


@pytest.mark.parametrize("rate", RATES)
def test_tone_that_is_short_or_faint_or_out_of_range_is_none(rate: int) -> None:
    for hertz, ms, level in (
        (1_000, 120, 8_000),
        (1_000, 400, 100),
        (300, 400, 8_000),
        (2_500, 400, 8_000),
    ):
        parts = [silence(200, rate), tone(hertz, ms, rate, level), silence(200, rate)]
        assert found(np.concatenate(parts), rate) == []


@pytest.mark.parametrize("rate", RATES)
def test_two_tones_together_are_a_key_or_a_busy_line(rate: int) -> None:
    for one, other in ((697, 1_209), (480, 620), (941, 1_477)):
        both = tone(one, 500, rate) // 2 + tone(other, 500, rate) // 2
        assert found(both, rate) == []


@pytest.mark.parametrize("rate", RATES)
def test_glide_is_no_beep(rate: int) -> None:
    time = np.arange(rate) / rate
    glide = 8_000 * np.sin(2 * np.pi * (500 * time + 700 * time**2))
    assert found(np.asarray(glide, np.int16), rate) == []


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("name", ["two_cities.wav", "beckett.wav"])
def test_nobody_who_speaks_beeps(name: str, rate: int) -> None:
    assert found(recording(rate, name), rate) == []


def test_nothing_is_sought_when_the_call_has_lasted_long_or_is_over() -> None:
    told: list[Reply] = []
    beeps = Beeps(told.append)
    beeps.listen(Listen(1, 8_000, seeks_beeps=True))
    for _ in range(LISTENS_MS // 20):
        beeps.hear(Heard(8_000, (1,), b""))
    frame = tone(1_000, 1_000, 8_000)
    for at in range(0, 8_000, 160):
        beeps.hear(Heard(8_000, (1,), frame[at : at + 160].tobytes()))
    beeps.listen(Listen(1, 8_000, seeks_beeps=True))
    beeps.deafen(Deafen(1))
    beeps.hear(Heard(8_000, (1,), frame[:160].tobytes()))
    assert told == []
