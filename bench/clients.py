"""Clients of the API as the bench has them: who they are, and what they ask."""

import itertools
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jwt

from infra.laptop.clock import now_seconds
from infra.laptop.payload import HttpRequest, event_of
from infra.token import ALGORITHM, Wanted, claims_of

SECRET = "signs-the-tokens-of-the-bench-and-nothing-else"
ROOMS = "/api/v1/rooms"
DTALK = "/app"
DEVICE = "app"
WEBHOOKS_PER_CALL = 7
TOKEN_HOURS = 2

_numbers = itertools.count(1)


class Refused(Exception):
    """The API answered what the bench did not expect."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One request of one user."""

    command: str
    method: str
    path: str
    uid: str
    body: dict[str, Any] | None = None
    query: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {
            "authorization": f"Bearer {token(self.uid)}",
            "content-type": "application/json",
            "host": "abcdefghij.execute-api.us-east-1.amazonaws.com",
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        }

    @property
    def content(self) -> bytes:
        return json.dumps(self.body).encode() if self.body is not None else b""

    def event(self) -> dict[str, Any]:
        """As API Gateway hands it to the API's function."""
        request = HttpRequest(
            method=self.method,
            path=self.path,
            raw_query=self.query,
            headers=tuple(self.headers.items()),
            body=self.content,
            source_ip="203.0.113.100",
            port=443,
        )
        return event_of(request, str(uuid.uuid4()), int(now_seconds() * 1000))


Send = Callable[[Ask], Any]
"""Carries a request out and decodes its answer; raises `Refused`."""


@dataclass(slots=True)
class Pair:
    """Two people whom no other conversation has."""

    send: Send
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def caller(self) -> str:
        return f"caller-{self.number:06}"

    @property
    def callee(self) -> str:
        return f"callee-{self.number:06}"


@dataclass(slots=True)
class Conversation(Pair):
    """A caller rings a callee, both join, the callee hangs up: seven webhooks."""

    room_id: str = ""

    def create(self) -> None:
        body = {
            "creator": self.caller,
            "device_type": DEVICE,
            "rtc_type": 1,
            "uids": [self.callee],
        }
        answer = self.send(Ask("create", "POST", ROOMS, self.caller, body))
        self.room_id = answer["room_id"]

    def join(self, uid: str) -> None:
        body = {"uid": uid, "device_type": DEVICE}
        self.send(Ask("join", "POST", f"{self._place}/join", uid, body))

    def leave(self) -> None:
        body = {"uid": self.callee}
        self.send(Ask("leave", "POST", f"{self._place}/leave", self.callee, body))

    def sync(self) -> None:
        query = f"uid={self.callee}&device_type={DEVICE}"
        found = self.send(Ask("sync", "GET", f"{ROOMS}/sync", self.callee, query=query))
        if [room["room_id"] for room in found] != [self.room_id]:
            raise Refused(f"sync does not show {self.room_id}")

    @property
    def _place(self) -> str:
        return f"{ROOMS}/{self.room_id}"


@dataclass(slots=True)
class CheckedConversation(Pair):
    """Through dtalk: the callee checks the call before it rings, and answers."""

    trace_id: str = ""

    def start(self) -> None:
        body = {"groupId": "0", "invitees": [self.callee], "RTCType": 1}
        self.trace_id = self._ask("start-call", self.caller, body)["traceIdStr"]

    def check(self) -> None:
        self._ask("check-call", self.callee, self._call)

    def handle(self, uid: str, *, is_answer: bool) -> None:
        self._ask("handle-call", uid, {"answer": is_answer, **self._call})

    @property
    def _call(self) -> dict[str, Any]:
        return {"traceId": int(self.trace_id), "traceIdStr": self.trace_id}

    def _ask(self, name: str, uid: str, body: dict[str, Any]) -> Any:
        answer = self.send(Ask(name, "POST", f"{DTALK}/{name}", uid, body))
        if answer["result"] != 0:
            raise Refused(f"{name} answered {answer['result']}: {answer['message']}")
        return answer["data"]


def token(uid: str, role: str = "user") -> str:
    """Good for any stack that was given `SECRET`."""
    wanted = Wanted(uid, role, "default", TOKEN_HOURS)
    return jwt.encode(claims_of(wanted, int(now_seconds())), SECRET, ALGORITHM)


def decoded(command: str, status: int, body: str | bytes) -> Any:
    """The answer's JSON; raises `Refused` for what is no success."""
    if not 200 <= status < 300:
        raise Refused(f"{command} answered {status}: {body!r}")
    return json.loads(body)
