"""``python -m infra.doctor``: is this machine ready to develop Parley?

Standard library only, and no newer Python than it must be able to refuse: it runs
where nothing is installed yet.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from enum import Enum
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LEAST_PYTHON = (3, 11)
LEAST_NODE = 20
LEAST_FREE_GB = 2
COMMAND_SECONDS = 10
HTTP_SECONDS = 2


class Verdict(Enum):
    """How bad it is; only FAIL ends in exit status 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


class Finding(NamedTuple):
    """One line of the doctor's."""

    verdict: Verdict
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{self.verdict.value:<4} {self.what}"
        return f"{line}: {self.remedy}" if self.remedy else line


def python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    found = "Python " + ".".join(str(part) for part in version)
    if version[:2] < LEAST_PYTHON:
        return Finding(Verdict.FAIL, found, "install Python 3.11 or newer")
    return Finding(Verdict.OK, found)


def node(answer: str | None) -> Finding:
    """``answer`` is what ``node --version`` says; None when there is no Node."""
    remedy = f"install Node {LEAST_NODE} or newer; the CDK stacks need it"
    if answer is None:
        return Finding(Verdict.FAIL, "Node is missing", remedy)
    major = answer.lstrip("v").partition(".")[0]
    if not major.isdigit() or int(major) < LEAST_NODE:
        return Finding(Verdict.FAIL, f"Node {answer}", remedy)
    return Finding(Verdict.OK, f"Node {answer}")


def compiler(names: tuple[str, ...] = ("cc", "gcc", "clang")) -> Finding:
    for name in names:
        if path := shutil.which(name):
            return Finding(Verdict.OK, f"C compiler {path}")
    return Finding(
        Verdict.WARN,
        "no C compiler",
        "install gcc or clang; a package without a wheel for this machine needs it",
    )


def port(number: int, variable: str, *, is_ours: bool) -> Finding:
    """``is_ours``: a running stack of Parley's may well hold it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError:
            if is_ours:
                return Finding(Verdict.OK, f"port {number} is the running stack's")
            return Finding(
                Verdict.FAIL,
                f"port {number} is in use",
                f"stop what listens there, or set {variable}",
            )
    return Finding(Verdict.OK, f"port {number} is free")


def folder(path: Path) -> Finding:
    if not os.access(path, os.W_OK | os.X_OK):
        return Finding(
            Verdict.FAIL, f"{path} cannot be written", "change its owner or its mode"
        )
    return Finding(Verdict.OK, "the checkout can be written")


def disk(free_bytes: int) -> Finding:
    found = f"{free_bytes / 2**30:.1f} GB free"
    if free_bytes < LEAST_FREE_GB * 2**30:
        return Finding(Verdict.FAIL, found, f"make room: {LEAST_FREE_GB} GB at least")
    return Finding(Verdict.OK, found)


def installed(path: Path, what: str) -> Finding:
    if not path.exists():
        return Finding(Verdict.WARN, f"{what} is not installed", "run make setup, once")
    return Finding(Verdict.OK, f"{what} is installed")


def stack(port_number: int, status: str | None) -> Finding:
    """``status`` is what its health says; None when nobody answers."""
    at = f"http://127.0.0.1:{port_number}"
    if status is None:
        return Finding(Verdict.OK, "no stack is running (make run starts one)")
    if status != "ok":
        return Finding(Verdict.WARN, f"{at} is {status}", "wait, or read its log")
    return Finding(Verdict.OK, f"the stack at {at} is well")


def health(port_number: int) -> str | None:
    """The status that the stack tells, None if nobody answers like one."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}), _AnyStatus())
    url = f"http://127.0.0.1:{port_number}/health"
    try:
        with direct.open(url, timeout=HTTP_SECONDS) as response:
            status = json.load(response)["status"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(status)


def findings(environ: dict[str, str]) -> list[Finding]:
    """Everything, looked at now."""
    http_port = _number(environ.get("PARLEY_HTTP_PORT", ""), 8000)
    worker_port = _number(environ.get("PARLEY_WORKER_PORT", ""), 8080)
    status = health(http_port)
    is_ours = status is not None
    return [
        python(),
        node(_first_line("node", "--version")),
        compiler(),
        port(http_port, "PARLEY_HTTP_PORT", is_ours=is_ours),
        port(worker_port, "PARLEY_WORKER_PORT", is_ours=is_ours),
        folder(ROOT),
        disk(shutil.disk_usage(ROOT).free),
        installed(ROOT / ".mini" / "bin" / "ministack", "MiniStack"),
        installed(ROOT / "node_modules" / ".bin" / "cdk", "the CDK's command"),
        stack(http_port, status),
    ]


class _AnyStatus(urllib.request.HTTPErrorProcessor):
    """A stack that starts answers 503, and that is an answer too."""

    def http_response(self, request, response):  # type: ignore[no-untyped-def]
        return response


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() else default


def _first_line(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.partition("\n")[0].strip()


def main() -> int:
    """The process's exit status."""
    found = findings(dict(os.environ))
    for finding in found:
        sys.stdout.write(f"{finding}\n")
    return 1 if any(finding.verdict is Verdict.FAIL for finding in found) else 0


if __name__ == "__main__":
    sys.exit(main())
