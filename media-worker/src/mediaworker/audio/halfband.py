"""Between 8 and 16 kHz, a frame at a time: as many samples as it lasts, 2 ms later.

A half-band filter: of its odd taps alone one phase is made, and the other is the input.
"""

import numpy as np
from numpy.typing import NDArray

from mediaworker.audio.arrays import Samples

TAPS = 32
HISTORY = TAPS - 1
BETA = 6.0
"""Of the Kaiser window: 60 dB from 4.6 kHz on."""


def _odd_taps() -> NDArray[np.float64]:
    places = np.arange(1 - TAPS, TAPS, 2)
    window = np.kaiser(2 * TAPS - 1, BETA)[::2]
    taps = np.sinc(places / 2) * window
    return np.asarray(taps / taps.sum())


_ODD = _odd_taps()


class Doubler:
    """From 8 to 16 kHz."""

    def __init__(self) -> None:
        self._past = np.zeros(HISTORY, np.int16)

    def feed(self, samples: Samples) -> Samples:
        """Twice as many."""
        whole = np.concatenate((self._past, samples))
        self._past = whole[-HISTORY:]
        begin = TAPS // 2 - 1
        made = np.empty(2 * len(samples), np.int16)
        made[0::2] = whole[begin : begin + len(samples)]
        made[1::2] = _clipped(np.convolve(whole, _ODD, "valid"))
        return made


class Halver:
    """From 16 to 8 kHz, without what only 16 kHz can hold."""

    def __init__(self) -> None:
        self._evens = np.zeros(TAPS // 2 - 1, np.int16)
        self._odds = np.zeros(HISTORY, np.int16)

    def feed(self, samples: Samples) -> Samples:
        """Half as many, of an even number."""
        evens = np.concatenate((self._evens, samples[0::2]))
        odds = np.concatenate((self._odds, samples[1::2]))
        self._evens, self._odds = evens[-len(self._evens) :], odds[-HISTORY:]
        filtered = np.convolve(odds, _ODD, "valid")
        return _clipped((evens[: len(filtered)] + filtered) / 2)


def _clipped(values: NDArray[np.float64]) -> Samples:
    return np.clip(np.rint(values), -32_768, 32_767).astype(np.int16)
