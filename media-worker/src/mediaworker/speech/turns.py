"""Whose turn it is at an engine that serves one at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(eq=False, slots=True)
class _Waiting:
    ahead_ms: Callable[[], int]
    turn: asyncio.Future[None]


class Turns:
    """Next is who would fall silent first, and among those who came first."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._is_taken = False

    @asynccontextmanager
    async def turn(self, ahead_ms: Callable[[], int]) -> AsyncIterator[None]:
        await self._wait(ahead_ms)
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, ahead_ms: Callable[[], int]) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        waiting = _Waiting(ahead_ms, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            else:
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        # One that was cancelled a moment ago may still stand in line.
        alive = [waiting for waiting in self._waiting if not waiting.turn.done()]
        if not alive:
            self._is_taken = False
            return
        chosen = min(alive, key=lambda waiting: waiting.ahead_ms())
        self._waiting.remove(chosen)
        chosen.turn.set_result(None)
