"""What is heard in place of lost audio: the last period of the voice, which fades.

In the spirit of ITU-T G.711 Appendix I, without its delay: the repetition begins at
once, and the audio that comes back is faded in over it.
"""

from collections import deque
from typing import Protocol

import numpy as np

from mediaworker.audio.arrays import Floats, Samples

FRAME_MS = 20
FULL_MS = 10
"""So much is as loud as what was before."""
SILENT_MS = 60
"""After so much nothing is left."""
LOWEST_PITCH_HZ = 66
HIGHEST_PITCH_HZ = 200
"""A higher voice is found by several of its periods."""
COMPARED_MS = 20
JOIN_MS = 4
"""Of audio that comes back after one lost frame; more after several."""
MOST_JOIN_MS = 10
KEPT_FRAMES = 4


class Law(Protocol):
    """How samples stand on the wire."""

    def decode(self, octets: bytes) -> Samples: ...

    def encode(self, samples: Samples) -> bytes: ...


class Concealer:
    """One call's. It costs next to nothing while nothing is lost."""

    def __init__(self, rate: int, law: Law) -> None:
        self._per_ms = rate // 1_000
        self._law = law
        self._shortest = rate // HIGHEST_PITCH_HZ
        self._longest = rate // LOWEST_PITCH_HZ
        self._kept: deque[bytes] = deque(maxlen=KEPT_FRAMES)
        self._period: Floats | None = None
        """What is repeated, while anything is."""
        self._step = np.float32(0)
        """From the last sample that was heard to where the repetition begins."""
        self._made = 0
        """Samples in place of lost ones so far."""

    def hear(self, audio: bytes) -> bytes:
        """Audio that came, on the wire; joined with what was made up before it."""
        if self._period is not None:
            audio = self._joined(audio, self._period)
            self._period = None
        self._kept.append(audio)
        return audio

    def conceal(self) -> bytes:
        """20 ms in place of what is lost."""
        if self._period is None:
            self._period = self._found()
            self._made = 0
        count = FRAME_MS * self._per_ms
        audio = self._law.encode(_rounded(self._repeated(self._period, count)))
        self._made += count
        self._kept.append(audio)
        return audio

    def _joined(self, audio: bytes, period: Floats) -> bytes:
        samples = self._law.decode(audio).astype(np.float32)
        lost_frames = self._made // (FRAME_MS * self._per_ms)
        join_ms = min(JOIN_MS * lost_frames, MOST_JOIN_MS)
        count = min(join_ms * self._per_ms, len(samples))
        rise = _ramp(count)
        samples[:count] *= rise
        samples[:count] += self._repeated(period, count) * (1 - rise)
        return self._law.encode(_rounded(samples))

    def _repeated(self, period: Floats, count: int) -> Floats:
        place = self._made + np.arange(count)
        samples = period[place % len(period)]
        if not self._made:
            # The first period begins where the last sample was, and gets to its own.
            fade = 1 - _ramp(min(len(period) // 4, count))
            samples[: len(fade)] += self._step * fade
        fading = (SILENT_MS * self._per_ms - place) / (
            (SILENT_MS - FULL_MS) * self._per_ms
        )
        faded: Floats = samples * np.clip(fading, 0, 1).astype(np.float32)
        return faded

    def _found(self) -> Floats:
        """The last period, its end faded into what was before its beginning."""
        compared = COMPARED_MS * self._per_ms
        past = self._past(compared + self._longest + self._longest // 4 + 1)
        length = self._pitch(past[-compared - self._longest :], compared)
        overlap = length // 4
        period = past[-length:].copy()
        rise = _ramp(overlap)
        period[-overlap:] *= 1 - rise
        period[-overlap:] += past[-length - overlap : -length] * rise
        self._step = past[-1] - past[-length - 1]
        return period

    def _past(self, count: int) -> Floats:
        samples = self._law.decode(b"".join(self._kept))[-count:].astype(np.float32)
        return np.concatenate((np.zeros(count - len(samples), np.float32), samples))

    def _pitch(self, past: Floats, compared: int) -> int:
        """The number of samples after which the latest audio resembles itself most."""
        windows = np.lib.stride_tricks.sliding_window_view(past, compared)
        candidates = windows[: self._longest - self._shortest + 1]
        likeness = candidates @ past[-compared:]
        energy = np.einsum("ij,ij->i", candidates, candidates)
        likeness /= np.sqrt(np.maximum(energy, 1))
        return self._longest - int(np.argmax(likeness))


def _ramp(count: int) -> Floats:
    """From just above nothing to just below one."""
    return np.arange(1, count + 1, dtype=np.float32) / np.float32(count + 1)


def _rounded(samples: Floats) -> Samples:
    whole: Samples = np.rint(np.clip(samples, -32_768, 32_767)).astype(np.int16)
    return whole
