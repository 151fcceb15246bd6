"""The worker's HTTP port, and its process's manners."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from chalicelib.protocol.control import HealthStatus, WorkerHealth
from mediaworker.gateway.application import application_of
from mediaworker.settings import BadSetting, Settings
from mediaworker.worker import Worker, new_worker_id

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 10
STOP_SECONDS = 5


def speak(talk: Callable[[TestClient[Any, Any], Worker], Awaitable[None]]) -> None:
    async def run() -> None:
        worker = Worker("w1")
        async with TestClient(TestServer(application_of(worker))) as client:
            await talk(client, worker)

    asyncio.run(run())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(port: int, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    sources = os.pathsep.join([str(ROOT / "media-worker" / "src"), str(ROOT)])
    started = subprocess.Popen(
        [sys.executable, "-m", "mediaworker", *arguments],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": sources,
            "PARLEY_WORKER_PORT": str(port),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with started:
        try:
            yield started
        finally:
            if started.poll() is None:
                started.kill()


def wait_for_health(port: int) -> WorkerHealth:
    ends_at = time.monotonic() + START_SECONDS
    while True:
        try:
            url = f"http://127.0.0.1:{port}/health"
            with urllib.request.urlopen(url, timeout=1) as response:
                return WorkerHealth.parse(json.load(response))
        except OSError:
            assert time.monotonic() < ends_at, "the worker did not start"
            time.sleep(0.05)


def test_tell_its_health() -> None:
    async def talk(client: TestClient[Any, Any], worker: Worker) -> None:
        response = await client.get("/health")
        assert response.status == 200
        assert await response.json() == {
            "status": "ok",
            "worker_id": "w1",
            "protocol_version": 1,
            "sessions": 0,
        }
        await worker.drain()
        health = WorkerHealth.parse(await (await client.get("/health")).json())
        assert health.status is HealthStatus.DRAINING

    speak(talk)


def test_refuse_in_its_own_shape() -> None:
    async def talk(client: TestClient[Any, Any], worker: Worker) -> None:
        response = await client.get("/missing")
        assert response.status == 404
        assert await response.json() == {"code": 404, "message": "Not Found"}
        response = await client.post("/health")
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"
        assert await response.json() == {"code": 405, "message": "Method Not Allowed"}

    speak(talk)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_on_a_signal(number: signal.Signals) -> None:
    port = free_port()
    with process(port) as worker:
        assert wait_for_health(port).sessions == 0
        worker.send_signal(number)
        assert worker.wait(STOP_SECONDS) == 0
        _, errors = worker.communicate()
    assert b"Traceback" not in errors


def test_stop_with_its_parent() -> None:
    port = free_port()
    with process(port, "--with-parent") as worker:
        wait_for_health(port)
        assert worker.stdin is not None
        worker.stdin.close()
        assert worker.wait(STOP_SECONDS) == 0


def test_say_that_the_port_is_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with process(port) as worker:
            assert worker.wait(START_SECONDS) == 1
            _, errors = worker.communicate()
    last = errors.decode().splitlines()[-1]
    assert last.startswith(f"The worker cannot listen on port {port}: ")
    assert b"Traceback" not in errors


def test_choose_a_short_name() -> None:
    assert len(new_worker_id()) == 8
    assert new_worker_id() != new_worker_id()


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"PARLEY_WORKER_PORT": "0"}, "PARLEY_WORKER_PORT is a port"),
        ({"PARLEY_WORKER_PORT": "http"}, "PARLEY_WORKER_PORT is a port"),
        ({"PARLEY_LOG_LEVEL": "loud"}, "PARLEY_LOG_LEVEL is one of"),
    ],
)
def test_refuse_bad_settings(variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadSetting, match=sentence):
        Settings.parse(variables)
    assert Settings.parse({}) == Settings("127.0.0.1", 8080, None, "INFO")
