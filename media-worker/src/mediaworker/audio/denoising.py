"""Noise taken out of the voices of many calls at once: a Wiener filter over spectra.

Spectra of 40 ms are taken every 20 ms. How much of each is noise is tracked by how
probable it is that there is speech in it (Gerkmann and Hendriks, 2012), how much of the
rest is let through by what was let through before ("decision-directed", Ephraim and
Malah, 1984). What comes out is 20 ms older than what went in.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediaworker.audio.arrays import Floats, Rows, Samples, grown, stepped

Flags = NDArray[np.bool_]

FRAMES_A_SECOND = 50
DELAY_MS = 20
BLOCK = 64
"""Rows at a time, so that what is computed on the way stays in the cache."""
FULL_SCALE = 32_768
LEAST_POWER = 1e-9
"""Of a spectral line: far below a sample's last bit, so that nothing is ever zero."""
SOFTEST = 8
"""Of samples that are any sound: A-law's silence is not 0. In silence, be it of a line
or of a muted caller, nothing is learnt: the noise comes back as it was."""
SETTLING_FRAMES = 5
"""With any sound in them: until then all that is heard is taken for noise."""
SPEECH_TO_NOISE = 10**1.5
"""Of a line that has speech in it: 15 dB."""
MOST_RATIO = 50.0
"""Above, speech is certain."""
PRESENCE_KEPT = 0.9
"""Of how probable speech was, from one frame to the next."""
MOST_PRESENCE = 0.99
"""What seems to be speech for long is looked at again: noise may have grown louder."""
NOISE_TAKEN = 0.15
"""Of a frame without speech, into what is known of the noise."""
DECISION_KEPT = 0.92
LEAST_GAIN = 0.15
"""16 dB: what is left of the noise hides how it was taken out."""


class _Memory:
    """What is known of each row."""

    def __init__(self, capacity: int, frame: int) -> None:
        lines = frame + 1
        self.past = np.zeros((capacity, frame), np.float32)
        """The last frame that came."""
        self.tail = np.zeros((capacity, frame), np.float32)
        """What of it is heard together with the next."""
        self.noise = np.zeros((capacity, lines), np.float32)
        self.presence = np.zeros((capacity, lines), np.float32)
        self.voice = np.zeros((capacity, lines), np.float32)
        """The power that was let through."""
        self.heard = np.zeros(capacity, np.int8)
        """Frames with sound, up to `SETTLING_FRAMES`."""

    def reserve(self, capacity: int) -> None:
        self.past = grown(self.past, capacity)
        self.tail = grown(self.tail, capacity)
        self.noise = grown(self.noise, capacity)
        self.presence = grown(self.presence, capacity)
        self.voice = grown(self.voice, capacity)
        self.heard = grown(self.heard, capacity)

    @property
    def parts(self) -> tuple[NDArray[np.float32] | NDArray[np.int8], ...]:
        return (
            self.past,
            self.tail,
            self.noise,
            self.presence,
            self.voice,
            self.heard,
        )


