"""How loud many callers are, evened out for whoever listens.

Loudness is the mean power of what stands out of the noise, and the noise is the softest
frame of the last two seconds. The gain moves slowly, and upwards only while there is
speech, so that pauses are not blown up; a limiter sees to what comes too loud at once.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaworker.audio.arrays import Floats, Rows, Samples, grown, stepped

FRAMES_A_SECOND = 50
BLOCK = 64
FULL_SCALE = 32_768
CREST_DB = 13.0
"""By which the peaks of speech stand above its mean: what the headroom is left of."""
MOST_CUT_DB = 30.0
CEILING_DB = -1.0
CEILING = 10 ** (CEILING_DB / 20)
"""The loudest sample that the limiter lets through."""
RELEASE_DB = 0.5
"""A frame, by which the limiter lets go."""
SILENCE_DB = -100.0
"""Below, it is digital silence, which says little of the noise."""
BEHIND_SILENCE_DB = -66.0
"""The noise that is assumed then, as it may come back at any time."""
SOFTEST_DB = -76.0
"""What is softer is no speech."""
STANDS_OUT_DB = 10.0
"""Speech, above the noise."""
WINDOW_FRAMES = 12
WINDOWS = 8
"""Of so many frames, over which the noise is the softest."""
LEAST_POWER = 1e-12
SHORTEST_MEMORY, LONGEST_MEMORY = 1, 50
"""Frames of speech over which its loudness is a mean."""

GAIN, LIMIT, LEVEL, SEEN, RUN, AGE = range(6)
"""Columns of what is known of a row: the gain and the limiter's part of it in dB, the
power of speech, how many frames of it were seen and how many in a row, and the
frame's place in the windows."""
MINIMA = slice(6, 6 + WINDOWS)
COLUMNS = 6 + WINDOWS


@dataclass(frozen=True, slots=True)
class GainRule:
    """How the loudness of one caller is evened out."""

    headroom_db: float = 5.0
    """From the peaks of speech to the loudest that there is."""
    most_gain_db: float = 50.0
    initial_gain_db: float = 15.0
    """Before anything was said."""
    most_change_db: float = 6.0
    """A second."""
    most_noise_dbfs: float = -50.0
    """Noise is not made louder than this; what is louder is left as it is."""
    speech_frames: int = 6
    """So many in a row before they count; of 20 ms."""
    has_limiter: bool = True

    @property
    def numbers(self) -> tuple[float, ...]:
        return (
            -self.headroom_db - CREST_DB,
            self.most_gain_db,
            self.most_change_db / FRAMES_A_SECOND,
            self.most_noise_dbfs,
            self.speech_frames,
            self.has_limiter,
        )


TARGET, MOST_GAIN, CHANGE, MOST_NOISE, SPEECH_FRAMES, HAS_LIMITER = range(6)


