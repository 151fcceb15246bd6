"""Steady tones in what is heard: the beep of a machine that records.

A frame is a tone when nearly all of its power is at one frequency, and a beep when that
lasts, at about the same frequency and loudness. Voices are richer, and glide.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaworker.speech.replies import Beep, Reply
from mediaworker.speech.requests import Deafen, Heard, Listen

FRAME_MS = 20
LEAST_HZ, MOST_HZ = 400, 2_000
LASTS_MS = 160
PUREST = 0.92
"""The least share of a tone in the power of its frame."""
FAINTEST = 200.0
"""The least level, of 32,768."""
DRIFT_HZ = 25.0
LOUDER = 1.6
"""Loudness of a frame over the one before it, or the other way round."""
LISTENS_MS = 45_000
"""A machine beeps early in a call, or never."""


@dataclass(slots=True)
class Tone:
    """What one stream sounds like at the moment."""

    to_ms: int = 0
    lasts_ms: int = 0
    hertz: float = 0.0
    level: float = 0.0


class Beeps:
    """Of all streams that are wanted for it."""

    def __init__(self, tell: Callable[[Reply], None]) -> None:
        self._tell = tell
        self._tones: dict[int, Tone] = {}

    def listen(self, request: Listen) -> None:
        if request.seeks_beeps:
            self._tones[request.stream] = Tone()

    def deafen(self, request: Deafen) -> None:
        self._tones.pop(request.stream, None)

    def hear(self, request: Heard) -> None:
        """A frame of each stream; without samples they are lost."""
        if not self._tones:
            return
        size = request.rate * FRAME_MS // 1_000
        for at, stream in enumerate(request.streams):
            tone = self._tones.get(stream)
            if tone is None:
                continue
            tone.to_ms += FRAME_MS
            if request.samples:
                frame = np.frombuffer(request.samples, "<i2", size, at * size * 2)
                self._look(stream, tone, *pitch(frame, request.rate))
            if tone.to_ms >= LISTENS_MS:
                del self._tones[stream]

    def _look(self, stream: int, tone: Tone, hertz: float, level: float) -> None:
        is_same = (
            level > 0
            and abs(hertz - tone.hertz) <= DRIFT_HZ
            and tone.level / LOUDER <= level <= tone.level * LOUDER
        )
        tone.lasts_ms = tone.lasts_ms + FRAME_MS if is_same else 0
        tone.hertz, tone.level = hertz, level
        if tone.lasts_ms == LASTS_MS:
            from_ms = tone.to_ms - LASTS_MS - FRAME_MS
            self._tell(Beep(stream, from_ms, tone.to_ms))


def pitch(frame: NDArray[np.int16], rate: int) -> tuple[float, float]:
    """The frequency and the level of a frame that is a tone, else twice 0."""
    samples = frame.astype(np.float64)
    level = float(np.sqrt(np.mean(np.square(samples))))
    if level < FAINTEST:
        return 0.0, 0.0
    powers = np.square(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))
    peak = int(powers.argmax())
    near = slice(max(0, peak - 2), peak + 3)
    share = powers[near].sum() / powers.sum()
    bins = np.arange(len(powers))[near]
    hertz = float((bins * powers[near]).sum() / powers[near].sum()) * rate / len(frame)
    is_tone = share >= PUREST and LEAST_HZ <= hertz <= MOST_HZ
    return (hertz, level) if is_tone else (0.0, 0.0)
