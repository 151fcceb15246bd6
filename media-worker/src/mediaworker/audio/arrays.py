"""Arrays that have a row for each call, and grow in steps."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Samples = NDArray[np.int16]
Octets = NDArray[np.uint8]
Rows = NDArray[np.intp]
"""Which row of an array each entry is about; none of them twice."""

STEP = 64

Array = TypeVar("Array", bound=NDArray[Any])


def stepped(capacity: int) -> int:
    """The next whole number of steps; at least one."""
    return max(1, -(-capacity // STEP)) * STEP


def grown(array: Array, capacity: int) -> Array:
    """The same array when it has room for so many rows; else a longer copy."""
    if capacity <= len(array):
        return array
    longer = np.zeros((stepped(capacity), *array.shape[1:]), array.dtype)
    longer[: len(array)] = array
    return longer  # type: ignore[return-value]
