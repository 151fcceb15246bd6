"""What people hold: one phone a dialect, the same verbs on each, over the whole API.

Each knows its dialect's wire by heart, and nothing of the code behind it: every
answer is checked to have the dialect's shape, whatever it says.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from chalicelib.protocol.vocabulary import Role
from tests.dialects.conftest import Api, Reply

DEVICE = "PC"


@dataclass(frozen=True)
class Answer:
    """What a phone was answered."""

    code: int | str
    """0 for success; the dialect's own else."""
    data: Mapping[str, Any]

    @property
    def is_ok(self) -> bool:
        return self.code == 0

    @property
    def place(self) -> tuple[str, str]:
        """Where it was sent for media: the provider and its room."""
        media = self.data["media"]
        return media["provider"], str(media["roomId"])


class Phone(ABC):
    """Does what people do with calls, which it knows by their ids."""

    name: ClassVar[str]
    unknown: ClassVar[int | str]
    """The code for a call that there is not."""
    stranger: ClassVar[int | str]
    """The code for whom a call is none of."""
    ended: ClassVar[int | str]
    """The code for an answer that comes too late."""
    busy: ClassVar[int | str]
    """The code for a callee who is in another call."""

    def __init__(self, api: Api) -> None:
        self.api = api

    @abstractmethod
    def ring(self, caller: str, callee: str) -> Answer: ...

    @abstractmethod
    def ring_group(self, caller: str, *callees: str) -> Answer: ...

    @abstractmethod
    def call_id(self, rung: Answer) -> str:
        """Of the call that `ring` was answered with."""

    @abstractmethod
    def answer(self, uid: str, call_id: str) -> Answer: ...

    @abstractmethod
    def leave(self, uid: str, call_id: str) -> Answer:
        """Hang up, reject or cancel: the call's state decides."""


class TgoRTC(Phone):
    name = "tgortc"
    unknown, stranger, ended, busy = 400, 400, 400, 409
    rooms = "/api/v1/rooms"

    def ring(self, caller: str, callee: str) -> Answer:
        return self._ring(caller, [callee], 2)

    def ring_group(self, caller: str, *callees: str) -> Answer:
        return self._ring(caller, list(callees), 8)

    def _ring(self, caller: str, callees: list[str], most: int) -> Answer:
        body = {
            "creator": caller,
            "device_type": DEVICE,
            "rtc_type": 1,
            "invite_on": 1,
            "uids": callees,
            "max_participants": most,
        }
        return self._read(self.api.post(self.rooms, body, caller))

    def call_id(self, rung: Answer) -> str:
        return str(rung.data["room_id"])

    def answer(self, uid: str, call_id: str) -> Answer:
        body = {"uid": uid, "device_type": DEVICE}
        return self._read(self.api.post(f"{self.rooms}/{call_id}/join", body, uid))

    def leave(self, uid: str, call_id: str) -> Answer:
        path = f"{self.rooms}/{call_id}/leave"
        return self._read(self.api.post(path, {"uid": uid}, uid))

    def end(self, uid: str, call_id: str) -> Answer:
        return self._read(self.api.post(f"{self.rooms}/{call_id}/end", {}, uid))

    def shown(self, uid: str) -> list[str]:
        """Ids of the calls that ring the user or hold it."""
        query = f"uid={uid}&device_type={DEVICE}"
        reply = self.api.get(f"{self.rooms}/sync", uid, query=query)
        assert reply.status == 200
        return [room["room_id"] for room in reply.json]

    def memberships(self, *uids: str) -> dict[str, tuple[str, int]]:
        """Who is in which call, 0 being rung or 1 joined, as a server asks."""
        path = "/api/v1/participants/calling"
        reply = self.api.post(path, {"uids": uids}, "shop", role=Role.SERVER)
        return {one["uid"]: (one["room_id"], one["status"]) for one in reply.json}

    def _read(self, reply: Reply) -> Answer:
        if reply.status == 200:
            return Answer(0, reply.json)
        check_tgortc(reply)
        return Answer(reply.status, reply.json)


