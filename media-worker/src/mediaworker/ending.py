"""When the worker ends, and with which exit status."""

import asyncio

FOREVER_SECONDS = 7 * 86_400.0
"""Longer than any call."""


class Ending:
    """May be brought forward, never put off."""

    def __init__(self) -> None:
        self.status = 0
        self._deadline: float | None = None
        self._changed = asyncio.Event()

    @property
    def has_begun(self) -> bool:
        return self._deadline is not None

    def begin(self, seconds: float, status: int = 0) -> None:
        """Sessions that are left then are ended."""
        deadline = asyncio.get_running_loop().time() + seconds
        if self._deadline is None or deadline < self._deadline:
            self._deadline = deadline
            self._changed.set()
        self.status = self.status or status

    async def changed(self) -> float:
        """Wait until it begins, or is brought forward; the seconds that are left."""
        await self._changed.wait()
        self._changed.clear()
        assert self._deadline is not None
        return max(0.0, self._deadline - asyncio.get_running_loop().time())
