import numpy as np
import pytest

from mediaworker.audio.levels import rms


def test_measure_each_row_alone() -> None:
    square = np.tile(np.array((1, -1), np.float32), 80)
    sine = np.sin(np.arange(160) * np.float32(2 * np.pi / 40)).astype(np.float32)
    levels = rms(np.stack((square, square / 2, sine, np.zeros(160, np.float32))))
    assert levels.dtype == np.float32
    assert levels.tolist() == pytest.approx([1, 0.5, 0.5**0.5, 0])
