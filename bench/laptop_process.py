"""The laptop stack as a user starts it, pinned to the system's core."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

from bench.clients import SECRET, Ask, decoded
from bench.machine import SYSTEM_CORE, pinned
from infra import wiring

START_SECONDS = 30.0
STOP_SECONDS = 10.0
CONNECTIONS = 64
STATE_FOLDER = "state"
LOG_FILE = "stack.log"
LAST_BYTES = 2000


class NotStarted(Exception):
    """The stack ended or took too long; the end of what it said."""


@dataclass(frozen=True, slots=True)
class LaptopProcess:
    """One that is ready."""

    pool: urllib3.HTTPConnectionPool
    start_seconds: float
    """From the process's beginning until it was ready."""

    def send(self, ask: Ask) -> Any:
        """In any thread."""
        path = f"{ask.path}?{ask.query}" if ask.query else ask.path
        headers = {name: text for name, text in ask.headers.items() if name != "host"}
        answer = self.pool.request(
            ask.method, path, body=ask.content, headers=headers, retries=False
        )
        return decoded(ask.command, answer.status, answer.data)


@contextmanager
def laptop_process(
    folder: Path, variables: Mapping[str, str]
) -> Iterator[LaptopProcess]:
    """Within the block it runs, with nothing of the user's own settings.

    Its items and its log are kept in ``folder``, to be read after the block.
    """
    http_port, worker_port = free_ports(2)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
        "PARLEY_AGENT": "off",
        "PARLEY_HTTP_PORT": str(http_port),
        "PARLEY_WORKER_PORT": str(worker_port),
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_STATE": str(folder / STATE_FOLDER),
        **variables,
    }
    with (folder / LOG_FILE).open("wb") as log, pinned(SYSTEM_CORE):
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.laptop"],
            cwd=wiring.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,
        )
    pool = urllib3.HTTPConnectionPool("127.0.0.1", http_port, maxsize=CONNECTIONS)
    try:
        _wait_until_ready(process, pool, folder / LOG_FILE)
        yield LaptopProcess(pool, time.monotonic() - began)
    finally:
        pool.close()
        _stop(process)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _wait_until_ready(
    process: subprocess.Popen[bytes], pool: urllib3.HTTPConnectionPool, log: Path
) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while not _is_ready(pool):
        if process.poll() is not None or time.monotonic() > ends_at:
            raise NotStarted(log.read_bytes()[-LAST_BYTES:].decode(errors="replace"))
        time.sleep(0.02)


def _is_ready(pool: urllib3.HTTPConnectionPool) -> bool:
    try:
        return pool.request("GET", "/health", retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Of the whole group, for the worker is in it."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
