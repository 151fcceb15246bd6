"""``python -m infra.laptop`` as a user has it: a process, two ports, Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from playwright.sync_api import expect, sync_playwright

from infra.laptop.clock import now_seconds
from infra.token import Wanted, claims_of
from tests.e2e.receiver import Received, WebhookReceiver
from tests.peers.chromium import CHROMIUM, chromium

pytestmark = pytest.mark.laptop

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 20
"""Twice what is promised: the machine may be shared."""
STOP_SECONDS = 5
RING_SECONDS = 5
SECRET = "a-secret-for-tests-of-at-least-32-bytes"


@dataclass
class Laptop:
    """A stack that runs, or has run."""

    process: subprocess.Popen[bytes]
    http_port: int
    worker_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def wait_until_ready(self) -> None:
        ends_at = time.monotonic() + START_SECONDS
        while get(f"{self.url}/health")[0] != 200:
            assert self.process.poll() is None, "the stack ended"
            assert time.monotonic() < ends_at, "the stack did not start"
            time.sleep(0.05)

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        """Exit status, stdout and stderr after a signal to the process group."""
        os.killpg(self.process.pid, number)
        out, errors = self.process.communicate(timeout=STOP_SECONDS)
        return self.process.returncode, out.decode(), errors.decode()


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@contextmanager
def laptop(*ports: int, **variables: str) -> Iterator[Laptop]:
    http_port, worker_port = ports or free_ports(2)
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.laptop"],
        cwd=ROOT,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith("PARLEY_")},
            "PARLEY_HTTP_PORT": str(http_port),
            "PARLEY_WORKER_PORT": str(worker_port),
            "PARLEY_JWT_SECRET": SECRET,
            "PARLEY_STATE": "",
            "PARLEY_AGENT": "off",
            **variables,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            yield Laptop(process, http_port, worker_port)
        finally:
            if process.poll() is None:
                process.kill()


def get(url: str) -> tuple[int, Any]:
    """Status and JSON; status 0 when nobody listens."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, json.load(refusal)
    except OSError:
        return 0, None


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def children_of(pid: int) -> list[int]:
    """Straight from Linux: which processes have ``pid`` for a parent."""
    return [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if _parent(stat) == pid
    ]


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def wait_until_gone(pid: int) -> None:
    ends_at = time.monotonic() + STOP_SECONDS
    while not is_gone(pid):
        assert time.monotonic() < ends_at, f"process {pid} is left"
        time.sleep(0.05)


def test_start_serve_and_stop_twice_on_the_same_ports() -> None:
    ports = free_ports(2)
    for number in (signal.SIGINT, signal.SIGTERM):
        with laptop(*ports) as stack:
            stack.wait_until_ready()
            assert get(f"{stack.url}/health")[0] == 200
            worker_health = get(f"http://127.0.0.1:{stack.worker_port}/health")
            assert worker_health[0] == 200
            with ThreadPoolExecutor(20) as threads:
                urls = [f"{stack.url}/nowhere/{number}" for number in range(20)]
                assert {status for status, _ in threads.map(get, urls)} == {404}
            (worker,) = children_of(stack.process.pid)
            began = time.monotonic()
            status, out, errors = stack.stop(number)
            assert time.monotonic() - began < STOP_SECONDS
            assert status == 0
            assert "Traceback" not in errors
            assert f"http://127.0.0.1:{stack.http_port}" in out
            assert "make token UID=alice" in out
            wait_until_gone(worker)
            assert not listens(stack.http_port)
            assert not listens(stack.worker_port)


def test_start_the_worker_again_when_it_dies() -> None:
    with laptop() as stack:
        stack.wait_until_ready()
        (worker,) = children_of(stack.process.pid)
        os.kill(worker, signal.SIGKILL)
        wait_until_gone(worker)
        stack.wait_until_ready()
        (second,) = children_of(stack.process.pid)
        assert second != worker
        status, _, errors = stack.stop()
        assert status == 0
        assert "worker died, starting it again" in errors
        wait_until_gone(second)


def test_leave_no_worker_when_killed() -> None:
    with laptop() as stack:
        stack.wait_until_ready()
        (worker,) = children_of(stack.process.pid)
        stack.process.kill()
        wait_until_gone(worker)


@pytest.mark.parametrize("seconds", [0.3, 0.6, 0.9, 1.2, 1.5])
def test_stop_while_it_starts(seconds: float) -> None:
    with laptop() as stack:
        time.sleep(seconds)
        children = children_of(stack.process.pid)
        status, _, errors = stack.stop()
        assert status == 0
        assert "Traceback" not in errors
        for child in children:
            wait_until_gone(child)


