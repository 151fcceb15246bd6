"""Serves the audio that the sessions are to play."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from infra.demo_fleet import audio

Hum = Callable[[float], str]
"""Seconds -> the URL of so much of it."""


@asynccontextmanager
async def served() -> AsyncIterator[Hum]:
    """Within the block it can be had."""
    application = web.Application()
    application.router.add_get("/{seconds}/hum.wav", _answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        _, port, *_ = runner.addresses[0]
        yield lambda seconds: f"http://127.0.0.1:{port}/{seconds}/hum.wav"
    finally:
        await runner.cleanup()


async def _answer(request: web.Request) -> web.Response:
    content = audio.wav(float(request.match_info["seconds"]))
    return web.Response(body=content, content_type="audio/wav")
