"""What people hold: one phone a dialect, and the same verbs on each."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from infra.demo.client import Refused
from infra.demo.stage import Stage

VIDEO = 2
"""dtalk's; its 1 is audio alone."""


class Phone(ABC):
    """Does what people do with calls, which it knows by their ids."""

    name: ClassVar[str]

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def ring(self, caller: str, *callees: str, **more: Any) -> str:
        """The call; raises `Refused`."""
        self._tell(f"{caller} rings {' and '.join(callees)}")
        call_id, media = self._ring(caller, callees, more)
        self._stage.calls.append(call_id)
        self._stage.enter(caller, media)
        return call_id

    def answer(self, who: str, call_id: str) -> None:
        self._stage.enter(who, self._answer(who, call_id))
        self._tell(f"{who} answers")

    def reject(self, who: str, call_id: str) -> None:
        self._leave(who, call_id)
        self._tell(f"{who} rejects")

    def cancel(self, who: str, call_id: str) -> None:
        self._leave(who, call_id)
        self._tell(f"{who} cancels")

    def hang_up(self, who: str, call_id: str) -> None:
        self._leave(who, call_id)
        self._tell(f"{who} hangs up")

    def _tell(self, what: str) -> None:
        self._stage.tell(what, self.name)

    def _post(self, path: str, who: str, body: dict[str, Any]) -> Any:
        return self._stage.client.call("POST", path, self._stage.name(who), body)

    @abstractmethod
    def _ring(
        self, caller: str, callees: tuple[str, ...], more: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """The call's id, and where its media is."""

    @abstractmethod
    def _answer(self, who: str, call_id: str) -> dict[str, Any]:
        """Where the media is."""

    @abstractmethod
    def _leave(self, who: str, call_id: str) -> None:
        """What that is, the call's state decides."""


class TgoRTC(Phone):
    name = "TgoRTC"
    path = "/api/v1/rooms"

    def come_in(self, who: str, call_id: str) -> None:
        """The caller too, once it is connected."""
        self._answer(who, call_id)
        self._tell(f"{who} is connected")

    def invite(self, by: str, who: str, call_id: str) -> None:
        body = {"uids": [self._stage.name(who)]}
        self._post(f"{self.path}/{call_id}/invite", by, body)
        self._tell(f"{by} invites {who}")

    def _ring(
        self, caller: str, callees: tuple[str, ...], more: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        body = {
            "creator": self._stage.name(caller),
            "device_type": "app",
            "rtc_type": 1,
            "invite_on": 1,
            "uids": [self._stage.name(who) for who in callees],
            **more,
        }
        room = self._post(self.path, caller, body)
        return room["room_id"], room["media"]

    def _answer(self, who: str, call_id: str) -> dict[str, Any]:
        body = {"uid": self._stage.name(who), "device_type": "web"}
        room = self._post(f"{self.path}/{call_id}/join", who, body)
        return dict(room["media"])

    def _leave(self, who: str, call_id: str) -> None:
        body = {"uid": self._stage.name(who)}
        self._post(f"{self.path}/{call_id}/leave", who, body)


class DTalk(Phone):
    name = "dtalk"

    def check(self, who: str, call_id: str) -> None:
        """As its phones do before they ring."""
        found = self._ask("check-call", who, self._call(call_id))
        caller = self._stage.who(found["caller"])
        self._tell(f"{who}'s phone rings: it is {caller}")

    def say_busy(self, who: str, call_id: str) -> None:
        self._ask("reply-busy", who, self._call(call_id))
        self._tell(f"{who} is on another line, and says so")

    def _ring(
        self, caller: str, callees: tuple[str, ...], more: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        invitees = [self._stage.name(who) for who in callees]
        body = {"groupId": "0", "invitees": invitees, "RTCType": VIDEO}
        call = self._ask("start-call", caller, body)
        return call["traceIdStr"], call["media"]

    def _answer(self, who: str, call_id: str) -> dict[str, Any]:
        return dict(self._handle(who, call_id, is_answer=True)["media"])

    def _leave(self, who: str, call_id: str) -> None:
        self._handle(who, call_id, is_answer=False)

    def _handle(self, who: str, call_id: str, *, is_answer: bool) -> Any:
        body = {"answer": is_answer, **self._call(call_id)}
        return self._ask("handle-call", who, body)

    def _call(self, call_id: str) -> dict[str, Any]:
        trace_id = self._stage.trace_id(call_id)
        return {"traceId": int(trace_id), "traceIdStr": trace_id}

    def _ask(self, name: str, who: str, body: dict[str, Any]) -> Any:
        answer = self._post(f"/app/{name}", who, body)
        if answer["result"] != 0:
            raise Refused(answer["result"], answer["message"])
        return answer["data"]


class OpenChat(Phone):
    name = "OpenChat"
    path = "/im/api/v1/rtc/rooms"

    def end(self, who: str, call_id: str) -> None:
        self._post(f"{self.path}/{call_id}/end", who, {})
        self._tell(f"{who} ends the call for both")

    def _ring(
        self, caller: str, callees: tuple[str, ...], more: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        (callee,) = callees
        body = {
            "type": "p2p",
            "callerId": self._stage.name(caller),
            "calleeId": self._stage.name(callee),
            "mediaType": "video",
        }
        room = self._post(self.path, caller, body)
        return room["id"], room["media"]

    def _answer(self, who: str, call_id: str) -> dict[str, Any]:
        return dict(self._post(f"{self.path}/{call_id}/join", who, {})["media"])

    def _leave(self, who: str, call_id: str) -> None:
        self._post(f"{self.path}/{call_id}/leave", who, {})
