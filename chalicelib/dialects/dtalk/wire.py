"""dtalk's JSON: requests in, calls and errors out, all in one envelope."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.dialects.dtalk.signature import SignatureExpired
from chalicelib.dialects.identity import Forbidden
from chalicelib.dialects.media import render_media
from chalicelib.dialects.requests import MalformedRequest, Request
from chalicelib.domain import errors
from chalicelib.domain.call import TWO_PERSON, Call
from chalicelib.protocol.claims import UID_MAX_LENGTH
from chalicelib.protocol.tokens import Unauthenticated
from chalicelib.protocol.vocabulary import CallState, MediaType
from chalicelib.services.calls import CommandReused
from chalicelib.services.identity.limits import LimitReached
from chalicelib.services.ports import JoinCredentials, TrtcTicket
from chalicelib.services.repetition import StillRunning
from chalicelib.services.retries import Unavailable

PREFIXES = ("/app", "/call/app")
"""The second is a gateway's, and what the mobile clients post to."""
DEVICE_HEADER = "fzm-device"
DEVICE_TYPE_MAX_LENGTH = 20
GROUP_ID = "groupId"
PRIVATE = "0"
INT64 = range(-(2**63), 2**63)

TEXTS = {
    0: "OK",
    -1000: "服务器繁忙，请稍后重试",
    -1007: "无对应信息",
    -1010: "无效签名",
    -1011: "签名过期",
    -1012: "请求参数错误",
    -1019: "权限不足",
    -2000: "未支持该功能",
    -10101: "对方在忙,请稍后再试",
    -10102: "通话已过期",
}
BUSY_SERVER = -1000
MALFORMED = -1012

ERRORS: dict[type[Exception], int] = {
    MalformedRequest: MALFORMED,
    CommandReused: MALFORMED,
    StillRunning: BUSY_SERVER,
    Unauthenticated: -1010,
    SignatureExpired: -1011,
    Forbidden: -1019,
    LimitReached: BUSY_SERVER,
    Unavailable: BUSY_SERVER,
    errors.CallNotFound: -1007,
    errors.CallEnded: -10102,
    errors.CallFull: MALFORMED,
    errors.CreatorBusy: -10101,
    errors.ParticipantBusy: -10101,
    errors.NotParticipant: -1019,
    errors.AnsweredElsewhere: -10102,
    errors.NotInvited: -10102,
    errors.NotPermitted: -1019,
}
"""What is not here is our mistake, and answered as such."""

DETAILS: dict[type[Exception], str] = {
    CommandReused: "the Idempotency-Key was used before, for another request",
    StillRunning: "the request with this Idempotency-Key has not been answered yet",
    errors.CallFull: "the call has room for fewer",
    errors.CreatorBusy: "the caller is in another call",
}
"""What ``data`` says where the error itself does not say it."""
TELLING = (MalformedRequest, Unauthenticated, SignatureExpired, LimitReached)

STATUS_CODES = {404: -2000, 405: -2000, 415: MALFORMED, 429: BUSY_SERVER}
"""What never reaches a route."""


def envelope(data: Mapping[str, Any]) -> dict[str, Any]:
    """A success."""
    return {"result": 0, "message": TEXTS[0], "data": data}


def error_of(error: Exception) -> dict[str, Any]:
    """The body of a failure, whose status is 200 like every other's."""
    kind = type(error)
    detail = str(error) if kind in TELLING else DETAILS.get(kind)
    return _failure(ERRORS.get(kind, BUSY_SERVER), detail)


def status_of(error: Exception) -> int:
    """What HTTP would say of a failure, if dtalk let it: whose fault it is."""
    code = ERRORS.get(type(error))
    if code is None:
        return 500
    return 503 if code == BUSY_SERVER else 400


def error_of_status(status: int, request: Request) -> dict[str, Any]:
    """The body of a 404, 405 or 415 below this dialect's prefixes."""
    return _failure(STATUS_CODES[status], None)


def _failure(code: int, detail: str | None) -> dict[str, Any]:
    if code == MALFORMED and detail is not None:
        detail = f"{TEXTS[code]} with child err: {detail}"
    return {"result": code, "message": TEXTS[code], "data": detail}


@dataclass(frozen=True, slots=True)
class StartCall:
    """``start-call``."""

    group_id: str
    """Decimal; `PRIVATE` for a call between two."""
    invitees: tuple[str, ...]
    """Without the caller; one or more."""
    media_type: MediaType

    @classmethod
    def parse(cls, body: Mapping[str, Any], caller: str) -> "StartCall":
        """Raises `MalformedRequest`."""
        group_id = _group_id(body)
        invitees = _invitees(body, caller)
        if not invitees:
            raise MalformedRequest("field invitees must name another user")
        if group_id == PRIVATE and len(invitees) > 1:
            raise MalformedRequest("a private call has one invitee")
        return cls(group_id, invitees, _media_type(body))

    def max_participants(self, most: int) -> int:
        """A group's call with one other is like a private one: either ends it."""
        return most if len(self.invitees) > 1 else TWO_PERSON


