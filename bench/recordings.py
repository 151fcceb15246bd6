"""Recorded human speech, as ``scripts/fetch-models`` leaves it."""

import wave

import numpy as np
import soxr
from numpy.typing import NDArray

from infra import wiring

SAMPLES = wiring.ROOT / ".parley" / "models" / "speech-samples"
RECORDING = "two_cities.wav"
TELEPHONE_RATE = 8_000
WIDE_RATE = 16_000


def recording(rate: int, name: str = RECORDING) -> NDArray[np.int16]:
    """A person reading; 16-bit samples at ``rate``."""
    with wave.open(str(SAMPLES / name)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        found = soxr.resample(samples, file.getframerate(), rate)
    return np.asarray(found, np.int16)
