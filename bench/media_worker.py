"""The media worker by itself, pinned to the system's core."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.clients import SECRET, token
from bench.laptop_process import LAST_BYTES, LOG_FILE, NotStarted, free_ports
from bench.machine import SYSTEM_CORE, pinned
from infra import wiring

START_SECONDS = 30.0
STOP_SECONDS = 10.0
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used, as the operating system counts."""

    cpu_seconds: float
    resident_mb: float


@dataclass(frozen=True, slots=True)
class MediaWorker:
    """One that listens."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Of `/call`, with a token."""
        return self.url_of("/call")

    def url_of(self, path: str) -> str:
        """Of a socket, with a token."""
        return f"ws://127.0.0.1:{self.port}{path}?token={token('bench')}"

    def usage(self) -> Usage:
        """Of the media process, without the speech process."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        resident = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return Usage(
            (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND,
            resident * PAGE_BYTES / 2**20,
        )

    def readings(self) -> dict[str, float]:
        """Its metrics, without labels."""
        credentials = token("bench", "admin")
        url = f"http://127.0.0.1:{self.port}/metrics?token={credentials}"
        with urllib.request.urlopen(url, timeout=5) as response:
            lines = response.read().decode().splitlines()
        pairs = (line.split() for line in lines if line and line[0] != "#")
        return {name: float(value) for name, value, *_ in pairs}


@contextmanager
def media_worker(
    folder: Path, variables: Mapping[str, str] | None = None
) -> Iterator[MediaWorker]:
    """Within the block it runs; its log is kept in ``folder``."""
    (port,) = free_ports(1)
    sources = (wiring.ROOT / "media-worker" / "src", wiring.ROOT)
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join(map(str, sources)),
        "PARLEY_ENV": "development",
        "PARLEY_JWT_SECRET": SECRET,
        "PARLEY_WORKER_PORT": str(port),
        "PARLEY_MEDIA_CACHE": str(folder / "cache"),
        "PARLEY_RECORDINGS": str(folder / "recordings"),
        **(variables or {}),
    }
    with (folder / LOG_FILE).open("wb") as log, pinned(SYSTEM_CORE):
        process = subprocess.Popen(
            [sys.executable, "-m", "mediaworker"],
            cwd=wiring.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        _wait_until_ready(process, port, folder / LOG_FILE)
        yield MediaWorker(port, process.pid)
    finally:
        _stop(process)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while not _is_ready(port):
        if process.poll() is not None or time.monotonic() > ends_at:
            raise NotStarted(log.read_bytes()[-LAST_BYTES:].decode(errors="replace"))
        time.sleep(0.05)


def _is_ready(port: int) -> bool:
    """Once it can speak, too."""
    try:
        url = f"http://127.0.0.1:{port}/health"
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(json.load(response)["status"] == "ok")
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
