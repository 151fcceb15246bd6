"""Keys that are heard in the audio (ITU-T Q.23, Q.24), of many calls at once.

Each frame is looked at through two windows, 5 ms apart: how strong each tone is, and by
how its phase moves on between them, how far from its frequency it lies.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mediaworker.audio.arrays import Floats, Rows, Samples, grown, stepped

LOW_HZ = (697, 770, 852, 941)
HIGH_HZ = (1_209, 1_336, 1_477, 1_633)
DIGITS = "123A456B789C*0#D"
"""A row for each low tone."""
FRAMES_A_SECOND = 50
SHIFT_SECONDS = 0.005
"""From one window to the other; each is of 15 ms."""
MOST_DEVIATION = 0.025
"""Of a tone's frequency: 1.5 % are to be taken, 3.5 % are not."""
LOW_OVER_HIGH = 10**0.9
"""Normal twist: 8 dB, and 1 dB that a tone off its frequency seems weaker."""
HIGH_OVER_LOW = 10**0.4
"""Reverse twist, 4 dB."""
LEAST_SHARE = 0.6
"""The two tones', of the energy of all that is heard."""
MOST_HARMONIC = 0.1
"""A voice has power at twice the high tone too."""
LEAST_POWER = 100.0**2 / 2
"""Of a tone, in samples of 16 bits: 50 dB below the loudest."""
CLEAR_FRAMES = 2
"""Between two keys; a single one is a flaw of the first."""
NONE = -1


class KeyTones:
    """Rows, one for each call that it listens to."""

    def __init__(self, rate: int) -> None:
        """Of the samples: 8,000 or 16,000."""
        self._frame = rate // FRAMES_A_SECOND
        self._projection, self._weight = _projection(rate)
        self._free: list[int] = []
        self._taken = 0
        self._last = np.full(stepped(1), NONE, np.int8)
        """What the frame before sounded like."""
        self._is_held = np.zeros(stepped(1), np.bool_)
        """The key was told, and is still pressed."""
        self._clear = np.zeros(stepped(1), np.int8)
        """Frames since a key was heard."""

    def take_row(self) -> int:
        """In which nothing of any other call is left."""
        if self._free:
            return self._free.pop()
        row = self._taken
        self._taken += 1
        self._last = grown(self._last, self._taken)
        self._is_held = grown(self._is_held, self._taken)
        self._clear = grown(self._clear, self._taken)
        self._forget(row)
        return row

    def free_row(self, row: int) -> None:
        self._forget(row)
        self._free.append(row)

    def hear(self, frames: Samples, rows: Sequence[int]) -> list[tuple[int, str]]:
        """Feed 20 ms to each of the rows; each key is told once, by its second frame.

        Raises `ValueError` unless there is one frame for each row.
        """
        if frames.shape != (len(rows), self._frame):
            raise ValueError(f"{frames.shape} is not a frame of {len(rows)} rows")
        heard = self._sounds(frames)
        places = np.asarray(rows, np.intp)
        is_told = self._follow(heard, places)
        return [
            (int(places[place]), DIGITS[heard[place]])
            for place in np.flatnonzero(is_told)
        ]

    def _forget(self, row: int) -> None:
        self._last[row] = NONE
        self._is_held[row] = False
        self._clear[row] = 0

    def _follow(self, heard: NDArray[np.int8], rows: Rows) -> NDArray[np.bool_]:
        """Which keys are pressed now and were not."""
        is_key = heard != NONE
        clear = np.where(is_key, 0, np.minimum(self._clear[rows] + 1, CLEAR_FRAMES))
        is_held = self._is_held[rows] & (clear < CLEAR_FRAMES)
        is_told: NDArray[np.bool_] = is_key & (heard == self._last[rows]) & ~is_held
        self._clear[rows] = clear
        self._is_held[rows] = is_held | is_told
        self._last[rows] = heard
        return is_told

    def _sounds(self, frames: Samples) -> NDArray[np.int8]:
        """The key that each frame sounds like, by its place in `DIGITS`, or `NONE`."""
        sound = frames.astype(np.float32)
        energy = np.einsum("ij,ij->i", sound, sound) / self._frame
        parts = (sound @ self._projection).reshape(len(frames), 3, 8, 2)
        first, second, double = (
            parts[:, k, :, 0] + 1j * parts[:, k, :, 1] for k in range(3)
        )
        power = (np.abs(first) ** 2 + np.abs(second) ** 2) * self._weight
        harmonic = np.abs(double) ** 2 * (2 * self._weight)
        turned = np.angle(second * np.conj(first))
        deviation = np.abs(turned) / (2 * np.pi * SHIFT_SECONDS) / _TONES
        every = np.arange(len(frames))
        low = np.argmax(power[:, :4], axis=1)
        high = np.argmax(power[:, 4:], axis=1) + 4
        strong, weak = power[every, low], power[every, high]
        is_key = (
            (np.minimum(strong, weak) >= LEAST_POWER)
            & (strong <= weak * LOW_OVER_HIGH)
            & (weak <= strong * HIGH_OVER_LOW)
            & (strong + weak >= LEAST_SHARE * energy)
            & (harmonic[every, high] <= MOST_HARMONIC * weak)
            & (deviation[every, low] <= MOST_DEVIATION)
            & (deviation[every, high] <= MOST_DEVIATION)
        )
        return np.where(is_key, low * 4 + high - 4, NONE).astype(np.int8)


_TONES = np.array(LOW_HZ + HIGH_HZ, np.float32)


def _projection(rate: int) -> tuple[Floats, float]:
    """Columns onto each tone in both windows, and onto its double in the first; and
    what makes the power of a tone of the sum of the squares of the former."""
    count = rate // FRAMES_A_SECOND
    shift = round(rate * SHIFT_SECONDS)
    window = np.hanning(count - shift + 2)[1:-1]
    both = np.zeros((2, count))
    both[0, : count - shift] = window
    both[1, shift:] = window
    turns = np.outer(np.arange(count) / rate, _TONES)
    columns = [
        part * both[which][:, None]
        for which, times in ((0, 1), (1, 1), (0, 2))
        for part in (
            np.cos(2 * np.pi * times * turns),
            -np.sin(2 * np.pi * times * turns),
        )
    ]
    stacked = np.stack(columns, axis=1).reshape(count, 3, 2, 8)
    matrix = stacked.transpose(0, 1, 3, 2).reshape(count, 48)
    return np.ascontiguousarray(matrix, np.float32), float(1 / window.sum() ** 2)
