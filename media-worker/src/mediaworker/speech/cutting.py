"""Where a long utterance can be cut, so that each part is understood by itself."""

import numpy as np

from mediaworker.speech.ports import HEARING_RATE, Heard

LONGEST = 20 * HEARING_RATE
"""What is longer is cut."""
EARLIEST, LATEST = 10 * HEARING_RATE, 15 * HEARING_RATE
WINDOW = HEARING_RATE // 10


def parts(samples: Heard) -> list[tuple[int, int]]:
    """From where to where each part goes.

    Every part but the last stays the same when more is heard.
    """
    found = []
    start = 0
    while len(samples) - start > LONGEST:
        end = start + EARLIEST + _quietest(samples[start + EARLIEST : start + LATEST])
        found.append((start, end))
        start = end
    found.append((start, len(samples)))
    return found


def _quietest(samples: Heard) -> int:
    """The middle of the quietest tenth of a second."""
    power = np.mean(np.square(samples.reshape(-1, WINDOW)), axis=1)
    return int(power.argmin()) * WINDOW + WINDOW // 2
