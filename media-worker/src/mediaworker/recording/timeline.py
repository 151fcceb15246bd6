"""Two sides of a call in step: frames of slots go in, samples of both come out.

Both sides have a frame for every slot: silence where nothing was said. Who is heard
twice in a slot, having fallen behind, is written later than that until the next pause.
"""

from collections import deque

import numpy as np
import soxr

from mediaworker.audio.arrays import Samples

FRAMES_A_SECOND = 50
MOST_AHEAD = 10
"""Frames that one may be behind; what is more is left out."""
QUIET = 64
"""Peak of a frame that nobody misses."""
QUALITY = "MQ"


class WrongRate(ValueError):
    """The sides of a call have one rate, from the first frame on."""


class Channel:
    """One side: frames that wait, the first of which is of slot ``begin``."""

    def __init__(self) -> None:
        self._frames: deque[Samples] = deque()
        self._begin = 0

    def put(self, place: int, frame: Samples) -> None:
        """In a slot, counted from the first; of a slot that was taken: after it."""
        end = self._begin + len(self._frames)
        ahead = end - place
        if ahead > 0 and (ahead > MOST_AHEAD or _peak(frame) < QUIET):
            return
        self._pad(place, len(frame))
        self._frames.append(frame)

    def skip(self, end: int) -> None:
        """Nothing was ever put."""
        self._begin = end

    def take(self, end: int, width: int) -> Samples:
        """All up to a slot, without it."""
        self._pad(end, width)
        taken = [self._frames.popleft() for _ in range(end - self._begin)]
        self._begin = end
        return np.concatenate(taken)

    def _pad(self, end: int, width: int) -> None:
        missing = end - self._begin - len(self._frames)
        if missing > 0:
            self._frames.extend([np.zeros(width, np.int16)] * missing)


class Timeline:
    """Of one recording, in samples of its file."""

    def __init__(self, first_slot: int, rate: int) -> None:
        """``rate`` is the file's."""
        self._first_slot = first_slot
        self._rate = rate
        self._caller = Channel()
        self._others = Channel()
        self._heard_rate: int | None = None
        """The session's, as soon as there is a frame."""
        self._converter: soxr.ResampleStream | None = None
        self._slots = 0
        self._made = 0

    def put(self, is_callers: bool, slot: int, frame: Samples) -> None:
        """A frame of 20 ms; raises `WrongRate`."""
        rate = len(frame) * FRAMES_A_SECOND
        if self._heard_rate is None:
            self._heard_rate = rate
            if rate != self._rate:
                self._converter = soxr.ResampleStream(
                    rate, self._rate, 2, dtype="int16", quality=QUALITY
                )
        if rate != self._heard_rate:
            raise WrongRate(f"{rate} samples a second, after {self._heard_rate}")
        channel = self._caller if is_callers else self._others
        channel.put(max(0, slot - self._first_slot), frame)

    def take(self, slot: int) -> Samples:
        """Both sides, a column each, up to the end of the slot."""
        end = slot - self._first_slot + 1
        if end <= self._slots:
            return np.zeros((0, 2), np.int16)
        return self._counted(self._both(end))

    def finish(self, slot: int) -> Samples:
        """What is left, with this slot as the last one."""
        rest = self.take(slot)
        if self._converter is not None:
            nothing = np.zeros((0, 2), np.int16)
            last = self._converter.resample_chunk(nothing, last=True)
            rest = np.concatenate((rest, self._counted(last)))
        missing = self._wanted() - self._made
        if missing > 0:
            rest = np.concatenate((rest, np.zeros((missing, 2), np.int16)))
        self._made += max(0, missing)
        return rest

    @property
    def duration_ms(self) -> int:
        """Of what was taken."""
        return self._made * 1_000 // self._rate

    def _wanted(self) -> int:
        """Samples that so many slots have."""
        return self._slots * self._rate // FRAMES_A_SECOND

    def _both(self, end: int) -> Samples:
        """At the file's rate, as far as the converter gives them."""
        self._slots = end
        if self._heard_rate is None:
            self._caller.skip(end)
            self._others.skip(end)
            return np.zeros((self._wanted() - self._made, 2), np.int16)
        width = self._heard_rate // FRAMES_A_SECOND
        sides = (self._caller.take(end, width), self._others.take(end, width))
        both: Samples = np.stack(sides, axis=1)
        if self._converter is None:
            return both
        converted: Samples = self._converter.resample_chunk(both)
        return converted

    def _counted(self, samples: Samples) -> Samples:
        """Never more than the slots have."""
        room = self._wanted() - self._made
        kept = samples[: max(0, room)]
        self._made += len(kept)
        return kept


def _peak(frame: Samples) -> int:
    return int(np.abs(frame.astype(np.int32)).max(initial=0))
