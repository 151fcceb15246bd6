"""A wire to a TCP port that can be cut, as a train in a tunnel cuts it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

LOOPBACK = "127.0.0.1"
BLOCK_BYTES = 65_536


class TcpRelay:
    """Passes on what comes to its port."""

    def __init__(self, target_port: int) -> None:
        self.port = 0
        self.connections = 0
        """All that ever came."""
        self._target_port = target_port
        self._writers: set[asyncio.StreamWriter] = set()

    async def cut(self) -> None:
        """All connections, at both ends, without a word; new ones may come."""
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        try:
            far = await asyncio.open_connection(LOOPBACK, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far[1]}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_pass_on(reader, far[1]))
                tasks.create_task(_pass_on(far[0], writer))
        finally:
            for each in (writer, far[1]):
                self._writers.discard(each)
                each.transport.abort()


@asynccontextmanager
async def tcp_relay(target_port: int) -> AsyncIterator[TcpRelay]:
    """Listens within the block."""
    relay = TcpRelay(target_port)
    server = await asyncio.start_server(relay.serve, LOOPBACK, 0)
    relay.port = int(server.sockets[0].getsockname()[1])
    try:
        yield relay
    finally:
        server.close()
        await relay.cut()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(BLOCK_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except (OSError, RuntimeError):
        # The other direction finds the same.
        writer.transport.abort()
