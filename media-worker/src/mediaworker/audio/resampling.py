"""From one rate to another, piece by piece, 2 ms later.

So many samples, a period, become so many others: what one period becomes is a product
with one matrix, whatever the two rates are, as long as their period is short.
"""

from functools import lru_cache
from math import gcd

import numpy as np

from mediaworker.audio.arrays import Floats, Samples

CROSSINGS = 16
"""Of the filter, on either side, at the lower rate: 2 ms at 8 kHz."""
BETA = 6.0
"""Of the Kaiser window."""
PASSED = 0.92
"""Of the band that both rates hold."""
LEAST_DIVISOR = 50
"""Of two rates: their period lasts 20 ms at most."""
MATRICES_KEPT = 16


def can_resample(from_rate: int, to_rate: int) -> bool:
    """Rates that hardly have a divisor would need a matrix of megabytes."""
    return gcd(from_rate, to_rate) >= LEAST_DIVISOR


class Resampler:
    """One stream of 16-bit samples; its rates must be such as `can_resample`."""

    def __init__(self, from_rate: int, to_rate: int) -> None:
        divisor = gcd(from_rate, to_rate)
        self._period = from_rate // divisor
        self._matrix = _matrix(from_rate // divisor, to_rate // divisor)
        self._kept = np.zeros(len(self._matrix) - self._period, np.int16)

    def feed(self, samples: Samples) -> Samples:
        """What these, and those that were left of a period, become."""
        whole = np.concatenate((self._kept, samples))
        length, period = len(self._matrix), self._period
        periods = (len(whole) - length) // period + 1
        if periods <= 0:
            self._kept = whole
            return np.zeros(0, np.int16)
        # One window after the other, as `sliding_window_view` would show them.
        step = whole.itemsize
        windows: Samples = np.ndarray(
            (periods, length), np.int16, whole, strides=(period * step, step)
        )
        made = windows.astype(np.float32) @ self._matrix
        self._kept = whole[periods * period :].copy()
        np.rint(made, out=made)
        np.clip(made, -32_768, 32_767, out=made)
        return made.astype(np.int16).reshape(-1)


@lru_cache(MATRICES_KEPT)
def _matrix(down: int, up: int) -> Floats:
    """A column for each of ``up`` samples that ``down`` ones, and their past, make."""
    band = min(1.0, up / down)
    half = int(np.ceil(CROSSINGS / band))
    columns = np.arange(up)
    centres = half + columns * down / up
    places = np.arange(-half, half + 1)[:, None] + np.floor(centres).astype(int)
    distances = places - centres
    inside = np.clip(1 - (distances / half) ** 2, 0, 1)
    window = np.where(inside > 0, np.i0(BETA * np.sqrt(inside)), 0)
    taps = np.sinc(distances * band * PASSED) * window
    matrix = np.zeros((2 * half + down, up), np.float32)
    matrix[places, columns] = taps / taps.sum(axis=0)
    return matrix