class Denoiser:
    """Rows, one for each call whose caller's noise is taken out."""

    def __init__(self, rate: int) -> None:
        """Of the samples: 8,000 or 16,000."""
        frame = self._frame = rate // FRAMES_A_SECOND
        places = np.arange(2 * frame) + 0.5
        self._taper = np.sin(np.pi * places / (2 * frame)).astype(np.float32)
        self._memory = _Memory(stepped(1), frame)
        self._next = _Memory(BLOCK, frame)
        """Of the rows of a step, in its order, until it has succeeded."""
        self._span = np.zeros((BLOCK, 2 * frame), np.float32)
        self._spectra = np.zeros((BLOCK, frame + 1), np.complex64)
        self._power = np.zeros((BLOCK, frame + 1), np.float32)
        self._ratio = np.zeros((BLOCK, frame + 1), np.float32)
        self._other = np.zeros((BLOCK, frame + 1), np.float32)

    def reserve(self, capacity: int) -> None:
        """Have room for so many rows; those that are there stay as they are."""
        self._memory.reserve(capacity)

    def clear(self, row: int) -> None:
        """As if nothing had ever been heard on it."""
        for part in self._memory.parts:
            part[row] = 0

    def process(self, frames: Samples, rows: Rows) -> Samples:
        """20 ms of each of the rows, which all are different.

        Raises `ValueError` unless there is one frame for each row; what raises has
        changed nothing.
        """
        count = len(rows)
        if frames.shape != (count, self._frame):
            raise ValueError(f"{frames.shape} is not a frame of {count} rows")
        self._next.reserve(count)
        cleaned = np.empty(frames.shape, np.int16)
        for start in range(0, count, BLOCK):
            block = slice(start, min(start + BLOCK, count))
            cleaned[block] = self._clean(frames[block], rows[block], block)
        for part, new in zip(self._memory.parts, self._next.parts, strict=True):
            part[rows] = new[:count]
        return cleaned

    def _clean(self, frames: Samples, rows: Rows, block: slice) -> Floats:
        count, frame = len(rows), self._frame
        span, spectra = self._span[:count], self._spectra[:count]
        self._transform(frames, rows, block)
        has_sound = (frames.max(axis=1) > SOFTEST) | (frames.min(axis=1) < -SOFTEST)
        self._learn_noise(has_sound, rows, block)
        spectra *= self._gains(rows, block)
        out: Any = span
        np.fft.irfft(spectra, 2 * frame, out=out)
        span *= self._taper
        made = span[:, :frame]
        made += self._memory.tail[rows]
        self._next.tail[block] = span[:, frame:]
        made *= FULL_SCALE
        np.rint(made, out=made)
        return np.clip(made, -FULL_SCALE, FULL_SCALE - 1, out=made)

    def _transform(self, frames: Samples, rows: Rows, block: slice) -> None:
        """Samples to a spectrum, and its power."""
        count, frame = len(rows), self._frame
        span, spectra = self._span[:count], self._spectra[:count]
        power, squares = self._power[:count], self._other[:count]
        span[:, :frame] = self._memory.past[rows]
        np.multiply(frames, np.float32(1 / FULL_SCALE), out=span[:, frame:])
        self._next.past[block] = span[:, frame:]
        span *= self._taper
        out: Any = spectra
        np.fft.rfft(span, out=out)
        np.square(spectra.real, out=power)
        np.square(spectra.imag, out=squares)
        power += squares
        power += LEAST_POWER

    def _learn_noise(self, has_sound: Flags, rows: Rows, block: slice) -> None:
        """Of what there is in this spectrum, the more the less speech is in it."""
        memory, new = self._memory, self._next
        count = len(rows)
        power, absence, step = (
            self._power[:count],
            self._ratio[:count],
            self._other[:count],
        )
        noise, presence = new.noise[block], new.presence[block]
        noise[:] = memory.noise[rows]
        self._settle(has_sound, rows, block)
        np.divide(power, noise, out=absence)
        np.minimum(absence, MOST_RATIO, out=absence)
        absence *= -SPEECH_TO_NOISE / (1 + SPEECH_TO_NOISE)
        np.exp(absence, out=absence)
        absence *= 1 + SPEECH_TO_NOISE
        np.add(absence, 1, out=step)
        absence /= step
        np.multiply(memory.presence[rows], PRESENCE_KEPT, out=presence)
        np.subtract(1, absence, out=step)
        step *= 1 - PRESENCE_KEPT
        presence += step
        is_stuck = presence > MOST_PRESENCE
        np.maximum(absence, 1 - MOST_PRESENCE, out=absence, where=is_stuck)
        np.subtract(power, noise, out=step)
        step *= absence
        step *= (NOISE_TAKEN * has_sound).astype(np.float32)[:, None]
        noise += step

    def _settle(self, has_sound: Flags, rows: Rows, block: slice) -> None:
        """What is heard first is noise."""
        new, power = self._next, self._power[: len(rows)]
        heard = self._memory.heard[rows]
        is_young = (heard < SETTLING_FRAMES) & (has_sound | (heard == 0))
        new.heard[block] = heard
        if not is_young.any():
            return
        places = np.flatnonzero(is_young)
        ages = heard[places, None].astype(np.float32)
        noise = new.noise[block]
        noise[places] = (noise[places] * ages + power[places]) / (ages + 1)
        new.heard[block][places] = heard[places] + has_sound[places]

    def _gains(self, rows: Rows, block: slice) -> Floats:
        """How much of each line is let through."""
        count = len(rows)
        power, gain, excess = (
            self._power[:count],
            self._ratio[:count],
            self._other[:count],
        )
        noise, voice = self._next.noise[block], self._next.voice[block]
        np.divide(power, noise, out=excess)
        excess -= 1
        np.maximum(excess, 0, out=excess)
        excess *= 1 - DECISION_KEPT
        np.divide(self._memory.voice[rows], noise, out=gain)
        gain *= DECISION_KEPT
        gain += excess
        np.add(gain, 1, out=excess)
        gain /= excess
        np.maximum(gain, LEAST_GAIN, out=gain)
        np.square(gain, out=voice)
        voice *= power
        return gain