class GainControl:
    """Rows, one for each call whose caller's loudness is evened out."""

    def __init__(self, rate: int) -> None:
        """Of the samples: 8,000 or 16,000."""
        self._frame = rate // FRAMES_A_SECOND
        self._state = np.zeros((stepped(1), COLUMNS), np.float32)
        self._rules = np.zeros((stepped(1), 6), np.float32)
        self._rise = np.arange(1, self._frame + 1, dtype=np.float32) / self._frame
        self._sound = np.zeros((BLOCK, self._frame), np.float32)
        self._other = np.zeros((BLOCK, self._frame), np.float32)

    def reserve(self, capacity: int) -> None:
        """Have room for so many rows; those that are there stay as they are."""
        self._state = grown(self._state, capacity)
        self._rules = grown(self._rules, capacity)

    def begin(self, row: int, rule: GainRule) -> None:
        """Nothing was ever heard on it."""
        self.clear(row)
        self._rules[row] = rule.numbers
        self._state[row, GAIN] = min(rule.initial_gain_db, rule.most_gain_db)

    def clear(self, row: int) -> None:
        self._state[row] = 0
        self._rules[row] = 0

    def process(self, frames: Samples, rows: Rows) -> Samples:
        """20 ms of each of the rows, which all are different.

        Raises `ValueError` unless there is one frame for each row; what raises has
        changed nothing.
        """
        count = len(rows)
        if frames.shape != (count, self._frame):
            raise ValueError(f"{frames.shape} is not a frame of {count} rows")
        levelled = np.empty(frames.shape, np.int16)
        states = self._state[rows]
        rules = self._rules[rows]
        for start in range(0, count, BLOCK):
            block = slice(start, start + BLOCK)
            levelled[block] = self._level(frames[block], states[block], rules[block])
        self._state[rows] = states
        return levelled

    def _level(self, frames: Samples, state: Floats, rule: Floats) -> Floats:
        """Changes the state that it is given."""
        count = len(frames)
        sound, other = self._sound[:count], self._other[:count]
        np.multiply(frames, np.float32(1 / FULL_SCALE), out=sound)
        power = np.einsum("ij,ij->i", sound, sound) / self._frame
        np.abs(sound, out=other)
        peak = other.max(axis=1)
        before = _factor(state[:, GAIN] + state[:, LIMIT])
        _follow(power, state, rule)
        _limit(peak, state, rule)
        after = _factor(state[:, GAIN] + state[:, LIMIT])
        # Falling at once is hidden by what is so loud.
        is_sudden = (before * peak > CEILING) & (rule[:, HAS_LIMITER] > 0)
        np.copyto(before, after, where=is_sudden)
        np.multiply(self._rise, (after - before)[:, None], out=other)
        other += before[:, None]
        sound *= other
        sound *= FULL_SCALE
        np.rint(sound, out=sound)
        return np.clip(sound, -FULL_SCALE, FULL_SCALE - 1, out=sound)


def _follow(power: Floats, state: Floats, rule: Floats) -> None:
    """Move the gain towards what makes the speech as loud as is wanted."""
    level = 10 * np.log10(power + LEAST_POWER)
    noise = _noise(level, state)
    stands_out = (level > noise + STANDS_OUT_DB) & (level > SOFTEST_DB)
    state[:, RUN] = np.where(stands_out, state[:, RUN] + 1, 0)
    is_speech = state[:, RUN] >= np.maximum(rule[:, SPEECH_FRAMES], 1)
    seen = state[:, SEEN]
    seen += is_speech
    memory = np.clip(seen, SHORTEST_MEMORY, LONGEST_MEMORY)
    state[:, LEVEL] += np.where(is_speech, (power - state[:, LEVEL]) / memory, 0)
    loudness = 10 * np.log10(state[:, LEVEL] + LEAST_POWER)
    gain = state[:, GAIN]
    wanted = np.where(seen > 0, rule[:, TARGET] - loudness, gain)
    wanted = np.clip(wanted, -MOST_CUT_DB, rule[:, MOST_GAIN])
    quiet = np.maximum(rule[:, MOST_NOISE] - noise, 0)
    wanted = np.minimum(wanted, quiet)
    change = rule[:, CHANGE]
    rise = np.where(stands_out, change, 0)
    gain += np.clip(wanted - gain, -change, rise)


def _noise(level: Floats, state: Floats) -> Floats:
    """How loud it is, in dB; learns of this frame."""
    heard = np.where(level > SILENCE_DB, level, BEHIND_SILENCE_DB)
    every, age = np.arange(len(state)), state[:, AGE].astype(np.intp)
    window = age // WINDOW_FRAMES + MINIMA.start
    softest = np.minimum(state[every, window], heard)
    state[every, window] = np.where(age % WINDOW_FRAMES == 0, heard, softest)
    state[:, AGE] = (age + 1) % (WINDOW_FRAMES * WINDOWS)
    return np.asarray(state[:, MINIMA].min(axis=1))


def _limit(peak: Floats, state: Floats, rule: Floats) -> None:
    loudest = 20 * np.log10(peak + LEAST_POWER) + state[:, GAIN]
    needed = np.minimum(CEILING_DB - loudest, 0)
    released = np.minimum(state[:, LIMIT] + RELEASE_DB, 0)
    limit = np.minimum(needed, released)
    state[:, LIMIT] = np.where(rule[:, HAS_LIMITER] > 0, limit, 0)


def _factor(decibels: NDArray[np.float32]) -> Floats:
    return np.asarray(10 ** (decibels / 20), np.float32)
