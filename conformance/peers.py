"""What a server is sent to: files over HTTP, and a service that takes over audio."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from aiohttp import web

from conformance import sound

SOUNDS = Path(__file__).parent / "sounds"
TONE_HZ = 440
TYPES: Mapping[str, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
}


@dataclass(slots=True)
class Service:
    """Of media pass: what it was brought, and how it was asked."""

    packets: list[bytes] = field(default_factory=list)
    queries: list[Mapping[str, str]] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Bring a second of a tone, and take what comes until the other end leaves."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.queries.append(dict(request.query))
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(_send_tone(socket))
            async for message in socket:
                if message.type is aiohttp.WSMsgType.BINARY:
                    self.packets.append(message.data)
            sending.cancel()
        return socket


async def _send_tone(socket: web.WebSocketResponse) -> None:
    clock = asyncio.get_running_loop()
    begun_at = clock.time()
    tone = sound.tone(1.0, TONE_HZ)
    for count, frame in enumerate(sound.frames(tone, "pcm"), 1):
        await socket.send_bytes(frame)
        await asyncio.sleep(begun_at + count * sound.FRAME_MS / 1_000 - clock.time())


@dataclass(frozen=True, slots=True)
class Peers:
    """Where they are."""

    url: str
    service: Service

    def file(self, name: str) -> str:
        """``tone.wav`` and so on; what is not there is 404."""
        return f"{self.url}/{name}"

    @property
    def media(self) -> str:
        """Of the service that takes over audio."""
        return f"{self.url.replace('http', 'ws', 1)}/media"


@asynccontextmanager
async def peers(host: str) -> AsyncIterator[Peers]:
    """On a free port; within the block they answer."""
    service = Service()
    files = {"tone.wav": sound.wav(sound.tone(1.0, TONE_HZ))}
    files["long.wav"] = sound.wav(sound.tone(6.0, TONE_HZ))
    for path in SOUNDS.iterdir():
        files[path.name] = path.read_bytes()

    async def give(request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in files:
            raise web.HTTPNotFound
        kind = TYPES[name.rpartition(".")[2]]
        return web.Response(body=files[name], content_type=kind)

    application = web.Application()
    application.router.add_get("/media", service.serve)
    application.router.add_get("/{name}", give)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, 0)
        await site.start()
        port = runner.addresses[0][1]
        yield Peers(f"http://{host}:{port}", service)
    finally:
        await runner.cleanup()
