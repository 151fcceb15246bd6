"""DashScope's socket for tasks, as documented, and strict.

alibabacloud.com/help/en/model-studio: paraformer-client-events,
paraformer-server-events, cosyvoice-client-events and cosyvoice-server-events.
"""

import json
import uuid
from typing import Any

from aiohttp import web

from tests.worker.speech.providers.fakes.server import SECRET, Fault
from tests.worker.speech.providers.fakes.sockets import (
    DELTA,
    FINAL,
    SECOND_BYTES,
    SocketFake,
)

RATES = {
    "paraformer-realtime-v2": (8_000, 16_000),
    "paraformer-realtime-8k-v2": (8_000,),
}
VOICE_RATES = (8_000, 16_000, 22_050, 24_000, 44_100, 48_000)
MESSAGE_MAX = 20_000
RUN = {"task_group", "task", "function", "model", "parameters", "input"}


class FakeAliyun(SocketFake):
    """Listens and speaks."""

    def __init__(self, fault: Fault | None = None) -> None:
        super().__init__(fault)
        self.models: list[str] = []
        self.asked: list[dict[str, Any]] = []
        """The parameters of tasks."""
        self.said_end = False

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api-ws/v1/inference", self.serve)]

    def refused(self, request: web.Request) -> web.Response | None:
        is_right = request.headers.get("Authorization") == f"Bearer {SECRET}"
        if self.fault is Fault.REFUSE or not self.expect(is_right, "key"):
            return web.json_response({"code": "InvalidApiKey"}, status=401)
        return None

    async def talk(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        task = Task(self, socket)
        payload = await task.run()
        if payload is None:
            return
        self.models.append(payload["model"])
        self.asked.append(payload["parameters"])
        if payload["task"] == "asr":
            await self._listen(request, socket, task, payload)
        else:
            await self._speak(request, socket, task, payload)

    async def _listen(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        task: "Task",
        payload: dict[str, Any],
    ) -> None:
        asked = payload["parameters"]
        self.expect(payload["function"] == "recognition", "function")
        self.expect(asked["format"] == "pcm", "format")
        self.expect(asked["sample_rate"] in RATES[payload["model"]], "sample_rate")
        await task.tell("task-started")
        second = SECOND_BYTES * asked["sample_rate"] // 16_000
        has_told = False
        while (message := await self.received(socket)) is not None:
            if isinstance(message, str):
                task.action(message, "finish-task")
                self.said_end = True
                await task.tell("task-finished")
                return
            self.audio += message
            if await self.strike(request, socket):
                return
            if self.fault is Fault.ERROR:
                await task.fail("CLIENT_ERROR")
                return
            is_heard = len(self.audio) >= second and self.fault is not Fault.SLOW
            if is_heard and not has_told:
                has_told = True
                await _tell_phrase(task)

    async def _speak(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        task: "Task",
        payload: dict[str, Any],
    ) -> None:
        asked = payload["parameters"]
        self.expect(payload["function"] == "SpeechSynthesizer", "function")
        self.expect(payload["task"] == "tts", "task")
        self.expect(asked["format"] == "pcm", "format")
        self.expect(asked["text_type"] == "PlainText", "text_type")
        self.expect(asked["sample_rate"] in VOICE_RATES, "sample_rate")
        self.expect(0 <= asked["volume"] <= 100, "volume")
        self.expect(0.5 <= asked["rate"] <= 2, "rate")
        self.expect(bool(asked["voice"]), "voice")
        await task.tell("task-started")
        text = await self._text(socket, task)
        if text is None or await self.strike(request, socket):
            return
        self.texts.append(text)
        if self.fault is Fault.ERROR:
            await task.fail("Throttling.RateQuota")
            return
        await _result(task, type="sentence-begin", original_text=text)
        await self.send_speech(socket)
        words = timed(text) if asked.get("word_timestamp_enabled") else []
        for number, some in enumerate((words[:2], words[2:])):
            sentence = {"index": number, "words": some}
            await _result(task, type="sentence-end", sentence=sentence)
        await task.tell("task-finished")

    async def _text(self, socket: web.WebSocketResponse, task: "Task") -> str | None:
        """All that it shall say."""
        text = ""
        while (message := await self.received(socket)) is not None:
            assert isinstance(message, str)
            if json.loads(message)["header"]["action"] == "finish-task":
                task.action(message, "finish-task")
                return text
            more = task.action(message, "continue-task")["input"]["text"]
            self.expect(len(more) <= MESSAGE_MAX, "text")
            text += more
        return None


class Task:
    """One, as both sides speak of it."""

    def __init__(self, fake: FakeAliyun, socket: web.WebSocketResponse) -> None:
        self._fake = fake
        self._socket = socket
        self._id = ""

    async def run(self) -> dict[str, Any] | None:
        """The payload of its beginning."""
        message = await self._fake.received(self._socket)
        if not self._fake.expect(isinstance(message, str), "run-task"):
            return None
        assert isinstance(message, str)
        self._id = json.loads(message)["header"]["task_id"]
        self._fake.expect(str(uuid.UUID(self._id)) == self._id, "task_id")
        payload = self.action(message, "run-task")
        self._fake.expect(set(payload) == RUN, "payload")
        self._fake.expect(payload["task_group"] == "audio", "task_group")
        self._fake.expect(payload["input"] == {}, "input")
        return payload

    def action(self, message: str, name: str) -> dict[str, Any]:
        """Its payload."""
        asked = json.loads(message)
        header = {"action": name, "task_id": self._id, "streaming": "duplex"}
        self._fake.expect(asked["header"] == header, f"header of {name}")
        payload: dict[str, Any] = asked["payload"]
        return payload

    async def tell(
        self, event: str, payload: dict[str, Any] | None = None, **header: Any
    ) -> None:
        head = {"task_id": self._id, "event": event, "attributes": {}, **header}
        told = {"header": head, "payload": payload or {}, "undocumented": [None]}
        await self._socket.send_str(json.dumps(told))

    async def fail(self, code: str) -> None:
        message = f"see https://there/?key={SECRET}"
        await self.tell("task-failed", error_code=code, error_message=message)


async def _result(task: Task, **output: Any) -> None:
    await task.tell("result-generated", {"output": output, "usage": None})


async def _tell_phrase(task: Task) -> None:
    said = ((600, False, False, DELTA), (0, False, True, ""), (900, True, False, FINAL))
    for end_ms, is_final, is_heartbeat, text in said:
        sentence: dict[str, Any] = {
            "begin_time": 100,
            "end_time": end_ms if is_final else None,
            "text": text,
            "heartbeat": is_heartbeat,
            "sentence_end": is_final,
            "words": [],
        }
        await _result(task, sentence=sentence)


def timed(text: str) -> list[dict[str, Any]]:
    """A quarter of a second for each word."""
    words = text.replace(",", " ").replace(".", " ").split()
    return [
        {
            "text": word,
            "begin_index": number,
            "end_index": number + 1,
            "begin_time": 250 * number,
            "end_time": 250 * number + 240,
        }
        for number, word in enumerate(words)
    ]
