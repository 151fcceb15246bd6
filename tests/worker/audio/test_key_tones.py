import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from mediaworker.audio.arrays import Floats, Samples
from mediaworker.audio.key_tones import DIGITS, HIGH_HZ, LOW_HZ, KeyTones

RATES = pytest.mark.parametrize("rate", [8_000, 16_000])
AMPLITUDE = 6_000.0


def tone(
    rate: int,
    digit: str,
    seconds: float,
    *,
    low: float = AMPLITUDE,
    high: float = AMPLITUDE,
    low_off: float = 0,
    high_off: float = 0,
) -> Floats:
    """A key: how loud its tones are, and by what share they lie off."""
    place = DIGITS.index(digit)
    at = np.arange(round(rate * seconds)) / rate
    low_hz = LOW_HZ[place // 4] * (1 + low_off)
    high_hz = HIGH_HZ[place % 4] * (1 + high_off)
    sound = low * np.sin(2 * np.pi * low_hz * at)
    sound += high * np.sin(2 * np.pi * high_hz * at + 1)
    return sound.astype(np.float32)


def quiet(rate: int, seconds: float) -> Floats:
    return np.zeros(round(rate * seconds), np.float32)


def framed(rate: int, sound: Floats) -> Samples:
    """Whole frames, and a few of silence after them."""
    size = rate // 50
    padded = np.concatenate((sound, np.zeros(-len(sound) % size + 3 * size)))
    samples: Samples = np.clip(np.rint(padded), -32_768, 32_767).astype(np.int16)
    return samples.reshape(-1, size)


def keys_in(rate: int, *sounds: Floats) -> str:
    tones = KeyTones(rate)
    row = tones.take_row()
    heard = ""
    for frame in framed(rate, np.concatenate(sounds)):
        for place, digit in tones.hear(frame[None], [row]):
            assert place == row
            heard += digit
    return heard


@RATES
def test_hear_every_key_once(rate: int) -> None:
    pressed = [part for d in DIGITS for part in (tone(rate, d, 0.1), quiet(rate, 0.06))]
    assert keys_in(rate, *pressed) == DIGITS


@RATES
def test_hear_a_key_of_40_ms_wherever_it_begins(rate: int) -> None:
    for late in range(0, 20, 3):
        assert keys_in(rate, quiet(rate, late / 1_000), tone(rate, "5", 0.04)) == "5"


@RATES
def test_hear_no_key_shorter_than_a_frame(rate: int) -> None:
    assert keys_in(rate, quiet(rate, 0.021), tone(rate, "5", 0.018)) == ""


@RATES
def test_hear_a_long_key_once_whatever_interrupts_it_shortly(rate: int) -> None:
    pressed = (tone(rate, "8", 1.0), quiet(rate, 0.015), tone(rate, "8", 1.0))
    assert keys_in(rate, *pressed) == "8"


@RATES
def test_hear_the_same_key_again_after_two_clear_frames(rate: int) -> None:
    pressed = (tone(rate, "8", 0.08), quiet(rate, 0.06), tone(rate, "8", 0.08))
    assert keys_in(rate, *pressed) == "88"


@RATES
@pytest.mark.parametrize("off", [0.015, -0.015])
@pytest.mark.parametrize("digit", "159D")
def test_take_tones_a_little_off(rate: int, digit: str, off: float) -> None:
    """ITU-T Q.24: up to 1.5 % are to be taken."""
    assert keys_in(rate, tone(rate, digit, 0.08, low_off=off)) == digit
    assert keys_in(rate, tone(rate, digit, 0.08, high_off=off)) == digit
    assert keys_in(rate, tone(rate, digit, 0.08, low_off=off, high_off=-off)) == digit


@RATES
@pytest.mark.parametrize("off", [0.035, -0.035, 0.05])
@pytest.mark.parametrize("digit", "159D")
def test_refuse_tones_far_off(rate: int, digit: str, off: float) -> None:
    """ITU-T Q.24: from 3.5 % on they are not."""
    assert keys_in(rate, tone(rate, digit, 0.2, low_off=off)) == ""
    assert keys_in(rate, tone(rate, digit, 0.2, high_off=off)) == ""


@RATES
@pytest.mark.parametrize(
    ("low_db", "high_db", "is_heard"),
    [
        (0, -7.5, True),
        (0, -11, False),
        (-3.5, 0, True),
        (-6, 0, False),
        (-35, -35, True),
        (-60, -60, False),
    ],
)
def test_take_twist_within_limits(
    rate: int, low_db: float, high_db: float, is_heard: bool
) -> None:
    low, high = (AMPLITUDE * 10 ** (db / 20) for db in (low_db, high_db))
    heard = keys_in(rate, tone(rate, "6", 0.1, low=low, high=high))
    assert heard == ("6" if is_heard else "")


@RATES
def test_hear_keys_in_noise(rate: int) -> None:
    random = np.random.default_rng(7)
    for digit in DIGITS:
        sound = tone(rate, digit, 0.1)
        noise = random.normal(0, 1_000, len(sound)).astype(np.float32)
        assert keys_in(rate, sound + noise) == digit


@RATES
def test_hear_no_key_in_a_single_tone(rate: int) -> None:
    assert keys_in(rate, tone(rate, "5", 0.5, low=0)) == ""
    assert keys_in(rate, tone(rate, "5", 0.5, high=0)) == ""


@RATES
def test_hear_no_key_in_a_voice_that_has_both_tones(rate: int) -> None:
    at = np.arange(rate // 2) / rate
    overtone = 3_000 * np.sin(2 * np.pi * 2 * 1_336 * at)
    assert keys_in(rate, tone(rate, "5", 0.5) + overtone.astype(np.float32)) == ""


@RATES
def test_hear_no_key_in_noise_or_silence(rate: int) -> None:
    noise = np.random.default_rng(3).normal(0, 6_000, rate * 5).astype(np.float32)
    assert keys_in(rate, noise, quiet(rate, 1)) == ""


@RATES
def test_hear_no_key_in_speech(rate: int, speech: Floats) -> None:
    for loudness in (0.2, 1.0, 3.0):
        sound = speech[:: 16_000 // rate] * np.float32(32_767 * loudness)
        assert keys_in(rate, sound) == ""


@RATES
def test_hear_a_key_pressed_over_faint_speech(rate: int, speech: Floats) -> None:
    sound = speech[rate : rate * 2 : 16_000 // rate] * np.float32(8_000)
    pressed = np.concatenate((quiet(rate, 0.1), tone(rate, "3", 0.1)))
    assert keys_in(rate, pressed + sound[: len(pressed)]) == "3"


def test_keep_calls_apart() -> None:
    tones = KeyTones(8_000)
    rows = [tones.take_row() for _ in range(70)]
    pressed = [DIGITS[row % 16] for row in rows]
    sounds = np.stack([framed(8_000, tone(8_000, digit, 0.04)) for digit in pressed])
    assert tones.hear(sounds[:, 0], rows) == []
    assert tones.hear(sounds[::-1, 1], rows[::-1]) == list(
        zip(rows[::-1], pressed[::-1], strict=True)
    )


def test_hear_nobody() -> None:
    assert KeyTones(8_000).hear(np.empty((0, 160), np.int16), []) == []


def test_refuse_frames_of_other_shape() -> None:
    tones = KeyTones(8_000)
    with pytest.raises(ValueError, match="is not a frame of 1 rows"):
        tones.hear(np.zeros((1, 320), np.int16), [tones.take_row()])


@settings(max_examples=30, stateful_step_count=30)
class Calls(RuleBasedStateMachine):
    """Whoever takes a row hears as if nobody had had it before."""

    def __init__(self) -> None:
        super().__init__()
        self.tones = KeyTones(8_000)
        self.alone: dict[int, KeyTones] = {}

    @rule()
    def take(self) -> None:
        row = self.tones.take_row()
        assert row not in self.alone
        self.alone[row] = KeyTones(8_000)
        self.alone[row].take_row()

    @precondition(lambda self: self.alone)
    @rule(data=st.data())
    def free(self, data: st.DataObject) -> None:
        row = data.draw(st.sampled_from(sorted(self.alone)))
        self.tones.free_row(row)
        del self.alone[row]

    @precondition(lambda self: self.alone)
    @rule(data=st.data())
    def hear(self, data: st.DataObject) -> None:
        rows = sorted(self.alone)
        frames = np.zeros((len(rows), 160), np.int16)
        for place in range(len(rows)):
            digit = data.draw(st.sampled_from(["", "1", "2"]))
            if digit:
                frames[place] = framed(8_000, tone(8_000, digit, 0.02))[0]
        expected = [
            (row, digit)
            for row, frame in zip(rows, frames, strict=True)
            for _, digit in self.alone[row].hear(frame[None], [0])
        ]
        assert self.tones.hear(frames, rows) == expected


TestCalls = Calls.TestCase
