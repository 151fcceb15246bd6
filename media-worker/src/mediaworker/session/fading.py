"""The last of a playback that was interrupted, ever softer."""

import numpy as np

FRAME_MS = 20


class Fade:
    """From as loud as it was to nothing, in a straight line."""

    def __init__(self, ms: int) -> None:
        """At least a frame."""
        self._frames = max(1, ms // FRAME_MS)
        self._at = 0

    @property
    def is_over(self) -> bool:
        return self._at >= self._frames

    def soften(self, frame: bytes) -> bytes:
        """The next 20 ms, which are not the last yet."""
        samples = np.frombuffer(frame, "<i2")
        passed = self._at + np.arange(len(samples), dtype=np.float32) / len(samples)
        self._at += 1
        soft: bytes = (samples * (1 - passed / self._frames)).astype("<i2").tobytes()
        return soft
