"""The worker's process: its start, its signals, its end."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest

from chalicelib.protocol.control import HealthStatus, WorkerHealth
from chalicelib.protocol.fleet import Heartbeat
from chalicelib.protocol.lease import Drain
from mediaworker.server import FENCED_STATUS
from mediaworker.worker import Worker, new_worker_id
from tests.peers.fake_control import FakeControl
from tests.worker.gateway.fakes import SECRET, token

ROOT = Path(__file__).parent.parent.parent
START_SECONDS = 10
STOP_SECONDS = 5
FAKE = "tests.worker.gateway.process"
HANGUP = '{"event":"hangup"}'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(
    port: int, *arguments: str, module: str = FAKE, **variables: str
) -> Iterator[subprocess.Popen[bytes]]:
    sources = os.pathsep.join([str(ROOT / "media-worker" / "src"), str(ROOT)])
    started = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": sources,
            "PARLEY_WORKER_PORT": str(port),
            "PARLEY_WORKER_ID": "w1",
            "PARLEY_JWT_SECRET": SECRET,
            **variables,
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


def health(port: int) -> WorkerHealth:
    url = f"http://127.0.0.1:{port}/health"
    with urllib.request.urlopen(url, timeout=1) as response:
        return WorkerHealth.parse(json.load(response))


def wait_for_health(port: int) -> WorkerHealth:
    ends_at = time.monotonic() + START_SECONDS
    while True:
        try:
            return health(port)
        except OSError:
            assert time.monotonic() < ends_at, "the worker did not start"
            time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_on_a_signal(number: signal.Signals) -> None:
    port = free_port()
    with process(port) as worker:
        assert wait_for_health(port) == WorkerHealth("w1", HealthStatus.OK, 0)
        worker.send_signal(number)
        assert worker.wait(STOP_SECONDS) == 0
        _, errors = worker.communicate()
    assert b"Traceback" not in errors
    lines = [json.loads(line) for line in errors.decode().splitlines()]
    assert [line["message"] for line in lines] == [
        "worker listens",
        "worker - STARTING -> OK",
        "worker - OK -> DRAINING",
    ]
    assert {line["worker_id"] for line in lines} == {"w1"}


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


@pytest.mark.parametrize(
    ("arguments", "variables", "status", "sentence"),
    [
        (["--loud"], {}, 2, "python -m mediaworker [--with-parent]"),
        ([], {"PARLEY_JWT_SECRET": ""}, 1, "PARLEY_JWT_SECRET is the secret"),
        (
            [],
            {"PARLEY_ADVERTISED_ADDRESS": "ecs"},
            1,
            "PARLEY_ADVERTISED_ADDRESS: ECS_CONTAINER_METADATA_URI_V4 is not set",
        ),
    ],
)
def test_say_why_it_does_not_start(
    arguments: list[str], variables: dict[str, str], status: int, sentence: str
) -> None:
    with process(1, *arguments, module="mediaworker", **variables) as worker:
        assert worker.wait(START_SECONDS) == status
        _, errors = worker.communicate()
    assert errors.decode().startswith(sentence)
    assert b"Traceback" not in errors


def test_let_sessions_end_when_it_drains_and_end_them_when_it_must() -> None:
    port = free_port()

    async def talk(worker: subprocess.Popen[bytes]) -> None:
        async with aiohttp.ClientSession() as client:
            url = f"http://127.0.0.1:{port}/call?token={token()}"
            async with client.ws_connect(url) as ws:
                worker.send_signal(signal.SIGTERM)
                while health(port).status is HealthStatus.OK:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                    await client.ws_connect(url)
                assert refusal.value.status == 503
                worker.send_signal(signal.SIGINT)
                assert await ws.receive_str() == HANGUP
                await ws.receive()
                assert ws.close_code == 1000

    with process(port) as worker:
        wait_for_health(port)
        asyncio.run(talk(worker))
        assert worker.wait(STOP_SECONDS) == 0


def test_end_all_sessions_and_itself_when_it_is_fenced() -> None:
    port = free_port()

    async def talk() -> int:
        async with FakeControl(SECRET).listening() as control:
            with process(port, PARLEY_CONTROL_URL=control.url) as worker:
                await control.until(lambda: control.renewals)
                async with aiohttp.ClientSession() as client:
                    url = f"http://127.0.0.1:{port}/call?token={token()}"
                    async with client.ws_connect(url) as ws:
                        control.statuses["lease"] = [409]
                        assert await ws.receive_str() == HANGUP
                return await asyncio.to_thread(worker.wait, STOP_SECONDS)

    assert asyncio.run(talk()) == FENCED_STATUS


def test_stop_once_it_is_empty_when_it_is_told_to_drain() -> None:
    port = free_port()

    async def talk() -> int:
        async with FakeControl(SECRET).listening() as control:
            with process(port, PARLEY_CONTROL_URL=control.url) as worker:
                await control.until(lambda: control.renewals)
                lease = control.leases["w1"]
                assert lease.address == f"127.0.0.1:{port}"
                orders = Drain("w1", lease.epoch - 1), Drain("w1", lease.epoch, 1)
                control.answers = Heartbeat(orders=orders)
                return await asyncio.to_thread(worker.wait, STOP_SECONDS)

    assert asyncio.run(talk()) == 0


def test_drain_once() -> None:
    is_ready = False
    worker = Worker("w1", lambda: 2, lambda: is_ready)
    assert worker.health().status is HealthStatus.STARTING
    is_ready = True
    assert worker.health().status is HealthStatus.OK
    assert not worker.is_draining
    worker.drain()
    worker.drain()
    assert worker.health() == WorkerHealth("w1", HealthStatus.DRAINING, 2)


def test_choose_a_short_name() -> None:
    assert len(new_worker_id()) == 8
    assert new_worker_id() != new_worker_id()
