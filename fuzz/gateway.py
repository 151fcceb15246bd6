"""The worker's port: whatever a connection sends, it is answered or closed in time,
each session hears once that its socket is gone, and nothing of ours fails."""

import asyncio
import contextlib
import logging

import uvloop

from chalicelib.protocol.lease import Neighbour
from tests.worker.gateway.fakes import Place, Wire, masked, upgrade

RAW, FRAMES, MASKED, PASSED_ON = range(4)
WAYS = 4
THEIRS = "/call?id=w2-1"
"""A socket that another worker serves."""
PORT_LOGS = ("mediaworker", "aiohttp", "asyncio")


class Faults(logging.Handler):
    """What was logged as ours to answer for."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "WS parser error" not in record.getMessage():
            self.found.append(f"{record.name}: {record.getMessage()}")


def one_input(data: bytes) -> None:
    faults = Faults()
    loggers = [logging.getLogger(name) for name in PORT_LOGS]
    for logger in loggers:
        logger.addHandler(faults)
    try:
        uvloop.run(_talk(bytes_of(data)))
    finally:
        for logger in loggers:
            logger.removeHandler(faults)
    assert not faults.found, faults.found


def bytes_of(data: bytes) -> bytes:
    """The first byte says what the others are: all of it, or frames of a socket."""
    way, rest = (data[0] % WAYS, data[1:]) if data else (RAW, b"")
    if way == RAW:
        return rest
    path = THEIRS if way == PASSED_ON else "/call"
    return upgrade(path) + (rest if way == FRAMES else _masked(rest))


def _masked(data: bytes) -> bytes:
    """Frames by opcode, length and payload, whose lengths and masks are right."""
    frames = b""
    while len(data) >= 2:
        first, size = data[0], data[1]
        frames += masked(first & 0x0F, data[2 : 2 + size], first=first & 0xF0)
        data = data[2 + size :]
    return frames


async def _talk(sent: bytes) -> None:
    place, other = Place(), Place(worker_id="w2")
    async with place.listening(), other.listening():
        there = Neighbour("w2", f"127.0.0.1:{other.number}")
        place.neighbours.learn([there])
        with contextlib.suppress(ConnectionError):
            async with Wire.to(place) as wire:
                wire.send(sent)
                wire.writer.write_eof()
                answer = await wire.rest()
                assert not answer or answer.startswith(b"HTTP/1."), answer[:40]
        handles = [*place.sessions.handles.values(), *other.sessions.handles.values()]
        for handle in handles:
            await handle.until(handle.lost.__len__)
        async with Wire.to(place) as wire:
            wire.send(b"GET /health HTTP/1.1\r\nHost: w\r\n\r\n")
            assert b" 200 OK" in await wire.rest()
        await asyncio.sleep(0)
        assert all(len(handle.lost) == 1 for handle in handles)
