"""Transcribe's socket and Polly's requests, as documented, and strict.

docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html; for Polly,
botocore's own model of the service. Signatures are checked by botocore.
"""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from mediaworker.speech.providers.eventstream import packed
from tests.worker.speech.providers.contract import SPEECH
from tests.worker.speech.providers.fakes.server import (
    SECRET,
    FakeProvider,
    Fault,
    cut,
)
from tests.worker.speech.providers.fakes.sockets import (
    DELTA,
    FINAL,
    SECOND_BYTES,
    UNEVEN,
    SocketFake,
)

KEY_ID, REGION = "AKIDEXAMPLE", "eu-west-1"
AUDIO = {
    ":message-type": "event",
    ":event-type": "AudioEvent",
    ":content-type": "application/octet-stream",
}
LISTENING = {"language-code", "media-encoding", "sample-rate"}
SIGNING = {
    *("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires"),
    *("X-Amz-SignedHeaders", "X-Amz-Signature"),
}
MARK_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")


def is_signed_url(request: web.Request, token: str | None, region: str) -> bool:
    """By the only key that there is."""
    url, _, told = str(request.url).rpartition("&X-Amz-Signature=")
    again = AWSRequest(method="GET", url=url)
    again.context["timestamp"] = request.query["X-Amz-Date"]
    who = Credentials(KEY_ID, SECRET, token)
    auth = SigV4QueryAuth(who, "transcribe", region)
    text = auth.string_to_sign(again, auth.canonical_request(again))
    return bool(auth.signature(text, again) == told)


def is_signed_post(request: web.Request, body: bytes, region: str) -> bool:
    """By the only key that there is."""
    headers = {"Content-Type": request.headers["Content-Type"]}
    stamp = request.headers["X-Amz-Date"]
    url = f"http://{request.host}{request.path}"
    again = AWSRequest(method="POST", url=url, data=body, headers=headers)
    again.headers["X-Amz-Date"] = stamp
    again.context["timestamp"] = stamp
    auth = SigV4Auth(Credentials(KEY_ID, SECRET), "polly", region)
    text = auth.string_to_sign(again, auth.canonical_request(again))
    told = request.headers["Authorization"].rpartition("Signature=")[2]
    return bool(auth.signature(text, again) == told)