@pytest.mark.parametrize("variable", ["PARLEY_HTTP_PORT", "PARLEY_WORKER_PORT"])
def test_say_in_one_sentence_that_a_port_is_taken(variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with laptop(**{variable: str(port)}) as stack:
            out, errors = stack.process.communicate(timeout=START_SECONDS)
            assert stack.process.returncode == 1
    assert out == b""
    assert errors.decode() == (
        f"Port {port} on 127.0.0.1 is in use: "
        f"stop what listens there, or set {variable} to another port.\n"
    )


def post(url: str, uid: str, body: Any) -> tuple[int, Any]:
    claims = claims_of(Wanted(uid, "user", "default", hours=1), int(now_seconds()))
    request = urllib.request.Request(
        url,
        json.dumps(body).encode(),
        {
            "authorization": f"Bearer {jwt.encode(claims, SECRET)}",
            "content-type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.status, json.load(response)


def ring(stack: Laptop, room_id: str) -> float:
    """alice rings bob; when, on the monotonic clock."""
    room = {
        "creator": "alice",
        "device_type": "web",
        "room_id": room_id,
        "uids": ["bob"],
        "timeout": RING_SECONDS,
    }
    assert post(f"{stack.url}/api/v1/rooms", "alice", room)[0] == 200
    return time.monotonic()


def is_finished(room_id: str) -> Callable[[Received], bool]:
    return lambda one: one.type == "room.finished" and one.body["room_id"] == room_id


def test_ring_is_missed_although_the_stack_was_killed(tmp_path: Path) -> None:
    ports = free_ports(2)
    with WebhookReceiver("a-business-secret") as business:
        variables = {
            "PARLEY_STATE": str(tmp_path / "state"),
            "BUSINESS_WEBHOOK_ENDPOINTS": json.dumps(
                [{"url": business.url, "secret": business.secret, "timeout": 5}]
            ),
        }
        with laptop(*ports, **variables) as stack:
            stack.wait_until_ready()
            rang_at = ring(stack, "rung-then-killed")
            os.killpg(stack.process.pid, signal.SIGKILL)
            stack.process.wait(STOP_SECONDS)
        assert not any(map(is_finished("rung-then-killed"), business.received))
        # Nobody is there at the deadline; the sweep of the start finds it passed.
        time.sleep(max(0.0, rang_at + RING_SECONDS - time.monotonic()))
        with laptop(*ports, **variables) as stack:
            stack.wait_until_ready()
            told = business.wait_for(is_finished("rung-then-killed"), START_SECONDS)
            began = time.monotonic()
            ring(stack, "rung-and-waited")
            business.wait_for(is_finished("rung-and-waited"), START_SECONDS)
            assert time.monotonic() - began >= RING_SECONDS
    types = [one.type for one in business.received if "then" in one.body["room_id"]]
    assert types.count("room.finished") == 1
    assert told.body["room_id"] == "rung-then-killed"


def test_say_in_one_sentence_that_the_state_is_taken(tmp_path: Path) -> None:
    folder = str(tmp_path / "state")
    with laptop(PARLEY_STATE=folder) as first:
        first.wait_until_ready()
        with laptop(PARLEY_STATE=folder) as second:
            out, errors = second.process.communicate(timeout=START_SECONDS)
            assert second.process.returncode == 1
        first.stop()
    assert out == b""
    assert errors.decode() == (
        f"The state in {folder} is in use by another stack: "
        "stop it, or set PARLEY_STATE to another folder.\n"
    )


def test_give_tokens_that_the_stack_takes() -> None:
    arguments = ["--uid", "alice", "--role", "admin", "--tenant", "t1", "--hours", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "infra.token", *arguments],
        cwd=ROOT,
        env={**os.environ, "PARLEY_JWT_SECRET": SECRET},
        capture_output=True,
        text=True,
        check=True,
        timeout=START_SECONDS,
    )
    token = done.stdout.splitlines()[-1]
    claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    assert claims.pop("exp") - claims.pop("iat") == 3600
    assert claims == {
        "sub": "alice",
        "userId": "alice",
        "uid": "alice",
        "tenant": "t1",
        "role": "admin",
    }


@pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")
def test_console_says_in_a_browser_that_all_runs() -> None:
    with laptop() as stack, sync_playwright() as playwright:
        stack.wait_until_ready()
        with chromium(playwright) as browser:
            page = browser.new_page()
            page.goto(f"{stack.url}/")
            expect(page.get_by_text("Answers the stack")).to_be_visible(timeout=20_000)
            told = page.content()
    assert "make token UID=alice" in told
    assert f"127.0.0.1:{stack.http_port}" in told
