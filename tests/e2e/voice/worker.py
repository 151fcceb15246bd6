"""``python -m mediaworker`` as an operator has it: a process, a port, a log."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from chalicelib.protocol.vocabulary import Role
from tests.e2e.test_laptop import ROOT, free_ports, get
from tests.worker.gateway.fakes import SECRET, token

START_SECONDS = 30
"""The machine may be shared."""
STOP_SECONDS = 10
UNWANTED = ("PARLEY_", "COVERAGE_")
"""A worker whose lines are counted is so slow that it takes few sessions."""


@dataclass(frozen=True, slots=True)
class MediaWorker:
    """One that runs, or has run."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def url(self, uid: str = "alice", path: str = "/call", **query: str) -> str:
        """Of a session's socket."""
        given = urlencode({"token": token(uid), **query})
        return f"ws://127.0.0.1:{self.port}{path}?{given}"

    def ask(self, path: str, uid: str = "root") -> Any:
        """As an administrator."""
        status, answer = get(f"{self._http}/{path}?token={token(uid, Role.ADMIN)}")
        assert status == 200
        return answer

    def readings(self) -> dict[str, float]:
        """Its metrics, without labels."""
        url = f"{self._http}/metrics?token={token('root', Role.ADMIN)}"
        with urllib.request.urlopen(url, timeout=10) as response:
            lines = response.read().decode().splitlines()
        pairs = (line.split() for line in lines if line and line[0] != "#")
        return {
            name.removeprefix("parley_worker_"): float(text) for name, text, *_ in pairs
        }

    def lines(self, level: str) -> list[dict[str, Any]]:
        """Of its log; whatever else was written there is a line of `critical`."""
        found = [_line(text) for text in self.log.read_text().splitlines()]
        return [line for line in found if line["level"] == level]

    @property
    def _http(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def media_worker(
    folder: Path, *, module: str = "mediaworker", **variables: str
) -> Iterator[MediaWorker]:
    """By itself, and ready; within the block it runs."""
    (port,) = free_ports(1)
    log = folder / "log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(UNWANTED)},
                "PARLEY_ENV": "development",
                "PARLEY_JWT_SECRET": SECRET,
                "PARLEY_WORKER_PORT": str(port),
                "PARLEY_MEDIA_CACHE": str(folder / "cache"),
                "PARLEY_RECORDINGS": str(folder / "recordings"),
                "PARLEY_SPOOL": str(folder / "spool"),
                "PYTHONPATH": os.pathsep.join(
                    [str(ROOT / "media-worker" / "src"), str(ROOT)]
                ),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
    worker = MediaWorker(process, port, log)
    with process:
        try:
            _wait_until_ready(worker)
            yield worker
            process.send_signal(signal.SIGINT)
            assert process.wait(STOP_SECONDS) == 0
        finally:
            if process.poll() is None:
                process.kill()


def _wait_until_ready(worker: MediaWorker) -> None:
    ends_at = time.monotonic() + START_SECONDS
    url = f"http://127.0.0.1:{worker.port}/health"
    while (get(url)[1] or {}).get("status") != "ok":
        assert worker.process.poll() is None, worker.log.read_text()
        assert time.monotonic() < ends_at, "the worker did not start"
        time.sleep(0.05)


def _line(text: str) -> dict[str, Any]:
    try:
        line: dict[str, Any] = json.loads(text)
    except ValueError:
        return {"level": "critical", "message": text}
    return line
