"""A client of OpenChat's API, and the two shapes that every answer has."""

from dataclasses import dataclass
from typing import Any

from tests.dialects.conftest import Api, Reply

RTC = "/im/api/v1/rtc"
ROOMS = f"{RTC}/rooms"
CREATE = {
    "type": "p2p",
    "callerId": "alice",
    "calleeId": "bob",
    "mediaType": "video",
}
ERROR_KEYS = {
    "success",
    "code",
    "message",
    "error",
    "timestamp",
    "path",
    "requestId",
}


@dataclass(frozen=True)
class Rooms:
    """Alice's rooms, unless ``uid`` says otherwise."""

    api: Api

    def create(self, uid: str = "alice", **changes: Any) -> Reply:
        body = {**CREATE, "callerId": uid, **changes}
        return self.api.post(ROOMS, body, uid)

    def group(self, *participants: str, **changes: Any) -> str:
        body = {"type": "group", "participants": participants, **changes}
        return str(self.api.post(ROOMS, body).json["id"])

    def begin(self, **changes: Any) -> str:
        return str(self.create(**changes).json["id"])

    def act(self, room_id: str, verb: str, uid: str = "alice", **how: Any) -> Reply:
        return self.api.post(f"{ROOMS}/{room_id}/{verb}", None, uid, **how)

    def show(self, room_id: str, uid: str = "alice", **how: Any) -> Reply:
        return self.api.get(f"{ROOMS}/{room_id}", uid, **how)

    def statuses(self, room_id: str, uid: str = "alice") -> dict[str, str]:
        reply = self.api.get(f"{ROOMS}/{room_id}/participants", uid)
        return {member["userId"]: member["status"] for member in reply.json["data"]}


def data_of(reply: Reply) -> Any:
    """What the SDK makes of an answer, once it is as the SDK needs it."""
    body = reply.json
    assert (body["code"], body["message"]) == (0, "ok")
    assert "data" in body
    return body["data"]


def assert_refused(reply: Reply, status: int, code: str, message: str = "") -> None:
    """In OpenChat's shape, with what the SDK shows beside it."""
    body = reply.json
    assert (reply.status, set(body)) == (status, ERROR_KEYS)
    error = body["error"]
    assert (body["success"], body["code"], error["code"]) == (False, status, code)
    assert body["message"] == error["message"] != ""
    assert message in body["message"]
    assert set(error) == {"code", "type", "message", "module", "severity", "solution"}
    assert set(error["solution"]) == {"description", "actions"}
    assert body["timestamp"].endswith("Z")
