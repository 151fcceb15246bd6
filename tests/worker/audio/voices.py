"""How well a voice is heard, by what is known of it without its noise."""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.recordings import recording

Sound = NDArray[np.float64]

STOI_RATE = 10_000
STOI_WINDOW, STOI_HOP, STOI_LINES = 256, 128, 512
STOI_FRAMES = 30
STOI_CLIP = 1 + 10 ** (15 / 20)
BANDS = 15
"""Of a third of an octave, from 150 Hz."""


def voice(rate: int, name: str, seconds: int = 8) -> Sound:
    """A person reading; the loudest sample is 1 at most."""
    sound = recording(rate, name).astype(np.float64) / 32_768
    return np.asarray(sound[rate : rate * (1 + seconds)])


def noise(kind: str, count: int) -> Sound:
    """White or pink, of power 1."""
    sound = np.random.default_rng(5).standard_normal(count)
    if kind == "pink":
        lines = np.fft.rfft(sound)
        lines[1:] /= np.sqrt(np.arange(1, len(lines)))
        sound = np.fft.irfft(lines, count)
    return np.asarray(sound / sound.std())


def speech_power(sound: Sound, rate: int) -> float:
    """Of its louder half."""
    powers = (frames(sound, rate) ** 2).mean(1)
    return float(powers[powers > np.median(powers)].mean())


def frames(sound: NDArray[Any], rate: int) -> NDArray[Any]:
    """Of 20 ms."""
    size = rate // 50
    return sound[: len(sound) // size * size].reshape(-1, size)


def segmental_snr(clean: Sound, heard: Sound, rate: int) -> float:
    """In dB, over frames within 35 dB of the loudest; each from -10 to 35."""
    wanted, error = frames(clean, rate), frames(clean - heard, rate)
    power = (wanted**2).mean(1)
    ratio = 10 * np.log10(power / ((error**2).mean(1) + 1e-12) + 1e-12)
    return float(np.clip(ratio, -10, 35)[power > power.max() * 10**-3.5].mean())


def intelligibility(clean: Sound, heard: Sound, rate: int) -> float:
    """STOI, from 0 to 1 (Taal, Hendriks, Heusdens and Jensen, 2011)."""
    wanted, got = (_spans(sound, rate) for sound in (clean, heard))
    energy = (wanted**2).sum(1)
    is_voice = energy > energy.max() * 1e-4
    one, other = (_bands(sound[is_voice]) for sound in (wanted, got))
    found = []
    for end in range(STOI_FRAMES, len(one) + 1):
        x, y = one[end - STOI_FRAMES : end], other[end - STOI_FRAMES : end]
        y = y * np.linalg.norm(x, axis=0) / (np.linalg.norm(y, axis=0) + 1e-12)
        y = np.minimum(y, x * STOI_CLIP)
        x, y = x - x.mean(0), y - y.mean(0)
        norms = np.linalg.norm(x, axis=0) * np.linalg.norm(y, axis=0)
        found.append(((x * y).sum(0) / (norms + 1e-12)).mean())
    return float(np.mean(found))


def _spans(sound: Sound, rate: int) -> Sound:
    at_ten = soxr.resample(sound, rate, STOI_RATE)
    windows = np.lib.stride_tricks.sliding_window_view(at_ten, STOI_WINDOW)
    return np.asarray(windows[::STOI_HOP] * np.hanning(STOI_WINDOW + 2)[1:-1])


def _bands(spans: Sound) -> Sound:
    power = np.abs(np.fft.rfft(spans, STOI_LINES)) ** 2
    hertz = np.arange(power.shape[1]) * STOI_RATE / STOI_LINES
    centres = 150 * 2 ** (np.arange(BANDS) / 3)
    edges = [(c * 2 ** (-1 / 6), c * 2 ** (1 / 6)) for c in centres]
    found = [power[:, (hertz >= low) & (hertz < high)].sum(1) for low, high in edges]
    return np.asarray(np.sqrt(np.stack(found, 1)))
