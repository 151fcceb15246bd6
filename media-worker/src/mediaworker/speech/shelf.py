"""Speech that was made before, wherever it is kept."""

import asyncio
from concurrent.futures import Executor

from mediaworker.speech.cache import Disk, Memory, Speech


class Shelf:
    """Memory, and behind it the disk, which has a thread of its own."""

    def __init__(self, memory: Memory, disk: Disk, thread: Executor) -> None:
        self._memory = memory
        self._disk = disk
        self._thread = thread

    async def recall(self, key: str) -> Speech | None:
        kept = self._memory.get(key)
        if kept is None:
            loop = asyncio.get_running_loop()
            kept = await loop.run_in_executor(self._thread, self._disk.get, key)
            if kept is not None:
                self._memory.put(key, kept)
        return kept

    async def keep(self, key: str, speech: Speech) -> None:
        self._memory.put(key, speech)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._disk.put, key, speech)
