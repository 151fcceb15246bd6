"""Tencent Cloud's TextToVoice, as documented, and strict.

cloud.tencent.com/document/product/1073/37995 and, for its signature,
tencentcloud.com/document/product/1154/48911.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import re
import time
from typing import Any

from aiohttp import web

from mediaworker.runtime import clock
from tests.worker.speech.providers.contract import SPEECH
from tests.worker.speech.providers.fakes.server import (
    SECRET,
    FakeProvider,
    Fault,
    cut,
)
from tests.worker.speech.providers.fakes.tencent import SECRET_ID, subtitles

AUTHORIZATION = re.compile(
    r"TC3-HMAC-SHA256 Credential=([^/]+)/(\d{4}-\d\d-\d\d)/tts/tc3_request, "
    r"SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})"
)
TYPES: dict[str, Any] = {
    "Text": str,
    "SessionId": str,
    "Volume": (int, float),
    "Speed": (int, float),
    "VoiceType": int,
    "SampleRate": int,
    "Codec": str,
    "EnableSubtitle": bool,
    "EmotionCategory": str,
    "EmotionIntensity": int,
    "SegmentRate": int,
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def keyed(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class FakeTencentBasic(FakeProvider):
    """Speaks."""

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(fault)
        self.asked: list[dict[str, Any]] = []
        self.regions: list[str] = []
        self.answer: Any = None
        """Instead of what it would say."""

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/", self._speak)]

    def _is_signed(self, request: web.Request, body: bytes) -> bool:
        found = AUTHORIZATION.fullmatch(request.headers["Authorization"])
        if not self.expect(found is not None, "Authorization"):
            return False
        assert found is not None
        who, day, names, told = found.groups()
        stamp = request.headers["X-TC-Timestamp"]
        self.expect(who == SECRET_ID, "Credential")
        self.expect(abs(int(stamp) - clock.epoch_seconds()) < 300, "timestamp")
        right_day = time.strftime("%Y-%m-%d", time.gmtime(int(stamp)))
        self.expect(day == right_day, "date")
        self.expect({"content-type", "host"} <= set(names.split(";")), "names")
        headers = "".join(
            f"{name}:{request.headers[name].lower()}\n" for name in names.split(";")
        )
        asked = "\n".join(("POST", "/", "", headers, names, sha256(body)))
        scope = f"{day}/tts/tc3_request"
        text = "\n".join(("TC3-HMAC-SHA256", stamp, scope, sha256(asked.encode())))
        key = keyed(keyed(keyed(f"TC3{SECRET}".encode(), day), "tts"), "tc3_request")
        return self.expect(keyed(key, text).hex() == told, "signature")

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        with self.counted():
            body = await request.read()
            self.expect(request.headers["X-TC-Action"] == "TextToVoice", "Action")
            self.expect(request.headers["X-TC-Version"] == "2019-08-23", "Version")
            self.regions.append(request.headers["X-TC-Region"])
            is_signed = self._is_signed(request, body)
            if self.fault is Fault.REFUSE or not is_signed:
                return failed("AuthFailure.SignatureFailure")
            asked = json.loads(body)
            self._check(asked)
            self.asked.append(asked)
            self.texts.append(asked["Text"])
            try:
                return await self._answer(request, asked)
            except ConnectionError:
                return web.Response()

    def _check(self, asked: dict[str, Any]) -> None:
        for name, value in asked.items():
            is_right = name in TYPES and isinstance(value, TYPES[name])
            self.expect(is_right, f"{name} is {value!r}")
        most = 500 if asked["Text"].isascii() else 150
        self.expect(0 < len(asked["Text"]) <= most, "Text")
        self.expect(asked["SampleRate"] in (8_000, 16_000, 24_000), "SampleRate")
        self.expect(-10 <= asked["Volume"] <= 10, "Volume")
        self.expect(-2 <= asked["Speed"] <= 6, "Speed")
        self.expect(asked["Codec"] == "pcm", "Codec")

    async def _answer(
        self, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        match self.fault:
            case Fault.ERROR:
                return failed("LimitExceeded.AccessLimit")
            case Fault.GARBAGE:
                return web.Response(text="<html></html>")
            case Fault.CUT:
                cut(request)
            case Fault.SILENT:
                await self._is_gone(request)
            case _:
                pass
        told = {
            "Audio": base64.b64encode(SPEECH).decode(),
            "SessionId": asked["SessionId"],
            "Subtitles": subtitles(asked["Text"]) if asked["EnableSubtitle"] else [],
            "RequestId": "af56d2c0",
            "Undocumented": None,
        }
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        body = json.dumps(self.answer or {"Response": told}).encode()
        await response.write(body[:100])
        if self.fault is Fault.SLOW:
            await self.go_on.wait()
        await response.write(body[100:])
        await response.write_eof()
        return response

    async def _is_gone(self, request: web.Request) -> None:
        for _ in range(1_000):
            if request.transport is None:
                return
            await asyncio.sleep(0.01)


def failed(code: str) -> web.Response:
    error = {"Code": code, "Message": f"https://there/?key={SECRET}"}
    return web.json_response({"Response": {"Error": error, "RequestId": "ed93f3cb"}})
