"""How much work is on its way between the parts, so that one can wait for none."""

import threading


class Outstanding:
    """A count of records, events and invocations that are not settled yet."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def began(self, count: int = 1) -> None:
        with self._changed:
            self._count += count

    def ended(self, count: int = 1) -> None:
        with self._changed:
            self._count -= count
            self._changed.notify_all()

    def wait_for_none(self, timeout_seconds: float) -> bool:
        """False when the time was over first."""
        with self._changed:
            return self._changed.wait_for(lambda: self._count == 0, timeout_seconds)
