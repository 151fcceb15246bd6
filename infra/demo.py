"""``python -m infra.demo``: a call between two people on the running stack.

Alice rings Bob, he answers, they talk, he hangs up; then the webhooks of the call
are shown as the business received and verified them. The exit status tells
whether all of it happened.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import jwt

from infra.laptop import inbox
from infra.laptop.clock import now_seconds
from infra.laptop.environment import jwt_secret
from infra.token import ALGORITHM, Wanted, claims_of
from infra.wiring import ROOT

TALK_SECONDS = 1.5
WEBHOOK_SECONDS = 15.0
HTTP_SECONDS = 10.0

EXPECTED = [
    "participant.invited",
    "room.started",
    "participant.joined",
    "participant.joined",
    "participant.left",
    "participant.left",
    "room.finished",
]


class DemoFailed(Exception):
    """One sentence on what did not happen, and what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The stack as a client sees it."""

    url: str

    def call(self, method: str, path: str, uid: str = "", body: Any = None) -> Any:
        """The decoded answer; raises `DemoFailed`."""
        headers = {"content-type": "application/json", "x-language": "en-US"}
        if uid:
            claims = claims_of(Wanted(uid, "user", "default", 1), int(now_seconds()))
            token = jwt.encode(claims, jwt_secret(os.environ, ROOT), ALGORITHM)
            headers["authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=HTTP_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                text = error.read().decode("utf-8", "replace")
            raise DemoFailed(f"{method} {path} answered {error.code}: {text}") from None
        except OSError:
            raise DemoFailed(
                f"Parley does not answer at {self.url}: start it with `make run`."
            ) from None


def main() -> int:
    """The exit status."""
    port = os.environ.get("PARLEY_HTTP_PORT") or "8000"
    stack = Stack(f"http://127.0.0.1:{port}")
    try:
        stack.call("GET", "/health")
        room_id = _hold_call(stack)
        _show_webhooks(stack, room_id)
    except DemoFailed as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    return 0


def _hold_call(stack: Stack) -> str:
    # Users are in one call at a time: names of this run do not meet another's.
    run = f"{int(now_seconds()) % 100_000:05}"
    alice, bob = f"alice-{run}", f"bob-{run}"
    room = stack.call(
        "POST",
        "/api/v1/rooms",
        alice,
        {"creator": alice, "device_type": "app", "rtc_type": 1, "uids": [bob]},
    )
    room_id = str(room["room_id"])
    place = f"/api/v1/rooms/{room_id}"
    _say(f"{alice} rings {bob}: room {room_id}, {room['timeout']} s to answer")
    (ringing,) = stack.call("GET", f"/api/v1/rooms/sync?uid={bob}&device_type=web", bob)
    _say(f"{bob} is rung: sync shows room {ringing['room_id']}")
    for uid, device_type in ((bob, "web"), (alice, "app")):
        body = {"uid": uid, "device_type": device_type}
        joined = stack.call("POST", f"{place}/join", uid, body)
        _say(f"{uid} joins with a token for {joined['url']}")
    time.sleep(TALK_SECONDS)
    stack.call("POST", f"{place}/leave", bob, {"uid": bob})
    _say(f"{bob} hangs up")
    return room_id


def _show_webhooks(stack: Stack, room_id: str) -> None:
    received = _wait_for_webhooks(stack, room_id)
    _say("\nThe business received:\n")
    for webhook in received:
        body = webhook["body"]
        sign = "verified" if webhook["is_verified"] else "NOT VERIFIED"
        who = body.get("uid", "")
        _say(
            f"  {webhook['type']:<22}{who:<14}status {body['status']}  "
            f"{sign}  {webhook['id']}"
        )
    if not all(webhook["is_verified"] for webhook in received):
        raise DemoFailed("A signature is wrong.")
    duration = received[-1]["body"]["duration"]
    _say(f"\n{len(received)} webhooks, in order, signatures right; {duration} s talked")


def _wait_for_webhooks(stack: Stack, room_id: str) -> list[Any]:
    deadline = time.monotonic() + WEBHOOK_SECONDS
    while time.monotonic() < deadline:
        received: list[Any] = stack.call("GET", f"{inbox.PATH}?room_id={room_id}")
        if [webhook["type"] for webhook in received] == EXPECTED:
            return received
        time.sleep(0.1)
    types = [webhook["type"] for webhook in received]
    raise DemoFailed(
        f"After {WEBHOOK_SECONDS:.0f} s the webhooks were {types}, not {EXPECTED}. "
        "(With BUSINESS_WEBHOOK_ENDPOINTS or _URLS set they go there instead.)"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
