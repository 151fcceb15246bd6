import numpy as np

from mediaworker.audio.arrays import STEP, grown, stepped


def test_step_up_to_whole_steps() -> None:
    assert [stepped(n) for n in (0, 1, STEP, STEP + 1)] == [STEP, STEP, STEP, 2 * STEP]


def test_grow_and_keep_what_is_there() -> None:
    array = np.ones((STEP, 3), np.float32)
    assert grown(array, STEP) is array
    longer = grown(array, STEP + 1)
    assert longer.shape == (2 * STEP, 3) and longer.dtype == np.float32
    assert longer[:STEP].all() and not longer[STEP:].any()
