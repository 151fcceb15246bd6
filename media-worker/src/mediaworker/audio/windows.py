"""Frames of 20 ms become windows of 32 ms, in each row at its own moment."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediaworker.audio.arrays import Floats, Rows, grown, stepped


@dataclass(frozen=True, slots=True)
class Full:
    """The windows that a slot has filled, a row of samples each."""

    rows: Rows
    samples: Floats
    left: NDArray[np.intp]
    """How many samples of each row lie after its window."""


class Windows:
    """What has come of each row's next window."""

    def __init__(self, capacity: int, frame: int, window: int) -> None:
        """Sizes in samples; a frame is not longer than a window."""
        if not 0 < frame <= window:
            raise ValueError("a frame is longer than a window")
        self._frame = frame
        self._window = window
        self._waiting = np.zeros((stepped(capacity), window + frame), np.float32)
        self._filled = np.zeros(stepped(capacity), np.intp)

    @property
    def capacity(self) -> int:
        return len(self._waiting)

    def reserve(self, capacity: int) -> None:
        """Have room for so many rows; those that are there stay as they are."""
        self._waiting = grown(self._waiting, capacity)
        self._filled = grown(self._filled, capacity)

    def clear(self, row: int) -> None:
        """Nothing has come of its next window."""
        self._waiting[row] = 0
        self._filled[row] = 0

    def push(self, frames: Floats, rows: Rows) -> Full:
        """One frame of each of the rows, which need not be all there are."""
        if frames.shape != (len(rows), self._frame):
            raise ValueError(f"{frames.shape} is not a frame of {len(rows)} rows")
        filled = self._filled[rows]
        # There are few different moments, so this is a few copies and not many.
        for begin in np.unique(filled).tolist():
            here = filled == begin
            self._waiting[rows[here], begin : begin + self._frame] = frames[here]
        filled += self._frame
        self._filled[rows] = filled
        is_full = filled >= self._window
        return self._taken(rows[is_full], filled[is_full] - self._window)

    def _taken(self, rows: Rows, left: NDArray[np.intp]) -> Full:
        samples = self._waiting[rows, : self._window]
        end = self._window
        for count in np.unique(left).tolist():
            these = rows[left == count]
            self._waiting[these, :count] = self._waiting[these, end : end + count]
        self._filled[rows] = left
        return Full(rows, samples, left)
