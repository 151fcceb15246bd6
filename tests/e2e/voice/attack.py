"""Who keeps to no rules: bytes on a socket of a worker, and what they come to."""

import asyncio
import contextlib
from collections.abc import Sequence

from tests.e2e.voice.caller import (
    BUSY,
    LATER_SECONDS,
    OPEN_SECONDS,
    PATIENCE_SECONDS,
)
from tests.worker.gateway.fakes import CLOSE, masked, upgrade

NORMAL = 1_000
PIECE_BYTES = 65_536


async def answer_of(
    port: int, sent: bytes, last: bytes = b"", until: bytes = b""
) -> bytes:
    """All that comes back until the worker closes the connection.

    ``last`` is sent once ``until`` has come back.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = bytearray()

    async def send() -> None:
        with contextlib.suppress(ConnectionError):
            writer.write(sent)
            if not until:
                _finish(writer, last)
            await writer.drain()

    try:
        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as tasks:
            tasks.create_task(send())
            is_over = not until
            with contextlib.suppress(ConnectionError):
                while piece := await reader.read(PIECE_BYTES):
                    answer += piece
                    if not is_over and until in answer:
                        is_over = True
                        _finish(writer, last)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    return bytes(answer)


def _finish(writer: asyncio.StreamWriter, last: bytes) -> None:
    writer.write(last)
    writer.write_eof()


async def told(
    port: int, *frames: bytes, until: bytes = b""
) -> list[tuple[int, bytes]]:
    """What a session answers to frames and, after ``until``, to a polite end: opcodes
    and payloads."""
    close = masked(CLOSE, NORMAL.to_bytes(2))
    async with asyncio.timeout(OPEN_SECONDS):
        while True:
            answer = await answer_of(port, b"".join((upgrade(), *frames)), close, until)
            head, _, rest = answer.partition(b"\r\n\r\n")
            if str(BUSY).encode() not in head:
                return _frames(rest)
            await asyncio.sleep(LATER_SECONDS)


def close_code(frames: Sequence[tuple[int, bytes]]) -> int:
    """Of the worker's Close frame."""
    opcode, payload = frames[-1]
    assert opcode == CLOSE, frames[-1]
    return int.from_bytes(payload[:2])


def _frames(data: bytes) -> list[tuple[int, bytes]]:
    found = []
    while len(data) >= 2:
        size, start = data[1] & 0x7F, 2
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start])
        found.append((data[0] & 0x0F, data[start : start + size]))
        data = data[start + size :]
    return found
