"""A laptop stack of the demo's own: other ports, nothing kept, gone with it."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from infra.demo.client import Client, DemoFailed
from infra.laptop.environment import NO_STATE, STATE
from infra.wiring import ROOT

START_SECONDS = 40.0
STOP_SECONDS = 10.0
LAST_BYTES = 2_000
SECRET = "PARLEY_JWT_SECRET"


@contextmanager
def own_stack(folder: Path, variables: Mapping[str, str]) -> Iterator[Client]:
    """One that is ready; its log stands in ``folder``. Raises `DemoFailed`."""
    # The demo's own tokens are signed with it too.
    os.environ[SECRET] = secrets.token_urlsafe(48)
    http_port, worker_port = free_ports(2)
    log = folder / "stack.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.laptop"],
            cwd=ROOT,
            env=_environment(http_port, worker_port, variables),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
    url = f"http://127.0.0.1:{http_port}"
    try:
        _wait_until_ready(process, url, log)
        yield Client(url)
    finally:
        _stop(process)


def free_ports(count: int) -> list[int]:
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _environment(
    http_port: int, worker_port: int, variables: Mapping[str, str]
) -> dict[str, str]:
    """Nothing of the user's own settings."""
    of_others = ("PARLEY_", "BUSINESS_", "LIVEKIT_", "TRTC_", "SIP_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(of_others)}
    return {
        **kept,
        "PARLEY_AGENT": "off",
        "PARLEY_SIP_PORT": "0",
        "PARLEY_HTTP_PORT": str(http_port),
        "PARLEY_WORKER_PORT": str(worker_port),
        SECRET: os.environ[SECRET],
        STATE: NO_STATE,
        **variables,
    }


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while not _is_ready(url):
        if process.poll() is not None or time.monotonic() > ends_at:
            said = log.read_bytes()[-LAST_BYTES:].decode(errors="replace")
            raise DemoFailed(f"The stack did not start:\n{said}")
        time.sleep(0.05)


def _is_ready(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
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
