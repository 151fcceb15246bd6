"""SIP edges as an operator has them, and a control plane that knows the workers."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from chalicelib.protocol.fleet import Workers
from chalicelib.protocol.lease import Lease
from chalicelib.protocol.tokens import Unauthenticated, bearer_token, verify_worker
from tests.e2e.test_laptop import ROOT, free_ports, get
from tests.e2e.voice.worker import UNWANTED, MediaWorker
from tests.worker.gateway.fakes import SECRET

LOOPBACK = "127.0.0.1"
START_SECONDS = 30
STOP_SECONDS = 10


def lease_of(
    worker_id: str, port: int, host: str = LOOPBACK, **changes: object
) -> Lease:
    """Of a worker with a SIP port there."""
    given: dict[str, object] = {
        "worker_id": worker_id,
        "epoch": 1,
        "address": f"{host}:8080",
        "ws_url": f"ws://{host}:8080",
        "sessions": 0,
        "capacity": 250,
        "is_draining": False,
        "renewed_at_ms": 1_000,
        "sip_address": f"{host}:{port}",
    }
    return Lease(**{**given, **changes})  # type: ignore[arg-type]


@dataclass
class FakeRoster:
    """Tells edges of workers; listens within ``async with``."""

    leases: list[Lease] = field(default_factory=list)
    asked: int = 0
    planned: list[web.Response] = field(default_factory=list)
    """What the next requests are answered instead."""
    url: str = ""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["FakeRoster"]:
        application = web.Application()
        application.router.add_get("/internal/workers", self._tell)
        async with TestServer(application) as server:
            self.url = str(server.make_url("/"))
            yield self

    async def _tell(self, request: web.Request) -> web.Response:
        self.asked += 1
        try:
            verify_worker(bearer_token(request.headers, {}) or "", SECRET)
        except Unauthenticated:
            return web.Response(status=401)
        if self.planned:
            return self.planned.pop(0)
        return web.json_response(Workers(tuple(self.leases)).render())


@dataclass(frozen=True, slots=True)
class EdgeProcess:
    """One that runs, or has run."""

    process: subprocess.Popen[bytes]
    port: int
    http_port: int
    log: Path

    @property
    def target(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    def health(self) -> tuple[int, dict[str, Any] | None]:
        return get(f"http://{LOOPBACK}:{self.http_port}/health")

    def lines(self, level: str) -> list[dict[str, Any]]:
        """Of its log."""
        return MediaWorker(self.process, self.http_port, self.log).lines(level)

    def kill(self) -> None:
        """Without a word to anybody."""
        self.process.kill()
        self.process.wait(STOP_SECONDS)


@contextmanager
def edge_process(
    folder: Path, control_url: str, **variables: str
) -> Iterator[EdgeProcess]:
    """Ready; within the block it runs, or is killed."""
    port, http_port = free_ports(2)
    log = folder / f"edge-{port}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "mediaworker.edge"],
            cwd=ROOT,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(UNWANTED)},
                "PARLEY_CONTROL_URL": control_url,
                "PARLEY_JWT_SECRET": SECRET,
                "PARLEY_EDGE_PORT": str(port),
                "PARLEY_WORKER_PORT": str(http_port),
                "PARLEY_SIP_PEERS": LOOPBACK,
                "PYTHONPATH": os.pathsep.join(
                    [str(ROOT / "media-worker" / "src"), str(ROOT)]
                ),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
        )
    edge = EdgeProcess(process, port, http_port, log)
    with process:
        try:
            _wait_until_ready(edge)
            yield edge
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                assert process.wait(STOP_SECONDS) == 0
        finally:
            if process.poll() is None:
                process.kill()


def _wait_until_ready(edge: EdgeProcess) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while True:
        assert edge.process.poll() is None, edge.log.read_text()
        assert time.monotonic() < ends_at, "the edge did not start"
        try:
            if edge.health()[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
