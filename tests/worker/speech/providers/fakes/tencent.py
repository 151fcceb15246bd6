"""Tencent Cloud's two sockets, as documented, and strict.

cloud.tencent.com/document/product/1093/48982 and .../1073/108595.
"""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from mediaworker.runtime import clock
from tests.worker.speech.providers.fakes.server import SECRET, Fault
from tests.worker.speech.providers.fakes.sockets import (
    DELTA,
    FINAL,
    SECOND_BYTES,
    SocketFake,
)

APP_ID, SECRET_ID = "1259000000", "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE"
ENGINES = (
    *("8k_zh", "8k_en", "8k_zh_large", "16k_zh", "16k_en", "16k_zh-TW", "16k_ja"),
    *("16k_zh_large", "16k_multi_lang", "16k_fr"),
)
LISTENING = {
    *("engine_model_type", "expired", "nonce", "secretid", "timestamp"),
    *("voice_format", "voice_id", "signature"),
}
OPTIONAL = {
    *("needvad", "hotword_id", "vad_silence_time", "filter_empty_result"),
    *("input_sample_rate", "word_info", "max_speak_time"),
}
SPEAKING = {
    *("Action", "AppId", "SecretId", "Timestamp", "Expired", "SessionId"),
    *("VoiceType", "Volume", "Speed", "SampleRate", "Codec", "EnableSubtitle"),
    "Signature",
}
CHUNKS = {"8k": 640, "16k": 1_280}


