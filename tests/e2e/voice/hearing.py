"""What a person would make of audio: the words in it, and how loud it is."""

import functools

import numpy as np
from numpy.typing import NDArray

from mediaworker.speech.moonshine import Moonshine
from mediaworker.speech.transcriber import Transcriber, Utterance
from tests.worker.models import MODELS

FULL_SCALE = 32_768

Samples = NDArray[np.int16]


@functools.cache
def _transcriber() -> Transcriber:
    return Transcriber(Moonshine(MODELS / "moonshine-tiny-en"))


def understood(samples: Samples, rate: int) -> str:
    """Its words."""
    utterance = Utterance({}, 0, samples.tobytes(), rate)
    (text,) = _transcriber().transcribe([utterance])
    assert isinstance(text, str), text
    return text


def level_db(samples: Samples) -> float:
    """Below full scale."""
    mean = np.mean(np.square(samples.astype(np.float64)))
    return float(10 * np.log10(mean / FULL_SCALE**2))


def clipped_share(samples: Samples) -> float:
    """Of the samples that are as large as they can be."""
    return float(np.mean(np.abs(samples.astype(np.int32)) >= FULL_SCALE - 1))
