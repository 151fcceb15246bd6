"""What ``scripts/fetch-models`` has fetched: weights, and recorded human speech."""

import functools
import wave
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from mediaworker.audio.silero import Weights

MODELS = Path(__file__).parent.parent.parent / ".parley" / "models"


@functools.cache
def weights(rate: int) -> Weights:
    """Silero's, for samples of this rate."""
    with np.load(MODELS / "silero.npz") as arrays:
        return Weights.of(dict(arrays), rate)


@functools.cache
def speech(rate: int, name: str = "two_cities.wav") -> NDArray[np.int16]:
    """A person reading."""
    with wave.open(str(MODELS / "speech-samples" / name)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        found = soxr.resample(samples, file.getframerate(), rate)
    return np.asarray(found, np.int16)