class FakeTencent(SocketFake):
    """Listens and speaks."""

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(fault)
        self.asked: list[dict[str, str]] = []
        """The queries that came."""
        self.said_end = False

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/asr/v2/{app_id}", self.serve),
            web.get("/stream_wsv2", self.serve),
        ]

    async def talk(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        query = dict(parse_qsl(request.query_string, strict_parsing=True))
        self.asked.append(query)
        if request.path == "/stream_wsv2":
            await self._speak(request, socket, query)
        else:
            await self._listen(request, socket, query)

    def _check(
        self, request: web.Request, query: dict[str, str], method: str, name: str
    ) -> bool:
        """Whether the signature is right; the client's other wrongs are noted."""
        names = {key.lower(): key for key in query}
        started, ends = int(query[names["timestamp"]]), int(query[names["expired"]])
        self.expect(abs(started - clock.epoch_seconds()) < 60, "timestamp")
        self.expect(started < ends < started + 90 * 86_400, "expired")
        self.expect(query[names["secretid"]] == SECRET_ID, "secretid")
        plain = "&".join(f"{key}={query[key]}" for key in sorted(query) if key != name)
        text = f"{method}{request.host}{request.path}?{plain}".encode()
        right = base64.b64encode(hmac.digest(SECRET.encode(), text, hashlib.sha1))
        return self.expect(query[name].encode() == right, "signature")

    async def _listen(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        query: dict[str, str],
    ) -> None:
        unknown = set(query) - LISTENING - OPTIONAL
        self.expect(set(query) >= LISTENING and not unknown, f"query {sorted(query)}")
        self.expect(query["engine_model_type"] in ENGINES, "engine_model_type")
        self.expect(query["voice_format"] == "1", "voice_format")
        self.expect(1 <= len(query["voice_id"]) <= 128, "voice_id")
        self.expect(query["nonce"].isdigit() and len(query["nonce"]) <= 10, "nonce")
        self.expect(request.match_info["app_id"] == APP_ID, "app id")
        is_right = self._check(request, query, "", "signature")
        told = _Told(socket, query["voice_id"])
        if self.fault is Fault.REFUSE or not is_right:
            await told.tell(code=4002, message=f"{query['secretid']} and {SECRET}")
            return
        await told.tell()
        size = CHUNKS[query["engine_model_type"].partition("_")[0]]
        if query.get("input_sample_rate") == "8000":
            size = CHUNKS["8k"]
        await self._hear(request, socket, told, size)

    async def _hear(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        told: "_Told",
        size: int,
    ) -> None:
        is_last = has_told = False
        while (message := await self.received(socket)) is not None:
            if isinstance(message, str):
                self.expect(json.loads(message) == {"type": "end"}, "text")
                self.said_end = True
                await told.tell(final=1)
                return
            self.expect(not is_last and 0 < len(message) <= size, "chunk")
            is_last = len(message) < size
            self.audio += message
            if await self.strike(request, socket):
                return
            if self.fault is Fault.ERROR:
                await told.tell(code=4006, message=f"wss://there/?secret={SECRET}")
                return
            is_heard = len(self.audio) >= SECOND_BYTES * size // CHUNKS["16k"]
            if is_heard and not has_told and self.fault is not Fault.SLOW:
                has_told = True
                await _tell_phrase(told)

    async def _speak(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        query: dict[str, str],
    ) -> None:
        missing = SPEAKING - set(query)
        self.expect(not missing, f"query lacks {sorted(missing)}")
        self.expect(query["Action"] == "TextToStreamAudioWSv2", "Action")
        self.expect(query["AppId"] == APP_ID, "AppId")
        self.expect(query["Codec"] == "pcm", "Codec")
        self.expect(query["SampleRate"] in ("8000", "16000", "24000"), "SampleRate")
        self.expect(-2 <= float(query["Speed"]) <= 6, "Speed")
        self.expect(-10 <= float(query["Volume"]) <= 10, "Volume")
        self.expect(query["VoiceType"].isdigit(), "VoiceType")
        self.expect(query["EnableSubtitle"] in ("true", "false"), "EnableSubtitle")
        is_right = self._check(request, query, "GET", "Signature")
        told = _Told(socket, query["SessionId"])
        if self.fault is Fault.REFUSE or not is_right:
            await told.tell(code=10003, message=f"{query['SecretId']} and {SECRET}")
            return
        await told.tell(heartbeat=1)
        await told.tell(ready=1)
        text = await self._text(socket, query["SessionId"])
        if text is None or await self.strike(request, socket):
            return
        self.texts.append(text)
        if self.fault is Fault.ERROR:
            await told.tell(code=20000, message=f"https://there/?secret={SECRET}")
            return
        await self.send_speech(socket)
        if query["EnableSubtitle"] == "true":
            await told.tell(result={"subtitles": subtitles(text), "later": None})
        await told.tell(final=1)

    async def _text(self, socket: web.WebSocketResponse, session: str) -> str | None:
        """All that it shall say."""
        text = ""
        while (message := await self.received(socket)) is not None:
            asked = json.loads(message)
            keys = {"session_id", "message_id", "action", "data"}
            self.expect(set(asked) == keys, "keys")
            self.expect(asked["session_id"] == session, "session_id")
            if asked["action"] == "ACTION_COMPLETE":
                return text
            self.expect(asked["action"] == "ACTION_SYNTHESIS", "action")
            text += asked["data"]
        return None


class _Told:
    """What the server says, with what nobody documented."""

    def __init__(self, socket: web.WebSocketResponse, number: str) -> None:
        self._socket = socket
        self._number = number
        self._count = 0

    async def tell(self, **fields: Any) -> None:
        self._count += 1
        names = {
            "voice_id": self._number,
            "message_id": f"{self._number}_{self._count}",
        }
        common = {"code": 0, "message": "success", "undocumented": [1], **names}
        await self._socket.send_str(json.dumps({**common, **fields}))


async def _tell_phrase(told: _Told) -> None:
    said = ((0, 300, ""), (1, 600, DELTA), (2, 900, FINAL))
    for kind, end_ms, text in said:
        result = {
            "slice_type": kind,
            "index": 0,
            "start_time": 100,
            "end_time": end_ms,
            "voice_text_str": text,
            "word_size": 0,
            "word_list": [],
        }
        await told.tell(result=result)


def subtitles(text: str) -> list[dict[str, Any]]:
    """A quarter of a second for each word."""
    found: list[dict[str, Any]] = []
    at = 0
    for number, word in enumerate(text.replace(",", " ").replace(".", " ").split()):
        at = text.index(word, at)
        times = {"BeginTime": 250 * number, "EndTime": 250 * number + 240}
        indexes = {"BeginIndex": at, "EndIndex": at + len(word)}
        found.append({"Text": word, **times, **indexes, "Phoneme": None})
    return found
