"""A phone in a pocket rings on the whole stack; and the call stands in the history."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from standardwebhooks import Webhook

from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from tests.e2e.test_laptop import SECRET, Laptop, free_ports, laptop

pytestmark = pytest.mark.laptop

PUSH_SECRET = "whsec_c2lnbnMtdGhlLXB1c2hlcy1vZi10aGUtdGVzdHM="
SECONDS = 10


class PushServer:
    """An operator's own: verifies what it is to pass on to Google, and keeps it."""

    def __init__(self) -> None:
        self._pushes: list[dict[str, Any]] = []
        self._status = 204
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/push"

    def wait_for(self, event: str) -> tuple[dict[str, Any], dict[str, str]]:
        """The first push of the event, and its data."""

        def find() -> dict[str, Any] | None:
            return next((p for p in self._pushes if data_of(p)["event"] == event), None)

        with self._news:
            found = self._news.wait_for(find, SECONDS)
            assert found, f"pushed only {self._pushes}"
            return found, data_of(found)

    def lose(self) -> None:
        """From now on the tokens are nobody's."""
        with self._news:
            self._status = 410
            self._pushes.clear()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _take(self, raw: bytes, headers: dict[str, str]) -> int:
        Webhook(PUSH_SECRET).verify(raw.decode(), headers)
        with self._news:
            self._pushes.append(json.loads(raw))
            self._news.notify_all()
            return self._status

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(take(raw, dict(self.headers.items())))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Quiet."""

        return Handler


def data_of(push: dict[str, Any]) -> dict[str, str]:
    data: dict[str, str] = push["payload"]["message"]["data"]
    return data


@pytest.fixture(scope="module")
def push_server() -> Iterator[PushServer]:
    server = PushServer()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def stack(push_server: PushServer) -> Iterator[Laptop]:
    ports = free_ports(2)
    variables = {
        "PARLEY_PUSH_WEBHOOK_URL": push_server.url,
        "PARLEY_PUSH_WEBHOOK_SECRET": PUSH_SECRET,
    }
    with laptop(*ports, **variables) as running:
        running.wait_until_ready()
        yield running
        running.stop()


def ask(
    stack: Laptop, uid: str, method: str, path: str, body: Any = None
) -> tuple[int, Any]:
    claims = claims_of(Wanted(uid, "user", "default", 1), int(now_seconds()))
    token = jwt.encode(claims, SECRET, algorithm="HS256")
    request = urllib.request.Request(
        f"{stack.url}{path}",
        None if body is None else json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return answer.status, json.loads(answer.read() or "null")
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.loads(refusal.read())


def create(stack: Laptop, room_id: str) -> None:
    body = {
        "room_id": room_id,
        "creator": "alice",
        "device_type": "web",
        "rtc_type": 1,
        "uids": ["bob"],
    }
    status, answer = ask(stack, "alice", "POST", "/api/v1/rooms", body)
    assert status == 200, answer


def eventually(find: Callable[[], Any]) -> Any:
    ends_at = time.monotonic() + SECONDS
    while not (found := find()):
        assert time.monotonic() < ends_at, "it did not come"
        time.sleep(0.05)
    return found


def test_phone_rings_stops_ringing_and_remembers(
    stack: Laptop, push_server: PushServer
) -> None:
    device = {
        "device": "bobs-phone",
        "platform": "fcm",
        "token": "token-of-bob",
        "app": "com.example.app",
    }
    status, answer = ask(stack, "bob", "POST", "/v1/devices", device)
    assert (status, answer["sender"]) == (201, "webhook")
    create(stack, "pocket-1")
    rung, data = push_server.wait_for("call.ringing")
    assert rung["token"] == "token-of-bob"
    assert (data["call_id"], data["caller"]) == ("pocket-1", "alice")
    assert int(data["deadline_at_ms"]) > now_seconds() * 1000
    for uid in ("alice", "bob"):
        join = {"uid": uid, "device_type": "web"}
        assert ask(stack, uid, "POST", "/api/v1/rooms/pocket-1/join", join)[0] == 200
    _, data = push_server.wait_for("call.ring_ended")
    assert data["reason"] == "answered_elsewhere"
    (live,) = ask(stack, "bob", "GET", "/v1/calls?state=active")[1]["calls"]
    assert (live["id"], live["state"]) == ("pocket-1", "active")
    leave = {"uid": "bob"}
    assert ask(stack, "bob", "POST", "/api/v1/rooms/pocket-1/leave", leave)[0] == 200
    ended = "/v1/calls?state=ended"
    (entry,) = eventually(lambda: ask(stack, "alice", "GET", ended)[1]["calls"])
    assert (entry["id"], entry["end_reason"]) == ("pocket-1", "hangup")
    story = ask(stack, "alice", "GET", "/v1/calls/pocket-1/timeline")[1]
    assert story["events"][-1]["type"] == "room.finished"
    assert ask(stack, "mallory", "GET", "/v1/calls/pocket-1")[0] == 404


def test_phone_that_is_gone_is_forgotten(
    stack: Laptop, push_server: PushServer
) -> None:
    push_server.lose()
    create(stack, "pocket-2")
    push_server.wait_for("call.ringing")
    eventually(lambda: not ask(stack, "bob", "GET", "/v1/devices")[1]["devices"])
    leave = {"uid": "alice"}
    assert ask(stack, "alice", "POST", "/api/v1/rooms/pocket-2/leave", leave)[0] == 200
