"""The only place where the laptop stack reads the wall clock."""

import time


def now_seconds() -> float:
    """Seconds since the epoch."""
    return time.time()  # noqa: TID251
