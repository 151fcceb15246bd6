"""``python -m tests.e2e.voice.poisoned``: the worker in earnest, but for one audio that
its batched network chokes on, whoever sends it."""

import sys

import numpy as np
import pytest

from mediaworker.__main__ import main
from mediaworker.audio.arrays import Floats, Rows
from mediaworker.audio.silero import Forward, Network, State

POISON = 12_345
"""A sample; a window of nothing else is the poison."""


class Choked(ArithmeticError):
    """In the step of all, as a fault of ours would be."""


class ChokingNetwork(Network):
    """Computes as the other does, and then fails for all of them."""

    def probabilities(self, windows: Floats, state: State, rows: Rows) -> Forward:
        forward = super().probabilities(windows, state, rows)
        if (windows == np.float32(POISON / 32_768)).all(axis=1).any():
            raise Choked("the step of all rows")
        return forward


if __name__ == "__main__":
    from mediaworker.runtime import assembly

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "Network", ChokingNetwork)
        sys.exit(main(sys.argv[1:]))