class DTalk(Phone):
    name = "dtalk"
    unknown, stranger, ended, busy = -1007, -1019, -10102, -10101

    def ring(self, caller: str, callee: str) -> Answer:
        body = {"groupId": "0", "invitees": [callee], "RTCType": 2}
        return self._ask("start-call", caller, body)

    def ring_group(self, caller: str, *callees: str) -> Answer:
        body = {"groupId": "77", "invitees": callees, "RTCType": 2}
        return self._ask("start-call", caller, body)

    def call_id(self, rung: Answer) -> str:
        return str(rung.data["traceIdStr"])

    def answer(self, uid: str, call_id: str) -> Answer:
        return self._handle(uid, call_id, is_answer=True)

    def leave(self, uid: str, call_id: str) -> Answer:
        return self._handle(uid, call_id, is_answer=False)

    def check(self, uid: str, call_id: str) -> Answer:
        return self._ask("check-call", uid, self._call(call_id))

    def say_busy(self, uid: str, call_id: str) -> Answer:
        return self._ask("reply-busy", uid, self._call(call_id))

    def _handle(self, uid: str, call_id: str, *, is_answer: bool) -> Answer:
        body = {"answer": is_answer, **self._call(call_id)}
        return self._ask("handle-call", uid, body)

    def _call(self, call_id: str) -> dict[str, Any]:
        """A push would tell it; here is none."""
        call = self.api.store.calls.get(("default", call_id))
        trace_id = call.trace_id if call else 1
        return {"traceId": trace_id, "traceIdStr": str(trace_id)}

    def _ask(self, name: str, uid: str, body: Mapping[str, Any]) -> Answer:
        headers = {"fzm-device": DEVICE}
        reply = self.api.post(f"/app/{name}", body, uid, headers=headers)
        check_dtalk(reply)
        return Answer(reply.json["result"], reply.json["data"] or {})


class OpenChat(Phone):
    name = "openchat"
    unknown, stranger, ended, busy = 404, 403, 409, 409
    rooms = "/im/api/v1/rtc/rooms"

    def ring(self, caller: str, callee: str) -> Answer:
        body = {
            "type": "p2p",
            "callerId": caller,
            "calleeId": callee,
            "mediaType": "video",
        }
        return self._read(self.api.post(self.rooms, body, caller), 201)

    def ring_group(self, caller: str, *callees: str) -> Answer:
        body = {"type": "group", "participants": callees, "mediaType": "video"}
        return self._read(self.api.post(self.rooms, body, caller), 201)

    def call_id(self, rung: Answer) -> str:
        return str(rung.data["id"])

    def answer(self, uid: str, call_id: str) -> Answer:
        return self._read(self.api.post(f"{self.rooms}/{call_id}/join", {}, uid), 201)

    def leave(self, uid: str, call_id: str) -> Answer:
        return self._read(self.api.post(f"{self.rooms}/{call_id}/leave", {}, uid))

    def end(self, uid: str, call_id: str) -> Answer:
        return self._read(self.api.post(f"{self.rooms}/{call_id}/end", {}, uid))

    def room(self, uid: str, call_id: str) -> Answer:
        return self._read(self.api.get(f"{self.rooms}/{call_id}", uid))

    def members(self, uid: str, call_id: str) -> dict[str, str]:
        """Every member's status."""
        reply = self.api.get(f"{self.rooms}/{call_id}/participants", uid)
        data = self._read(reply).data["data"]
        return {member["userId"]: member["status"] for member in data}

    def _read(self, reply: Reply, success: int = 200) -> Answer:
        if reply.status == success:
            assert reply.json["code"] == 0
            return Answer(0, reply.json)
        check_openchat(reply)
        return Answer(reply.status, reply.json)


PHONES: tuple[type[Phone], ...] = (TgoRTC, DTalk, OpenChat)


def check_tgortc(reply: Reply) -> None:
    """A refusal in its shape."""
    assert 400 <= reply.status < 500
    assert set(reply.json) == {"code", "message"}
    assert reply.json["code"] == reply.status and reply.json["message"]


check_activecall = check_tgortc
"""Both have the same."""


def check_dtalk(reply: Reply) -> None:
    """Any answer in its shape; what reaches a route is 200 whatever it says."""
    assert reply.status in (200, 404, 405, 415)
    assert reply.status == 200 or reply.json["result"] < 0
    assert set(reply.json) == {"result", "message", "data"}
    assert isinstance(reply.json["result"], int) and reply.json["message"]
    assert reply.json["result"] != -1000


def check_openchat(reply: Reply) -> None:
    """A refusal in its shape."""
    assert 400 <= reply.status < 500
    body = reply.json
    assert body["success"] is False and body["code"] == reply.status
    assert set(body["error"]) == {
        *("code", "type", "message", "module", "severity", "solution")
    }
    assert body["error"]["message"] == body["message"] != ""
    assert {"timestamp", "path", "requestId"} <= set(body)


def check_v1(reply: Reply) -> None:
    """Any answer in its shape; a refusal has a word and a sentence, and no more."""
    assert reply.status < 500
    if reply.status >= 400:
        assert set(reply.json) == {"code", "message"}
        assert all(isinstance(text, str) and text for text in reply.json.values())
