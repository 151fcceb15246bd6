"""How loud rows are."""

import numpy as np

from mediaworker.audio.arrays import Floats


def rms(frames: Floats) -> Floats:
    """Of each row; 1 is a square wave at full scale."""
    squares: Floats = np.einsum("ij,ij->i", frames, frames)
    squares /= np.float32(frames.shape[1])
    np.sqrt(squares, out=squares)
    return squares
