"""Deepgram, as developers.deepgram.com describes ``/v1/listen`` and ``/v1/speak``."""

import asyncio
import json
from contextlib import suppress
from typing import Any

from aiohttp import WSMsgType, web

from tests.worker.speech.providers.contract import HEARD, SPEECH
from tests.worker.speech.providers.fakes.server import (
    SECRET,
    FakeProvider,
    Fault,
    cut,
)

RATES = {"8000", "16000", "24000", "32000", "48000"}
TEXT_MAX = 2_000


class FakeDeepgram(FakeProvider):
    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(fault)
        self.asked: dict[str, str] = {}
        """The parameters of the last request."""
        self.keep_alives = 0
        self.closes = 0
        self._rate = 16_000
        self._told = 0

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/listen", self._listen), web.post("/v1/speak", self._speak)]

    def _refusal(self, request: web.Request) -> web.Response | None:
        self.asked = dict(request.query)
        is_known = request.headers.get("Authorization") == f"Token {SECRET}"
        if not is_known or self.fault is Fault.REFUSE:
            told = {"err_code": "INVALID_AUTH", "err_msg": f"bad key {SECRET}"}
            return web.json_response(told, status=401)
        query = request.query
        is_right = (
            self.expect(query.get("encoding") == "linear16", "encoding")
            and self.expect(query.get("sample_rate") in RATES, "sample_rate")
            and self.expect(bool(query.get("model")), "model")
        )
        return None if is_right else web.json_response({"err_code": "X"}, status=400)

    async def _listen(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        self.expect(request.query.get("channels") == "1", "channels")
        self._rate = int(request.query["sample_rate"])
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with self.counted():
            await self._converse(request, socket)
        return socket

    async def _converse(
        self, request: web.Request, socket: web.WebSocketResponse
    ) -> None:
        self._told = 0
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                self.expect(len(message.data) % 2 == 0 and message.data, "audio")
                self.audio += message.data
                if not await self._answer_audio(request, socket):
                    return
            elif not await self._answer_text(socket, json.loads(message.data)):
                return

    async def _answer_audio(
        self, request: web.Request, socket: web.WebSocketResponse
    ) -> bool:
        heard_ms = len(self.audio) * 500 // self._rate
        if self._told == 0 and heard_ms >= 200:
            self._told = 1
            if self.fault is Fault.SILENT or self.fault is Fault.SLOW:
                return True
            await socket.send_json({"type": "SpeechStarted", "timestamp": 0.1})
            await socket.send_json(result("hel", 0.0, 0.2))
        if self._told == 1 and heard_ms >= 600:
            self._told = 2
            return await self._fail(request, socket)
        if self._told == 2 and heard_ms >= 1_000:
            self._told = 3
            if self.fault not in (Fault.SILENT, Fault.SLOW):
                first, last = HEARD.split()
                await socket.send_json(result(first, 0.0, 0.5, is_final=True))
                await socket.send_json(result(last, 0.5, 0.4))
                await socket.send_json(
                    result(last, 0.5, 0.5, is_final=True, speech_final=True)
                )
        return True

    async def _fail(self, request: web.Request, socket: web.WebSocketResponse) -> bool:
        if self.fault is Fault.ERROR:
            told = {"type": "Error", "description": SECRET, "message": SECRET}
            await socket.send_json({**told, "variant": "DATA-0000"})
            await socket.close(code=1008, message=b"DATA-0000")
            return False
        if self.fault is Fault.CUT:
            cut(request)
            return False
        if self.fault is Fault.GARBAGE:
            await socket.send_str('{"type": "Results", "channel": ')
        return True

    async def _answer_text(
        self, socket: web.WebSocketResponse, message: dict[str, Any]
    ) -> bool:
        match message:
            case {"type": "KeepAlive"}:
                self.keep_alives += 1
            case {"type": "CloseStream"}:
                self.closes += 1
                if self.fault is Fault.SILENT:
                    return True
                metadata = {"type": "Metadata", "request_id": "r", "duration": 2.0}
                await socket.send_json(metadata)
                await socket.close()
                return False
            case _:
                self.wrong(f"message {message}")
        return True

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        with self.counted(), suppress(ConnectionError):
            return await self._say(request)
        return web.Response(status=500)

    async def _say(self, request: web.Request) -> web.StreamResponse:
        self.expect(request.query.get("container") == "none", "container")
        self.expect(request.content_type == "application/json", "content type")
        body = await request.json()
        self.expect(set(body) == {"text"}, "body")
        self.expect(len(body["text"]) <= TEXT_MAX, "length")
        self.texts.append(body["text"])
        if self.fault is Fault.ERROR:
            told = {"err_code": "PAYLOAD", "err_msg": f"{SECRET} at {self.http}"}
            return web.json_response(told, status=422)
        if self.fault is Fault.GARBAGE:
            return web.Response(status=302, headers={"Location": "http://10.0.0.1/"})
        return await self._send_speech(request)

    async def _send_speech(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"dg-model-name": "aura"})
        response.content_type = "audio/l16"
        response.content_length = len(SPEECH)
        if self.fault is Fault.SILENT:
            await self.go_on.wait()
        await response.prepare(request)
        half = len(SPEECH) // 2 + 1
        await response.write(SPEECH[:half])
        if self.fault is Fault.CUT:
            cut(request)
            return response
        if self.fault is Fault.SLOW:
            await asyncio.wait_for(self.go_on.wait(), 5)
        await response.write(SPEECH[half:])
        return response


def result(
    text: str,
    start: float,
    duration: float,
    *,
    is_final: bool = False,
    speech_final: bool = False,
) -> dict[str, Any]:
    """Their ``Results``."""
    words = [{"word": text, "start": start, "end": start + duration, "confidence": 0.9}]
    best = {"transcript": text, "confidence": 0.98, "words": words, "languages": ["en"]}
    return {
        "type": "Results",
        "channel_index": [0, 1],
        "start": start,
        "duration": duration,
        "is_final": is_final,
        "speech_final": speech_final,
        "channel": {"alternatives": [best]},
        "metadata": {"request_id": "r"},
        "unheard_of": {"x": 1},
    }
