"""A server of sound files, as an application has one."""

import io
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from aiohttp import web
from aiohttp.test_utils import TestServer

RATE = 16_000
LOUDEST = 8_000


def noise(seconds: float, seed: int) -> bytes:
    """Samples at 16 kHz of which no two frames are alike."""
    draws = np.random.default_rng(seed)
    drawn = draws.integers(-LOUDEST, LOUDEST, int(seconds * RATE), np.int16)
    return drawn.tobytes()


def wav(samples: bytes) -> bytes:
    """A file of them."""
    whole = io.BytesIO()
    with wave.open(whole, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples)
    return whole.getvalue()


@asynccontextmanager
async def served(file: bytes) -> AsyncIterator[str]:
    """Its URL, within the block."""

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=file, content_type="audio/wav")

    application = web.Application()
    application.router.add_get("/sound.wav", give)
    async with TestServer(application) as server:
        yield str(server.make_url("/sound.wav"))
