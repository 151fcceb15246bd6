"""How fast and how loud a voice is to be."""

from dataclasses import dataclass

import numpy as np
import soxr

from chalicelib.protocol.session.speech import SynthesisOption
from mediaworker.speech.ports import Samples

NEUTRAL_VOLUME = 5
SLOWEST, FASTEST = 0.4, 3.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an option says of speaking, in numbers that an engine takes."""

    speed: float
    gain: float

    @classmethod
    def of(cls, option: SynthesisOption) -> "Delivery":
        return cls(_speed(option.speed), _gain(option.volume))


def _speed(asked: float | None) -> float:
    """1 is normal. From 0 down it is of those who count around 0."""
    if asked is None:
        return 1.0
    factor = asked if asked > 0 else 1 + 0.2 * asked
    return min(FASTEST, max(SLOWEST, factor))


def _gain(asked: int | None) -> float:
    """1 to 10, 5 neutral; above it somebody counts to 100."""
    if asked is None:
        return 1.0
    neutral = NEUTRAL_VOLUME if asked <= 10 else 10 * NEUTRAL_VOLUME
    return asked / neutral


class Shaper:
    """From an engine's samples to a job's: its rate, its volume."""

    def __init__(self, from_rate: int, to_rate: int, gain: float = 1.0) -> None:
        self._gain = gain
        self._stream = (
            soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
            if from_rate != to_rate
            else None
        )

    def feed(self, samples: Samples) -> bytes:
        """What is ready."""
        return self._shaped(samples, is_last=False)

    def end(self) -> bytes:
        """What was held back; nothing may be fed after it."""
        return self._shaped(np.zeros(0, np.int16), is_last=True)

    def _shaped(self, samples: Samples, *, is_last: bool) -> bytes:
        if self._stream is None and self._gain == 1.0:
            return samples.astype("<i2", copy=False).tobytes()
        loud = samples.astype(np.float32)
        if self._stream is not None:
            # Of whole numbers it would add a noise, which is never twice the same.
            loud = self._stream.resample_chunk(loud, last=is_last)
        whole = np.clip(np.rint(loud * self._gain), -32_768, 32_767).astype("<i2")
        return bytes(whole.data)
