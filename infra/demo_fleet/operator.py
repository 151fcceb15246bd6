"""Whoever runs the fleet: looks at its workers, drains one, kills one, hears its
webhooks."""

import json
import os
import signal
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from infra.demo.client import DemoFailed
from infra.laptop import inbox
from infra.laptop.clock import now_seconds
from infra.laptop.environment import jwt_secret
from infra.token import ALGORITHM, Wanted, claims_of
from infra.wiring import ROOT

TIMEOUT_SECONDS = 10.0
LISTENING = "STARTING -> LISTENING"


@dataclass(frozen=True, slots=True)
class Worker:
    """One that is alive."""

    id: str
    port: int
    sessions: int
    is_draining: bool


@dataclass(frozen=True, slots=True)
class Operator:
    """Every method raises `DemoFailed` for what is refused."""

    url: str
    log: Path
    """Of the stack."""

    def workers(self) -> list[Worker]:
        """Those that live, by their ports."""
        found = [
            Worker(
                one["worker_id"],
                int(one["address"].rpartition(":")[2]),
                one["sessions"],
                one["is_draining"],
            )
            for one in _ask("GET", f"{self.url}/v1/workers")["workers"]
            if one["is_alive"]
        ]
        return sorted(found, key=lambda one: one.port)

    def drain(self, worker: Worker) -> None:
        _ask("POST", f"{self.url}/v1/workers/{worker.id}/drain", {})

    def kill(self, worker: Worker) -> None:
        """At once, and without a word."""
        os.kill(self._pid(worker), signal.SIGKILL)

    def sessions(self, worker: Worker) -> list[str]:
        """Those that it has, by its own word."""
        url = f"http://127.0.0.1:{worker.port}/call/lists"
        return [one["id"] for one in _ask("GET", url)["calls"]]

    def told(self) -> list[dict[str, Any]]:
        """The webhooks of sessions, as they came."""
        found = _ask("GET", f"{self.url}{inbox.PATH}")
        return [one for one in found if one["type"].startswith("session.")]

    def _pid(self, worker: Worker) -> int:
        lines = self.log.read_text(encoding="utf-8").splitlines()
        for text in reversed(lines):
            if LISTENING in text and "pid" in text:
                line = json.loads(text)
                if line["port"] == worker.port:
                    return int(line["pid"])
        raise DemoFailed(f"Nobody knows the process of worker {worker.id}.")


def _ask(method: str, url: str, body: Any = None) -> Any:
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {_token()}",
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace")
        raise DemoFailed(f"{method} {url}: {error.code} {said}") from None
    except OSError as error:
        raise DemoFailed(f"{method} {url}: {error}") from None


def _token() -> str:
    claims = claims_of(Wanted("operator", "admin", "default", 1), int(now_seconds()))
    return jwt.encode(claims, jwt_secret(os.environ, ROOT), ALGORITHM)
