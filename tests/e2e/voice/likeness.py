"""How much of a sound is in another one, and where."""

import numpy as np
from numpy.typing import NDArray

from tests.e2e.voice.hearing import Samples

WINDOW_SECONDS = 0.5


def likeness(sent: Samples, heard: Samples) -> tuple[float, int]:
    """The correlation at the delay where it is greatest, and this delay in samples."""
    one, other = (x.astype(np.float64) for x in (sent, heard))
    one = one - one.mean()
    size = 1 << (len(one) + len(other)).bit_length()
    spectrum = np.fft.rfft(other, size) * np.conj(np.fft.rfft(one, size))
    products = np.fft.irfft(spectrum, size)[: len(other) - len(one) + 1]
    energies = _energies(other, len(one))
    found = products / np.sqrt(np.sum(one**2) * energies)
    delay = int(np.argmax(found))
    return float(found[delay]), delay


def likenesses(
    sent: Samples, heard: Samples, rate: int
) -> tuple[list[float], list[int]]:
    """Those of each half a second, each at its own delay from its place."""
    count = int(WINDOW_SECONDS * rate)
    starts = range(0, len(sent) - count + 1, count)
    found = [likeness(sent[at : at + count], heard) for at in starts]
    delays = [delay - at for at, (_, delay) in zip(starts, found, strict=True)]
    return [value for value, _ in found], delays


def sweep(seconds: float, rate: int) -> Samples:
    """A tone that rises through a telephone's band, so that no two parts of it are
    alike."""
    time = np.arange(int(seconds * rate)) / rate
    low, high = 400.0, 3_000.0
    phase = 2 * np.pi * (low * time + (high - low) / (2 * seconds) * time**2)
    return (8_000 * np.sin(phase)).astype(np.int16)


def _energies(samples: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Of each part of that length; at least a whisper's."""
    sums = np.concatenate([[0.0], np.cumsum(samples**2)])
    energies: NDArray[np.float64] = sums[count:] - sums[:-count]
    return energies.clip(min=float(count))
