"""Lets set-ups in one after another: each takes the loop for milliseconds."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

SPACING_SECONDS = 0.020
"""One begins in each slot of the tick."""
MOST = 64


class Full(Exception):
    """Too many are being set up."""


class Gate:
    """For all calls of the process."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        spacing_seconds: float = SPACING_SECONDS,
        most: int = MOST,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._spacing = spacing_seconds
        self._most = most
        self._sleep = sleep
        self._free_at = 0.0
        self.inside = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for one's own; within it one counts as being set up.

        Raises `Full`.
        """
        if self.inside >= self._most:
            raise Full
        self.inside += 1
        try:
            await self._wait()
            yield
        finally:
            self.inside -= 1

    async def _wait(self) -> None:
        now = self._clock()
        begins_at = max(now, self._free_at)
        self._free_at = begins_at + self._spacing
        if begins_at > now:
            await self._sleep(begins_at - now)
