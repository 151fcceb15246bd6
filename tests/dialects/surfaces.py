"""Each dialect's endpoints, and what it says of what it cannot take."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.dialects.conftest import Reply
from tests.dialects.phones import (
    check_activecall,
    check_dtalk,
    check_openchat,
    check_tgortc,
    check_v1,
)

Body = dict[str, Any]
Code = int | str


@dataclass(frozen=True)
class Surface:
    """One dialect's endpoints, and what it says of what it cannot take."""

    name: str
    check: Callable[[Reply], None]
    code_of: Callable[[Reply], Code]
    posts: tuple[tuple[str, Body], ...]
    """Those that read a body, each with a good one."""
    gets: tuple[str, ...]
    prefixes: tuple[str, ...]
    nowhere: str
    """A path below its prefix that is none of its own."""
    malformed: Code
    unauthenticated: Code
    no_path: Code
    no_method: Code
    no_json: Code

    @property
    def all(self) -> list[tuple[str, str, Body | None]]:
        posts = [("POST", path, body) for path, body in self.posts]
        return [*posts, *(("GET", path, None) for path in self.gets)]


CALL = {"traceId": 101, "traceIdStr": "101"}
START = {"groupId": "0", "invitees": ["bob"], "RTCType": 2}
ROOM = {
    "creator": "alice",
    "device_type": "app",
    "room_id": "r",
    "rtc_type": 1,
    "invite_on": 1,
    "max_participants": 2,
    "uids": ["bob"],
    "timeout": 30,
}
MEMBER = {"uid": "alice", "device_type": "app"}
OPENCHAT_ROOM = {
    "type": "p2p",
    "callerId": "alice",
    "calleeId": "bob",
    "mediaType": "video",
}

SURFACES = (
    Surface(
        name="tgortc",
        check=check_tgortc,
        code_of=lambda reply: int(reply.json["code"]),
        posts=(
            ("/api/v1/rooms", ROOM),
            ("/api/v1/rooms/r/join", MEMBER),
            ("/api/v1/rooms/r/leave", MEMBER),
            ("/api/v1/rooms/r/invite", {"uids": ["bob"]}),
            ("/api/v1/rooms/r/kick", MEMBER),
            ("/api/v1/participants/calling", {"uids": ["alice"]}),
        ),
        gets=("/api/v1/rooms/sync",),
        prefixes=("/api/v1/",),
        nowhere="/api/v1/rooms/r/s/t",
        malformed=400,
        unauthenticated=401,
        no_path=404,
        no_method=405,
        no_json=415,
    ),
    Surface(
        name="dtalk",
        check=check_dtalk,
        code_of=lambda reply: int(reply.json["result"]),
        posts=tuple(
            (f"{prefix}/{name}", body)
            for prefix in ("/app", "/call/app")
            for name, body in (
                ("start-call", START),
                ("check-call", CALL),
                ("handle-call", {"answer": True, **CALL}),
                ("reply-busy", CALL),
            )
        ),
        gets=(),
        prefixes=("/app/", "/call/app/"),
        nowhere="/app/start-calls",
        malformed=-1012,
        unauthenticated=-1010,
        no_path=-2000,
        no_method=-2000,
        no_json=-1012,
    ),
    Surface(
        name="openchat",
        check=check_openchat,
        code_of=lambda reply: str(reply.json["error"]["code"]),
        posts=(
            ("/im/api/v1/rtc/rooms", OPENCHAT_ROOM),
            ("/im/api/v1/rtc/rooms/r/join", {"userId": "alice"}),
            ("/im/api/v1/rtc/rooms/r/leave", {"userId": "alice"}),
            ("/im/api/v1/rtc/rooms/r/end", {}),
            ("/im/api/v1/rtc/rooms/r/participants", {"userId": "bob"}),
            ("/im/api/v1/rtc/tokens", {"roomId": "r"}),
            ("/im/api/v1/rtc/tokens/validate", {"token": "t"}),
            ("/im/api/v1/rtc/rooms/r/connection", {}),
        ),
        gets=(
            "/im/api/v1/rtc/rooms/r",
            "/im/api/v1/rtc/rooms/r/participants",
            "/im/api/v1/rtc/rooms/user/alice",
        ),
        prefixes=("/im/",),
        nowhere="/im/api/v1/rtc/room",
        malformed="VAL_001",
        unauthenticated="AUTH_004",
        no_path="SYS_001",
        no_method="SYS_001",
        no_json="SYS_001",
    ),
    Surface(
        name="activecall",
        check=check_activecall,
        code_of=lambda reply: int(reply.json["code"]),
        posts=(),
        gets=("/call/lists", "/iceservers", "/list", "/call/kill/s", "/kill/s"),
        prefixes=("/call/", "/iceservers", "/list", "/kill/"),
        nowhere="/call/kills",
        malformed=400,
        unauthenticated=401,
        no_path=404,
        no_method=405,
        no_json=415,
    ),
    Surface(
        name="v1",
        check=check_v1,
        code_of=lambda reply: str(reply.json["code"]),
        posts=(
            (
                "/v1/devices",
                {
                    "device": "d1",
                    "platform": "fcm",
                    "token": "t:1",
                    "app": "com.example",
                    "environment": "production",
                },
            ),
        ),
        gets=("/v1/calls",),
        prefixes=("/v1/",),
        nowhere="/v1/nowhere",
        malformed="invalid_request",
        unauthenticated="unauthenticated",
        no_path="not_found",
        no_method="method_not_allowed",
        no_json="unsupported_media_type",
    ),
)
