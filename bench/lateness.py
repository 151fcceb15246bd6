"""Frames that should come every 20 ms, and how late the latest did."""

FRAME_SECONDS = 0.020
LATE_SECONDS = 0.020
"""A frame that comes so much after its time is late."""


class Lateness:
    """Of one stream, at who hears it."""

    def __init__(self) -> None:
        self.frames = 0
        self.late = 0
        self.worst_seconds = 0.0
        self._due: float | None = None

    def take(self, now: float) -> None:
        """A frame has come."""
        self.frames += 1
        due = self._due
        if due is not None and now > due + LATE_SECONDS:
            self.late += 1
            self.worst_seconds = max(self.worst_seconds, now - due)
        # Time runs from the earliest that a frame has come; a late one begins anew.
        is_on_time = due is not None and now <= due + LATE_SECONDS
        expected = min(now, due) if is_on_time and due is not None else now
        self._due = expected + FRAME_SECONDS

    def pause(self) -> None:
        """What comes next was not due at any time."""
        self._due = None

    def reset(self) -> None:
        """Count anew."""
        self.frames = self.late = 0
        self.worst_seconds = 0.0
