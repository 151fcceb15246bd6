"""A loop in a thread of its own, for peers that run beside what blocks."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

Result = TypeVar("Result")

PATIENCE_SECONDS = 10.0


class Background:
    """Runs what it is given, while the caller waits."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(
            PATIENCE_SECONDS
        )

    @contextmanager
    def within(self, peer: AbstractAsyncContextManager[Result]) -> Iterator[Result]:
        """The peer runs in the block."""
        entered = self.run(_entered(peer))
        try:
            yield entered
        finally:
            self.run(_left(peer))


@contextmanager
def background() -> Iterator[Background]:
    """Within the block."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="peers", daemon=True)
    thread.start()
    try:
        yield Background(loop)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_SECONDS)
        loop.close()


async def _entered(peer: AbstractAsyncContextManager[Result]) -> Result:
    return await peer.__aenter__()


async def _left(peer: AbstractAsyncContextManager[Any]) -> None:
    await peer.__aexit__(None, None, None)
