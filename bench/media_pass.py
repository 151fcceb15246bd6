"""How soon a caller hears what an application's media server says.

Every server sends a frame every 20 ms, by a clock of its own; each of them holds one
level, by which the phone that hears it knows which it is.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import numpy as np
import picows

from bench.callers import Caller, run_pinned
from bench.holding import patiently
from bench.laptop_process import free_ports
from bench.lateness import FRAME_SECONDS
from bench.measurement import Measurement, Progress, percentile, summary
from bench.media_worker import MediaWorker, media_worker
from bench.phones import LOOPBACK, Desk, Exchange, NoCall, Phone, exchange_of
from mediaworker.audio import g711

SIZES = (1, 100)
MEASURED_SECONDS = 10.0
WARM_UP_SECONDS = 2.0
SEED = 22
RTP_HEADER = 12
RATE = 8_000
FIRST_CODE, CODES = 0x10, 64
"""Of G.711, all of them loud, and none of them twice in a second."""


class Server(picows.WSListener):
    """Of one call: says a frame when it is its turn."""

    def __init__(self) -> None:
        self._transport: picows.WSTransport | None = None
        self._said = 0
        self.said_at: dict[int, float] = {}
        """Code of a frame -> when it was sent last."""

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        if frame.msg_type == picows.WSMsgType.CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        self._transport = None

    async def run(self, phase: float, levels: Sequence[bytes]) -> None:
        """Until cancelled."""
        due = monotonic() + phase * FRAME_SECONDS
        while True:
            await asyncio.sleep(max(0.0, due - monotonic()))
            due += FRAME_SECONDS
            self._say(levels)

    def _say(self, levels: Sequence[bytes]) -> None:
        if self._transport is not None:
            place = self._said % CODES
            self._said += 1
            self.said_at[FIRST_CODE + place] = monotonic()
            self._transport.send(picows.WSMsgType.BINARY, levels[place])


class Ear(Phone):
    """A phone that knows when what it hears was said."""

    def __init__(self) -> None:
        super().__init__()
        self.server: Server | None = None
        self.waits_ms: list[float] = []

    def datagram_received(self, data: bytes, address: tuple[Any, ...]) -> None:
        super().datagram_received(data, address)
        if self.server is None or len(data) <= RTP_HEADER:
            return
        said_at = self.server.said_at.pop(data[RTP_HEADER], None)
        if said_at is not None:
            self.waits_ms.append((monotonic() - said_at) * 1e3)


@dataclass(slots=True)
class Servers:
    """One for each call, by the path that it is asked for."""

    port: int
    known: dict[str, Server] = field(default_factory=dict)

    def choose(self, request: picows.WSUpgradeRequest) -> Server:
        name = request.path.decode().partition("?")[0]
        return self.known.setdefault(name, Server())

    def option(self, name: str) -> dict[str, Any]:
        return {
            "mediaPass": {
                "url": f"ws://{LOOPBACK}:{self.port}{name}",
                "inputSampleRate": RATE,
                "outputSampleRate": RATE,
                "packetSize": 320,
            }
        }


def measure(progress: Progress) -> Measurement:
    found = {size: _run(size, progress) for size in SIZES}
    return Measurement(
        values={
            "audio_in_out_p95_1_call": percentile(found[1], 95),
            "audio_in_out_p95_100_calls": percentile(found[100], 95),
        },
        details=[f"at {n} calls {summary(waits)} ms" for n, waits in found.items()],
        raw={str(size): waits[:1_000] for size, waits in found.items()},
    )


def _run(size: int, progress: Progress) -> list[float]:
    """In a worker of its own."""
    (sip_port,) = free_ports(1)
    variables = {"PARLEY_SIP_PORT": str(sip_port)}
    with (
        tempfile.TemporaryDirectory() as name,
        media_worker(Path(name), variables) as worker,
    ):
        found: list[float] = run_pinned(_measure(worker, sip_port, size, progress))
        return found


async def _measure(
    worker: MediaWorker, sip_port: int, size: int, progress: Progress
) -> list[float]:
    progress(f"application audio to phone, at {size} calls")
    (port,) = free_ports(1)
    servers, chance = Servers(port), Random(SEED)
    listening = await picows.ws_create_server(servers.choose, LOOPBACK, port)
    exchange = await exchange_of(sip_port)
    async with listening, asyncio.TaskGroup() as tasks:
        ears = [await _join(worker, exchange, servers, n) for n in range(size)]
        running = [
            tasks.create_task(server.run(chance.random(), _levels()))
            for server in servers.known.values()
        ]
        await asyncio.sleep(WARM_UP_SECONDS)
        for ear in ears:
            ear.waits_ms.clear()
        await asyncio.sleep(MEASURED_SECONDS)
        waits = [wait for ear in ears for wait in ear.waits_ms]
        for task in running:
            task.cancel()
        for ear in ears:
            exchange.hang_up(ear)
    exchange.close()
    return waits


async def _join(
    worker: MediaWorker, exchange: Exchange, servers: Servers, number: int
) -> Ear:
    name = f"/{number}"
    desk = Desk(worker, servers.option(name), None)
    loop = asyncio.get_running_loop()
    _, ear = await loop.create_datagram_endpoint(Ear, local_addr=(LOOPBACK, 0))

    async def call() -> Caller:
        caller = await desk.open()
        try:
            await exchange.call(ear)
        except NoCall:
            caller.command("hangup")
            raise
        return caller

    await patiently(call)
    ear.server = servers.known.setdefault(name, Server())
    return ear


def _levels() -> list[bytes]:
    """A frame of each level, as samples."""
    codes = range(FIRST_CODE, FIRST_CODE + CODES)
    frames = [bytes([code]) * (RATE // 50) for code in codes]
    octets = np.frombuffer(b"".join(frames), np.uint8).reshape(CODES, -1)
    return [row.tobytes() for row in g711.decode(octets)]
