"""Orders to a worker's own port."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.workers import CONTROL_PLANE, WorkerPorts
from chalicelib.protocol.lease import parse_message
from chalicelib.protocol.relay import RELAY_PATH, Frame, parse_relayed
from chalicelib.protocol.tokens import verify_worker
from chalicelib.services.relay import DoorAnswer
from tests.adapters.fleet_contract import lease, order

SECRET = "a-jwt-secret-of-at-least-thirty-two-bytes"


class Worker(HTTPServer):
    """Answers as it is told to."""

    status = 204
    headers: Mapping[str, str] = {}
    answer = b""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str, Any]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(BaseHTTPRequestHandler):
    server: Worker

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        token = self.headers["authorization"].removeprefix("Bearer ")
        taken = (self.path, verify_worker(token, SECRET), json.loads(body))
        self.server.taken.append(taken)
        self.send_response(self.server.status)
        if self.server.status == 307:
            self.send_header("location", "/elsewhere")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def worker() -> Iterator[Worker]:
    with Worker() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "is_taken"), [(204, True), (404, False), (307, False)]
)
def test_order_is_posted_as_one_of_parley_s_own(
    worker: Worker, status: int, is_taken: bool
) -> None:
    worker.status = status
    address = f"127.0.0.1:{worker.server_port}"
    door = WorkerPorts(SECRET, SystemClock())
    assert door.post(lease(address=address), order()) is is_taken
    ((path, sender, body),) = worker.taken
    assert (path, sender) == ("/internal/orders", CONTROL_PLANE)
    assert parse_message(body) == order()


FRAME = Frame("c1", '{"command":"tts","text":"Grüße"}', 1)


@pytest.mark.parametrize(
    ("status", "body", "headers", "answer"),
    [
        (204, b"", {}, DoorAnswer(204)),
        (409, b'{"code":409,"message":"taken"}', {}, DoorAnswer(409, "taken")),
        (503, b"[]", {"Retry-After": "5"}, DoorAnswer(503, "", 5)),
        (500, b"?", {"Retry-After": "later"}, DoorAnswer(500)),
    ],
)
def test_frame_is_posted_and_its_answer_understood(
    worker: Worker,
    status: int,
    body: bytes,
    headers: dict[str, str],
    answer: DoorAnswer,
) -> None:
    worker.status, worker.answer, worker.headers = status, body, headers
    door = WorkerPorts(SECRET, SystemClock())
    found = door.relay(f"127.0.0.1:{worker.server_port}", FRAME)
    assert found == answer
    assert found.is_taken is (status == 204)
    ((path, sender, told),) = worker.taken
    assert (path, sender) == (RELAY_PATH, CONTROL_PLANE)
    assert parse_relayed(told) == FRAME


def test_worker_that_is_away_is_no_failure() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        door = WorkerPorts(SECRET, SystemClock())
        assert not door.post(lease(address=address), order())
        assert door.relay(address, FRAME) == DoorAnswer(None)
        assert not door.relay(address, FRAME).is_taken
    assert not door.post(lease(address="no address"), order())