@dataclass(frozen=True, slots=True)
class HandleCall:
    """``handle-call``."""

    trace_id: int
    answer: bool

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> "HandleCall":
        """Raises `MalformedRequest`."""
        answer = _required(body, "answer")
        if not isinstance(answer, bool):
            raise _mismatch("answer")
        return cls(parse_trace_id(body), answer)


def parse_trace_id(body: Mapping[str, Any]) -> int:
    """``traceIdStr`` if it says anything, else ``traceId``: either will do.

    Raises `MalformedRequest`.
    """
    text = body.get("traceIdStr")
    if text is not None and not isinstance(text, str):
        raise _mismatch("traceIdStr")
    if text:
        return _decimal("traceIdStr", text)
    return _int64("traceId", _required(body, "traceId"))


def device_type_of(request: Request) -> str:
    """``FZM-DEVICE``: iOS, Android, PC; empty without it. Raises `MalformedRequest`."""
    device_type = request.headers.get(DEVICE_HEADER, "").strip()
    if len(device_type) > DEVICE_TYPE_MAX_LENGTH or not device_type.isprintable():
        raise MalformedRequest(
            f"FZM-DEVICE has at most {DEVICE_TYPE_MAX_LENGTH} printable characters"
        )
    return device_type


def named_uid(request: Request) -> str:
    """Whom a request without credentials speaks for. Raises `MalformedRequest`."""
    named = request.query.get("uid") or request.json_object().get("uid")
    if not isinstance(named, str) or not _is_uid(named):
        raise MalformedRequest("field uid is not set")
    return named


def require_expected(call: Call, uid: str) -> None:
    """Raises `CallEnded` unless the call still waits for the user, or with it.

    Whoever is not of the call sees it for as long as anybody does.
    """
    member = call.participant(uid)
    is_waiting = call.state is CallState.WAITING
    if member is not None:
        is_waiting = member.is_ringing or (is_waiting and member.is_active)
    if not is_waiting:
        raise errors.CallEnded(call.id)


def render_call(call: Call, uid: str) -> dict[str, Any]:
    """The call as one who makes it, or is rung by it, learns of it."""
    member = call.participant(uid)
    ring_ms = call.ring_seconds * 1000
    deadline_at_ms = member.deadline_at_ms if member else None
    return {
        "traceId": call.trace_id,
        "traceIdStr": str(call.trace_id),
        "RTCType": call.media_type + 1,
        "invitees": [invitee for invitee in call.uids if invitee != call.creator],
        "caller": call.creator,
        "createTime": call.created_at_ms,
        "timeout": ring_ms,
        "deadline": deadline_at_ms or call.created_at_ms + ring_ms,
        "groupId": call.details.get(GROUP_ID, PRIVATE),
    }


def render_started(
    call: Call, uid: str, credentials: JoinCredentials
) -> dict[str, Any]:
    """``start-call``: the caller knows where it will speak."""
    return {**render_call(call, uid), "media": render_media(credentials)}


def render_ticket(ticket: TrtcTicket, credentials: JoinCredentials) -> dict[str, Any]:
    """``handle-call``: into TRTC's room, and what to use if it is not TRTC."""
    return {
        "roomId": ticket.room_id,
        "userSig": ticket.user_sig,
        "privateMapKey": ticket.private_map_key,
        "sdkAppId": ticket.sdk_app_id,
        "media": render_media(credentials),
    }


def _required(body: Mapping[str, Any], name: str) -> Any:
    value = body.get(name)
    if value is None:
        raise MalformedRequest(f"field {name} is not set")
    return value


def _mismatch(name: str) -> MalformedRequest:
    return MalformedRequest(f"error: type mismatch for field {name}")


def _group_id(body: Mapping[str, Any]) -> str:
    """Private calls go without it, and clients send groups' as numbers."""
    value = body.get(GROUP_ID)
    if value is None or value == "":
        return PRIVATE
    if isinstance(value, str):
        group_id = _decimal(GROUP_ID, value)
    else:
        group_id = _int64(GROUP_ID, value)
    if group_id < 0:
        raise _mismatch(GROUP_ID)
    return str(group_id)


def _invitees(body: Mapping[str, Any], caller: str) -> tuple[str, ...]:
    values = _required(body, "invitees")
    if not isinstance(values, list):
        raise _mismatch("invitees")
    for value in values:
        if not isinstance(value, str):
            raise _mismatch("invitees")
        if value and not _is_uid(value):
            raise MalformedRequest(
                f"an invitee has at most {UID_MAX_LENGTH} printable characters"
            )
    return tuple(uid for uid in dict.fromkeys(values) if uid not in ("", caller))


def _is_uid(text: str) -> bool:
    return 0 < len(text) <= UID_MAX_LENGTH and text.isprintable()


def _media_type(body: Mapping[str, Any]) -> MediaType:
    value = _int64("RTCType", _required(body, "RTCType"))
    if value not in (1, 2):
        raise MalformedRequest(
            f'error: value "{value}" for field "RTCType" '
            'is not defined in options "[1 2]"'
        )
    return MediaType(value - 1)


def _int64(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in INT64:
        raise _mismatch(name)
    return value


def _decimal(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise _mismatch(name)
    return _int64(name, int(text))
