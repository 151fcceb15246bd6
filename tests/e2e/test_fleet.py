"""Workers, as the laptop stack has them: lists, orders, death, and who is told."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import jwt
import pytest

from chalicelib.protocol.fleet import Facts, Heartbeat
from chalicelib.protocol.lease import (
    EXPIRY_MS,
    Fact,
    Lease,
    SessionEnded,
    SessionStarted,
    Sight,
    Witness,
    parse_message,
)
from chalicelib.protocol.session.vocabulary import CallType
from chalicelib.protocol.tokens import worker_token
from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from infra.wiring import ROOT
from tests.e2e.test_laptop import SECRET, Laptop, children_of, laptop

pytestmark = pytest.mark.laptop

TAKEOVER_SECONDS = 10
MARGIN_SECONDS = 5
"""The machine may be shared."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Laptop]:
    with laptop() as running:
        running.wait_until_ready()
        yield running
        running.stop()


def now_ms() -> int:
    return int(now_seconds() * 1000)


def ask(
    stack: Laptop, method: str, path: str, token: str, body: Any = None
) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(stack.url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def user(uid: str, role: str = "user") -> str:
    claims = claims_of(Wanted(uid, role, "default", hours=1), int(now_seconds()))
    return jwt.encode(claims, SECRET)


@dataclass
class FakeWorker:
    """Says of itself what a worker says, over HTTP."""

    stack: Laptop
    address: str = "127.0.0.1:9"
    task_id: str | None = None
    id: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    epoch: int = field(default_factory=now_ms)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        token = worker_token(SECRET, self.id, now_seconds())
        where = f"/internal/workers/{self.id}/{path}"
        return ask(self.stack, method, where, token, body)

    def beat(self) -> Heartbeat:
        lease = Lease(
            worker_id=self.id,
            epoch=self.epoch,
            address=self.address,
            ws_url=f"ws://{self.address}",
            sessions=0,
            capacity=10,
            is_draining=False,
            renewed_at_ms=now_ms(),
            task_id=self.task_id,
        )
        status, answer = self.ask("PUT", "lease", lease.render())
        assert status == 200
        return Heartbeat.parse(answer)

    def tell(self, *facts: Fact) -> int:
        return self.ask("POST", "facts", Facts(facts).render())[0]

    def started(self, session_id: str, uid: str) -> SessionStarted:
        return SessionStarted(
            "default",
            session_id,
            self.id,
            self.epoch,
            uid,
            CallType.WEBSOCKET,
            self.epoch,
        )

    def ended(self, session_id: str, uid: str) -> SessionEnded:
        return SessionEnded(
            "default",
            session_id,
            self.id,
            self.epoch,
            uid,
            CallType.WEBSOCKET,
            self.epoch,
            ended_at_ms=now_ms(),
            reason="bySystem",
            initiator="system",
        )


def webhooks(stack: Laptop, session_id: str) -> list[dict[str, Any]]:
    """What the laptop's inbox has been told of a session."""
    url = f"{stack.url}/laptop/webhooks"
    with urllib.request.urlopen(url, timeout=10) as answer:
        received = json.load(answer)
    return [
        one
        for one in received
        if one["body"].get("data", {}).get("session_id") == session_id
    ]


def wait_until(is_true: Callable[[], bool], seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < ends_at, "waited in vain"
        time.sleep(0.1)


def wait_for_end(stack: Laptop, session_id: str, seconds: float) -> dict[str, Any]:
    """The terminal webhook, which nothing follows."""
    wait_until(lambda: len(webhooks(stack, session_id)) >= 2, seconds)
    begun, over = webhooks(stack, session_id)
    assert [begun["type"], over["type"]] == ["session.started", "session.ended"]
    assert begun["is_verified"] and over["is_verified"]
    assert set(over["body"]) == {"type", "timestamp", "data"}
    told: dict[str, Any] = over["body"]["data"]
    return told


class Port(HTTPServer):
    """A worker's own, which keeps its orders."""

    def __init__(self) -> None:
        self.orders: list[Any] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Port

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.orders.append(parse_message(json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        pass


def test_session_is_listed_and_killed(stack: Laptop) -> None:
    with Port() as port:
        thread = Thread(target=port.serve_forever, args=(0.01,))
        thread.start()
        worker = FakeWorker(stack, f"127.0.0.1:{port.server_port}")
        worker.beat()
        session_id = f"{worker.id}-1"
        assert worker.tell(worker.started(session_id, "carol")) == 204
        _, lists = ask(stack, "GET", "/call/lists", user("carol"))
        assert [call["id"] for call in lists["calls"]] == [session_id]
        _, lists = ask(stack, "GET", "/call/lists", user("dave"))
        assert lists == {"calls": []}
        kill = f"/call/kill/{session_id}"
        assert ask(stack, "POST", kill, user("dave"))[0] == 404
        assert ask(stack, "POST", kill, user("root", "admin")) == (200, True)
        port.shutdown()
        thread.join()
    (order,) = port.orders
    assert order.session_id == session_id
    assert worker.beat().orders == (order,)
    done = worker.ask("POST", f"orders/{order.command_id}/done", {})
    assert done == (204, None)
    assert worker.beat().orders == ()
    assert worker.tell(worker.ended(session_id, "carol")) == 204
    assert wait_for_end(stack, session_id, 10)["reason"] == "bySystem"
    assert ask(stack, "POST", kill, user("carol"))[0] == 404


def test_neighbour_s_word_ends_the_calls_of_a_dead_worker(stack: Laptop) -> None:
    dead, neighbour = FakeWorker(stack), FakeWorker(stack)
    dead.beat()
    died_at = time.monotonic()
    session_id = f"{dead.id}-1"
    assert dead.tell(dead.started(session_id, "erin")) == 204

    def suspects() -> list[Lease]:
        found = neighbour.beat().suspects
        return [lease for lease in found if lease.worker_id == dead.id]

    # The stack's own worker is a neighbour too, and may come first.
    wait_until(
        lambda: bool(suspects()) or len(webhooks(stack, session_id)) == 2,
        TAKEOVER_SECONDS,
    )
    seen = Witness(dead.id, dead.epoch, Sight.UNREACHABLE, now_ms(), by=neighbour.id)
    assert neighbour.ask("POST", "witnesses", seen.render())[0] == 204
    told = wait_for_end(stack, session_id, MARGIN_SECONDS)
    assert (told["reason"], told["initiator"]) == ("failed", "system")
    assert time.monotonic() - died_at < TAKEOVER_SECONDS + MARGIN_SECONDS
    assert dead.ask("POST", "witnesses", seen.render())[0] in (400, 409)
    late = dead.started(f"{dead.id}-2", "erin")
    assert dead.tell(late) == 409
    assert suspects() == []


def test_calls_of_an_earlier_run_are_ended(tmp_path: Any) -> None:
    """None of the stack's tasks has survived it."""
    with laptop(PARLEY_STATE=str(tmp_path)) as stack:
        stack.wait_until_ready()
        lost = FakeWorker(stack, task_id="gone-with-the-stack")
        lost.beat()
        session_id = f"{lost.id}-1"
        assert lost.tell(lost.started(session_id, "frank")) == 204
        wait_until(lambda: len(webhooks(stack, session_id)) == 1, 10)
        stack.stop()
        ports = (stack.http_port, stack.worker_port)
    with laptop(*ports, PARLEY_STATE=str(tmp_path)) as stack:
        stack.wait_until_ready()
        wait_until(
            lambda: len(webhooks(stack, session_id)) == 1,
            TAKEOVER_SECONDS + MARGIN_SECONDS,
        )
        (over,) = webhooks(stack, session_id)
        assert over["type"] == "session.ended"
        assert over["body"]["data"]["reason"] == "failed"
        stack.stop()


def test_killed_child_ends_the_calls_of_its_worker(stack: Laptop) -> None:
    """No neighbour has tried: the laptop tells of its child as ECS would."""
    (child,) = children_of(stack.process.pid)
    worker = FakeWorker(stack, task_id=environment_of(child)["PARLEY_TASK_ID"])
    worker.beat()
    session_id = f"{worker.id}-1"
    assert worker.tell(worker.started(session_id, "grace")) == 204
    os.kill(child, signal.SIGKILL)
    killed_at = time.monotonic()
    told = wait_for_end(stack, session_id, TAKEOVER_SECONDS + MARGIN_SECONDS)
    assert (told["reason"], told["initiator"]) == ("failed", "system")
    assert time.monotonic() - killed_at >= EXPIRY_MS / 1000 - 1, "its lease was young"
    with pytest.raises(AssertionError):
        worker.beat()
    wait_until(lambda: len(children_of(stack.process.pid)) == 1, 10)
    (heir,) = children_of(stack.process.pid)
    environment = environment_of(heir)
    assert environment["PARLEY_TASK_ID"] != worker.task_id
    assert environment["PARLEY_CONTROL_URL"] == stack.url
    assert environment["PARLEY_JWT_SECRET"] == SECRET
    assert environment["PARLEY_WORKER_PORT"] == str(stack.worker_port)
    assert environment["PARLEY_ENV"] == "development"
    assert environment["PARLEY_BIND"] == "127.0.0.1"


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def test_one_of_three_workers_is_killed_and_one_drained_under_load() -> None:
    """The demo, shortened; every frame and message in it is numbered."""
    size = ["--seconds", "9", "--voices", "9", "--relayed", "3"]
    within = ["--within", str(TAKEOVER_SECONDS + MARGIN_SECONDS)]
    run = subprocess.run(
        [sys.executable, "-m", "infra.demo_fleet", *size, *within],
        cwd=ROOT,
        env={**os.environ, "PARLEY_HTTP_PORT": "nonsense of the user's own"},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert len(re.findall(r"^  yes  ", run.stdout, re.MULTILINE)) == 8
