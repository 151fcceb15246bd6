"""The parent's end of a process that decodes one file."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from mediaworker.audio.containers import Container
from mediaworker.speech.decoding import program
from mediaworker.speech.decoding.pieces import Piece, mixed, unplayable
from mediaworker.speech.ports import Failure

MOST_CHILDREN = 64
"""At once: each has 13 MB, and is idle but for moments."""
PATIENCE_SECONDS = 5.0
"""How long a file waits for its turn; a short one is decoded in a tenth of one."""
READ_BYTES = 1 << 16
PASSED_ON = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "COVERAGE_PROCESS_START")
UNAVAILABLE = 503
NO_SUCH = "it is damaged, or of a kind within them that is not known"
SILENT = "there is no sound in it"
SAYINGS = {
    program.UNREADABLE: NO_SUCH,
    program.UNFIT: "its rate or the number of its channels is out of bounds",
}


class Child:
    """Decodes one file; it may crash, or be killed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None and process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout

    async def feed(self, chunks: AsyncIterator[bytes]) -> None:
        """All of the file, or as much as is wanted; raises what ``chunks`` do."""
        try:
            async for chunk in chunks:
                self._stdin.write(chunk)
                await self._stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            return
        finally:
            self._stdin.close()

    async def pieces(self, feeding: "asyncio.Future[None]") -> AsyncIterator[Piece]:
        """Until the file's end; raises `Failure`, the one of ``feeding`` first."""
        head, is_heard = b"", False
        with suppress(asyncio.IncompleteReadError):
            head = await self._stdout.readexactly(program.HEAD.size)
        if head:
            rate, channels = program.HEAD.unpack(head)
            async for data in self._whole(channels * program.FLOAT_BYTES):
                is_heard = True
                yield Piece(rate, mixed(data, channels))
        status = await self._process.wait()
        if feeding.done():
            feeding.result()
        if status:
            raise unplayable(SAYINGS.get(status, "its decoder gave up on it"))
        if not is_heard:
            raise unplayable(SILENT)

    async def end(self) -> None:
        """Whatever it is doing."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.communicate()

    async def _whole(self, width: int) -> AsyncIterator[bytes]:
        """Data in whole numbers of so many bytes."""
        held = b""
        while data := await self._stdout.read(READ_BYTES):
            held += data
            end = len(held) - len(held) % width
            if end:
                yield held[:end]
            held = held[end:]


class Children:
    """Starts them, no more than so many at once."""

    def __init__(
        self,
        library: Path | None,
        most: int = MOST_CHILDREN,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """``library``: libsndfile's; None where there is none."""
        self._library = library
        self._turns = asyncio.Semaphore(most)
        self._patience_seconds = patience_seconds
        self.running = 0

    @asynccontextmanager
    async def decoding(
        self, container: Container, chunks: AsyncIterator[bytes]
    ) -> AsyncIterator[AsyncIterator[Piece]]:
        """The file's samples, as they become known; raises `Failure`."""
        await self._wait()
        self.running += 1
        try:
            child = await self._start(container)
            feeding = asyncio.ensure_future(child.feed(chunks))
            try:
                yield child.pieces(feeding)
            finally:
                feeding.cancel()
                with suppress(asyncio.CancelledError, Failure):
                    await feeding
                await child.end()
        finally:
            self.running -= 1
            self._turns.release()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._turns.acquire()
        except TimeoutError:
            sentence = "too many files are being decoded"
            raise Failure(sentence, UNAVAILABLE) from None

    async def _start(self, container: Container) -> Child:
        if self._library is None:
            raise Failure("this worker plays WAV files alone", UNAVAILABLE)
        known = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-IS", program.__file__),
            *(str(self._library), container.value),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=known,
        )
        return Child(process)
