"""What was heard of one stream, as far back as it may be asked about."""

import numpy as np
import soxr

from mediaworker.speech.ports import HEARING_RATE, Heard

KEPT_MS = 60_000
SLACK_MS = 5_000
"""Forgotten at once, so that it is not done for every frame."""
SAMPLE_BYTES = 2


class Ear:
    """Keeps the last minute, or as much as is wanted."""

    def __init__(self, rate: int, language: str | None, kept_ms: int = KEPT_MS) -> None:
        self.rate = rate
        self.language = language
        self._utterance: int | None = None
        self._settled: dict[tuple[int, int], str] = {}
        self._per_ms = rate * SAMPLE_BYTES // 1_000
        self._kept_ms = kept_ms
        self._kept = bytearray()
        self._forgotten = 0

    def hear(self, samples: bytes | memoryview) -> None:
        kept = self._kept
        kept += samples
        excess = len(kept) - self._kept_ms * self._per_ms
        if excess > SLACK_MS * self._per_ms:
            excess -= excess % self._per_ms
            del kept[:excess]
            self._forgotten += excess

    def between(self, from_ms: int, to_ms: int) -> tuple[int, bytes]:
        """What is left of it, and from when on.

        An end that has not been heard yet is the end so far.
        """
        from_ms = max(from_ms, self._forgotten // self._per_ms)
        start = from_ms * self._per_ms - self._forgotten
        end = max(start, to_ms * self._per_ms - self._forgotten)
        return from_ms, bytes(self._kept[start:end])

    def settled(self, utterance: int) -> dict[tuple[int, int], str]:
        """What is known of its parts; of the one before nothing is kept."""
        if utterance != self._utterance:
            self._utterance, self._settled = utterance, {}
        return self._settled


def hearable(samples: bytes, rate: int) -> Heard:
    """As recognisers take it."""
    audio = np.frombuffer(samples, "<i2").astype(np.float32)
    audio /= 32_768
    if rate != HEARING_RATE:
        audio = soxr.resample(audio, rate, HEARING_RATE)
    return audio
