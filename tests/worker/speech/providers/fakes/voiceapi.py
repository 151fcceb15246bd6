"""voiceapi, as its README and its ``app.py`` have it."""

import asyncio
from contextlib import suppress
from typing import Any

import numpy as np
from aiohttp import WSMsgType, web

from tests.worker.speech.providers.contract import HEARD, SPEECH
from tests.worker.speech.providers.fakes.server import FakeProvider, Fault, cut

PAUSE_MS = 1_200
"""Silence after which an utterance is finished."""


class FakeVoiceApi(FakeProvider):
    def __init__(self, fault: Fault | None = None, *, never_ends: bool = False) -> None:
        super().__init__(fault)
        self.asked: dict[str, str] = {}
        self.never_ends = never_ends
        """An utterance is never finished."""
        self._silent_ms = 0.0
        self._told = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/asr", self._listen), web.get("/tts", self._speak)]

    async def _opened(self, request: web.Request) -> web.WebSocketResponse:
        self.asked = dict(request.query)
        self.expect(request.query.get("samplerate", "").isdecimal(), "samplerate")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.fault is Fault.REFUSE:
            await socket.close()
        return socket

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        socket = await self._opened(request)
        rate = int(request.query["samplerate"])
        with self.counted(), suppress(ConnectionError):
            async for message in socket:
                is_audio = message.type is WSMsgType.BINARY
                self.expect(is_audio and len(message.data) % 2 == 0, "audio")
                self.audio += message.data
                if not await self._answer(request, socket, message.data, rate):
                    break
        return socket

    async def _answer(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        piece: bytes,
        rate: int,
    ) -> bool:
        samples = np.frombuffer(piece, "<i2")
        is_silent = not samples.any()
        ms = len(samples) * 1_000 / rate
        self._silent_ms = self._silent_ms + ms if is_silent else 0.0
        if self._told == 0 and not is_silent and len(self.audio) >= rate:
            self._told = 1
            if self.fault is Fault.CUT:
                cut(request)
                return False
            if self.fault is Fault.ERROR:
                await socket.close(code=1011)
                return False
            if self.fault is Fault.GARBAGE:
                await socket.send_str("<html>")
            if self.fault is not Fault.SILENT and self.fault is not Fault.SLOW:
                await socket.send_json(segment("hello", is_finished=False))
        if self._told == 1 and self._silent_ms >= PAUSE_MS and not self.never_ends:
            self._told = 2
            await socket.send_json(segment(HEARD, is_finished=True))
        return True

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        socket = await self._opened(request)
        with self.counted(), suppress(ConnectionError):
            async for message in socket:
                self.expect(message.type is WSMsgType.TEXT, "text")
                self.texts.append(message.data)
                await self._say(request, socket)
        return socket

    async def _say(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        if self.fault is Fault.ERROR:
            await socket.close(code=1011)
            return
        if self.fault is Fault.SILENT:
            return
        half = len(SPEECH) // 2
        await socket.send_bytes(SPEECH[:half])
        if self.fault is Fault.CUT:
            cut(request)
            return
        if self.fault is Fault.GARBAGE:
            await socket.send_str("[]")
            return
        if self.fault is Fault.SLOW:
            await asyncio.wait_for(self.go_on.wait(), 5)
        await socket.send_bytes(SPEECH[half:])
        told = {"progress": 1.0, "elapsed": "12ms", "duration": "1.00s", "size": 7}
        await socket.send_json({**told, "unheard_of": None})


def segment(text: str, *, is_finished: bool) -> dict[str, Any]:
    return {
        "text": text,
        "finished": is_finished,
        "idx": 0,
        "start": 0.0,
        "end": 0.0,
        "channel": None,
        "unheard_of": 1,
    }
