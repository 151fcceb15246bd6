import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from mediaworker.audio.arrays import Floats, Rows
from mediaworker.audio.windows import Windows

FRAME, WINDOW = 160, 256
ROWS = 5


def rows_of(*rows: int) -> Rows:
    return np.array(rows, np.intp)


def test_fill_five_windows_from_eight_frames() -> None:
    windows = Windows(1, FRAME, WINDOW)
    sound = np.arange(8 * FRAME, dtype=np.float32)
    heard, left = [], []
    for frame in sound.reshape(8, 1, FRAME):
        full = windows.push(frame, rows_of(0))
        heard += full.samples.ravel().tolist()
        left += full.left.tolist()
    assert heard == sound.tolist()
    assert left == [64, 128, 32, 96, 0]


def test_hear_nobody() -> None:
    full = Windows(1, FRAME, WINDOW).push(np.empty((0, FRAME), np.float32), rows_of())
    assert full.samples.shape == (0, WINDOW)
    assert full.rows.size == full.left.size == 0


def test_reserve_and_keep_what_has_come() -> None:
    windows = Windows(1, FRAME, WINDOW)
    windows.push(np.full((1, FRAME), 0.5, np.float32), rows_of(3))
    before = windows.capacity
    windows.reserve(before + 1)
    assert windows.capacity > before
    frames = np.full((2, FRAME), 0.25, np.float32)
    full = windows.push(frames, rows_of(before, 3))
    assert full.rows.tolist() == [3]
    assert full.samples[0, :FRAME].tolist() == [0.5] * FRAME


@pytest.mark.parametrize("frame", [0, WINDOW + 1])
def test_refuse_a_frame_that_does_not_fit(frame: int) -> None:
    with pytest.raises(ValueError, match="a frame is longer than a window"):
        Windows(1, frame, WINDOW)


def test_refuse_frames_of_other_shape_and_change_nothing() -> None:
    windows = Windows(1, FRAME, WINDOW)
    with pytest.raises(ValueError, match="not a frame of 2 rows"):
        windows.push(np.ones((1, FRAME), np.float32), rows_of(0, 1))
    full = windows.push(np.ones((1, FRAME), np.float32), rows_of(0))
    assert full.rows.size == 0


class Calls(RuleBasedStateMachine):
    """Rows are fed at any pace; now and then one becomes another call's."""

    def __init__(self) -> None:
        super().__init__()
        self.windows = Windows(ROWS, FRAME, WINDOW)
        self.heard = {row: np.empty(0, np.float32) for row in range(ROWS)}
        self.next = 1.0

    @rule(rows=st.sets(st.integers(0, ROWS - 1)))
    def push(self, rows: set[int]) -> None:
        order = sorted(rows, reverse=True)
        count = len(order) * FRAME
        sound = np.arange(self.next, self.next + count, dtype=np.float32)
        self.next += count
        frames = sound.reshape(len(order), FRAME)
        for row, frame in zip(order, frames, strict=True):
            self.heard[row] = np.concatenate((self.heard[row], frame))
        full = self.windows.push(frames, rows_of(*order))
        ready = [row for row in order if len(self.heard[row]) >= WINDOW]
        assert full.rows.tolist() == ready
        for row, window, left in zip(ready, full.samples, full.left, strict=True):
            self.take(row, window, left)

    def take(self, row: int, window: Floats, left: int) -> None:
        assert window.tolist() == self.heard[row][:WINDOW].tolist()
        self.heard[row] = self.heard[row][WINDOW:]
        assert left == len(self.heard[row])

    @precondition(lambda self: self.next > 1)
    @rule(row=st.integers(0, ROWS - 1))
    def clear(self, row: int) -> None:
        self.windows.clear(row)
        self.heard[row] = np.empty(0, np.float32)


TestCalls = Calls.TestCase
