"""Telling speech from silence, for all sessions of a rate at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from mediaworker.audio.silero import Forward, Network, State
from mediaworker.audio.windows import Full, Windows
from mediaworker.runtime.isolation import Failed, by_halves

FRAMES_A_SECOND = 50
CAPACITY_STEP = 64
AGGRESSIVENESS = 2

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Window:
    """What a detector thinks of the latest audio of a row."""

    row: int
    probability: float
    behind_ms: int
    """How much of what the row was fed lies after the window."""


class Detector(Protocol):
    """Rows, one for each session that it listens to."""

    def take_row(self) -> int:
        """In which nothing of any other session is left."""

    def free_row(self, row: int) -> None: ...

    def hear(
        self, samples: Samples, rows: Sequence[int], failed: Failed
    ) -> list[Window]:
        """Feed a frame to each of the rows; ``failed`` is told a row that cannot."""


class KeyDetector(Protocol):
    """Rows, one for each session whose keys come as tones in its audio."""

    def take_row(self) -> int:
        """In which nothing of any other session is left."""

    def free_row(self, row: int) -> None: ...

    def hear(self, frames: Samples, rows: Sequence[int]) -> Sequence[tuple[int, str]]:
        """Feed a frame to each of the rows; the rows that a key was pressed in."""


class Rows:
    """Numbers that are handed out, the lowest first, and given back."""

    def __init__(self) -> None:
        self._free: list[int] = []
        self._next = 0

    def take(self) -> int:
        if self._free:
            return self._free.pop()
        self._next += 1
        return self._next - 1

    def give_back(self, row: int) -> None:
        self._free.append(row)


class SileroDetector:
    """A batch of windows through the network whenever frames have filled them."""

    def __init__(self, rate: int, network: Network) -> None:
        self._per_ms = rate // 1_000
        self._network = network
        self._rows = Rows()
        self._state = State(CAPACITY_STEP)
        self._windows = Windows(CAPACITY_STEP, rate // FRAMES_A_SECOND, network.window)

    def take_row(self) -> int:
        row = self._rows.take()
        self._state.reserve(row + 1)
        self._windows.reserve(row + 1)
        return row

    def free_row(self, row: int) -> None:
        self._state.clear(row)
        self._windows.clear(row)
        self._rows.give_back(row)

    def hear(
        self, samples: Samples, rows: Sequence[int], failed: Failed
    ) -> list[Window]:
        frames = samples.astype(np.float32)
        frames *= 1 / 32_768
        full = self._windows.push(frames, np.asarray(rows, dtype=np.intp))

        def step(places: Sequence[int]) -> list[Window]:
            chosen = slice(places[0], places[-1] + 1)
            forward = self._network.probabilities(
                full.samples[chosen], self._state, full.rows[chosen]
            )
            forward.commit()
            return self._windows_of(full, chosen, forward)

        lists = by_halves(
            range(len(full.rows)),
            step,
            lambda place, error: failed(int(full.rows[place]), error),
        )
        return [window for windows in lists for window in windows]

    def _windows_of(self, full: Full, chosen: slice, forward: Forward) -> list[Window]:
        left_ms = full.left[chosen] // self._per_ms
        facts = zip(
            full.rows[chosen].tolist(),
            forward.probabilities.tolist(),
            left_ms.tolist(),
            strict=True,
        )
        return [Window(*fact) for fact in facts]


class WebRtcDetector:
    """Google's detector, which says yes or no to each frame of each session."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._rows = Rows()
        self._detectors: dict[int, webrtcvad.Vad] = {}

    def take_row(self) -> int:
        row = self._rows.take()
        self._detectors[row] = webrtcvad.Vad(AGGRESSIVENESS)
        return row

    def free_row(self, row: int) -> None:
        del self._detectors[row]
        self._rows.give_back(row)

    def hear(
        self, samples: Samples, rows: Sequence[int], failed: Failed
    ) -> list[Window]:
        heard = []
        for row, frame in zip(rows, samples, strict=True):
            try:
                is_speech = self._detectors[row].is_speech(frame.tobytes(), self._rate)
            except Exception as error:
                failed(row, error)
            else:
                heard.append(Window(row, float(is_speech), 0))
        return heard