class FakeTranscribe(SocketFake):
    """Listens."""

    def __init__(self, fault: Fault | None = None, token: str | None = None) -> None:
        super().__init__(fault)
        self.token = token
        self.asked: list[dict[str, str]] = []
        self.said_end = False

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/stream-transcription-websocket", self.serve)]

    def refused(self, request: web.Request) -> web.Response | None:
        query = dict(request.query)
        self.asked.append(query)
        self.expect(set(query) >= LISTENING | SIGNING, f"query {sorted(query)}")
        self.expect(query["media-encoding"] == "pcm", "media-encoding")
        self.expect(int(query["sample-rate"]) in (8_000, 16_000), "sample-rate")
        self.expect(0 < int(query["X-Amz-Expires"]) <= 300, "X-Amz-Expires")
        self.expect(query.get("X-Amz-Security-Token") == self.token, "token")
        is_right = is_signed_url(request, self.token, REGION)
        if self.fault is Fault.REFUSE or not self.expect(is_right, "signature"):
            return web.json_response({"message": f"{SECRET} is wrong"}, status=403)
        return None

    async def talk(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        has_told = False
        while (message := await self.received(socket)) is not None:
            assert isinstance(message, bytes)
            samples = self._samples(message)
            if not samples:
                self.said_end = True
                await socket.send_bytes(transcript([]))
                return
            self.audio += samples
            if await self.strike(request, socket):
                return
            if self.fault is Fault.ERROR:
                await socket.send_bytes(exception("LimitExceededException"))
                return
            is_heard = len(self.audio) >= SECOND_BYTES and self.fault is not Fault.SLOW
            if is_heard and not has_told:
                has_told = True
                await socket.send_bytes(packed({**EVENT, ":event-type": "New"}, b"{}"))
                await socket.send_bytes(transcript([result(DELTA, is_partial=True)]))
                await socket.send_bytes(transcript([result(FINAL, is_partial=False)]))

    def _samples(self, message: bytes) -> bytes:
        buffer = EventStreamBuffer()
        buffer.add_data(message)
        (event,) = list(buffer)
        headers: Any = event.headers
        self.expect(headers == AUDIO, f"headers {headers}")
        self.expect(len(event.payload) <= 32_000, "size")
        return bytes(event.payload)


EVENT = {":message-type": "event", ":content-type": "application/json"}


def transcript(results: list[dict[str, Any]]) -> bytes:
    headers = {**EVENT, ":event-type": "TranscriptEvent"}
    told = {"Transcript": {"Results": results}, "Undocumented": [None]}
    return packed(headers, json.dumps(told).encode())


def exception(kind: str) -> bytes:
    headers = {
        ":message-type": "exception",
        ":content-type": "application/json",
        ":exception-type": kind,
    }
    return packed(headers, json.dumps({"Message": f"https://{SECRET}"}).encode())


def result(text: str, *, is_partial: bool) -> dict[str, Any]:
    items = [
        {
            "StartTime": 0.1 + 0.3 * number,
            "EndTime": 0.35 + 0.3 * number,
            "Type": "pronunciation",
            "Content": word,
            "VocabularyFilterMatch": False,
            **({} if is_partial else {"Confidence": 0.9 + 0.05 * number}),
        }
        for number, word in enumerate(text.split())
    ]
    return {
        "ResultId": "f2a1",
        "StartTime": 0.05,
        "EndTime": 0.95,
        "IsPartial": is_partial,
        "Alternatives": [{"Transcript": text, "Items": items}],
    }


class FakePolly(FakeProvider):
    """Speaks."""

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(fault)
        self.asked: list[dict[str, Any]] = []
        self.has_marks = True
        model = ServiceModel(Loader().load_service_model("polly", "service-2"))
        self._shape: Any = model.operation_model("SynthesizeSpeech").input_shape

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v1/speech", self._speak)]

    async def _speak(self, request: web.Request) -> web.StreamResponse:
        with self.counted():
            body = await request.read()
            is_right = is_signed_post(request, body, REGION)
            if self.fault is Fault.REFUSE or not self.expect(is_right, "signature"):
                return web.json_response({"message": f"{SECRET} is wrong"}, status=403)
            asked = json.loads(body)
            self._check(asked)
            self.asked.append(asked)
            if asked["OutputFormat"] == "json":
                return self._tell_marks(asked)
            self.texts.append(asked["Text"])
            return await self._answer(request)

    def _check(self, asked: Mapping[str, Any]) -> None:
        report = ParamValidator().validate(asked, self._shape)
        self.expect(not report.has_errors(), report.generate_report())
        for name in ("Engine", "LanguageCode", "OutputFormat", "TextType", "VoiceId"):
            known = self._shape.members[name].enum
            self.expect(asked.get(name, known[0]) in known, name)
        self.expect(len(asked["Text"]) <= 3_000, "Text")
        rate = asked.get("SampleRate")
        is_speech = asked["OutputFormat"] == "pcm"
        self.expect(rate in (("8000", "16000") if is_speech else (None,)), "SampleRate")

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if self.fault is Fault.ERROR:
            told = {"message": f"https://{SECRET}"}
            return web.json_response(told, status=500)
        if self.fault is Fault.GARBAGE and request.transport is not None:
            request.transport.write(b"\x00\x01 no HTTP at all\r\n\r\n")
            request.transport.close()
        answer = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        await answer.prepare(request)
        for start in range(0, len(SPEECH), UNEVEN):
            await answer.write(SPEECH[start : start + UNEVEN])
            if self.fault is Fault.CUT:
                cut(request)
            if self.fault is Fault.SILENT:
                await self._is_gone(request)
            if self.fault is Fault.SLOW:
                await self.go_on.wait()
        await answer.write_eof()
        return answer

    async def _is_gone(self, request: web.Request) -> None:
        for _ in range(1_000):
            if request.transport is None:
                return
            await asyncio.sleep(0.01)

    def _tell_marks(self, asked: Mapping[str, Any]) -> web.Response:
        if not self.has_marks:
            return web.json_response({"message": "no marks"}, status=400)
        self.expect(asked["SpeechMarkTypes"] == ["word"], "SpeechMarkTypes")
        text = asked["Text"].encode()
        if asked.get("TextType") == "ssml":
            text = re.sub(rb"<[^>]*>", lambda tag: bytes(len(tag[0])), text)
        lines = [
            {
                "time": 250 * number,
                "type": "word",
                "start": word.start(),
                "end": word.end(),
                "value": word[0].decode(),
            }
            for number, word in enumerate(MARK_WORD.finditer(text))
        ]
        told = "".join(json.dumps(line) + "\n" for line in lines)
        return web.Response(text=told, content_type="application/x-json-stream")
