"""What ``scripts/fetch-models`` has fetched: weights, and recorded human speech."""

import functools

import numpy as np

from bench.recordings import SAMPLES, recording
from mediaworker.audio.silero import Weights

MODELS = SAMPLES.parent

speech = functools.cache(recording)
"""A person reading, at a rate."""


@functools.cache
def weights(rate: int) -> Weights:
    """Silero's, for samples of this rate."""
    with np.load(MODELS / "silero.npz") as arrays:
        return Weights.of(dict(arrays), rate)
