"""Parley on MiniStack, an emulated AWS in one local process, by ``cdk deploy``.

``python -m infra.ministack`` starts it, deploys, says how to call it, and stays until
interrupted. Nothing here reads AWS credentials or can reach a real account.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from infra.deployed import FAKE_AWS, REGION, Cloud, mend
from infra.laptop.environment import laptop_environment
from infra.wiring import ROOT

EXECUTABLE = ROOT / ".mini" / "bin" / "ministack"
CDK = ROOT / "node_modules" / ".bin" / "cdk"
FOLDER = ROOT / "build" / "ministack"

ACCOUNT = "000000000000"
OPERATOR_PREFIXES = ("BUSINESS_", "LIVEKIT_", "PARLEY_")
"""What a developer has set for the laptop stack holds in the emulated cloud too."""

INHERITED = ("HOME", "LANG", "LC_ALL", "PATH")
START_SECONDS = 30.0
STOP_SECONDS = 5.0


class MiniStackError(Exception):
    """The emulated cloud did not start, or a deployment into it failed."""


class MiniStack:
    """The process, alive within ``with``; its state goes when it ends."""

    def __init__(self, folder: Path = FOLDER, executable: Path = EXECUTABLE) -> None:
        self._folder = folder
        self._executable = executable
        self._port = _free_port()
        self._state = tempfile.TemporaryDirectory(prefix="parley-ministack-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """What ``AWS_ENDPOINT_URL`` must be to reach it."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> Path:
        """What MiniStack and the functions in it wrote."""
        return self._folder / "ministack.log"

    def __enter__(self) -> Self:
        try:
            self._process = self._start()
            self._wait_until_ready(self._process)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def deploy(self, **context: str) -> Cloud:
        """``cdk deploy`` every stack, then mend what MiniStack leaves undone."""
        if not CDK.is_file():
            raise MiniStackError(f"no {_short(CDK)}: run npm ci")
        (self._folder / "deploy.log").unlink(missing_ok=True)
        outputs = self._folder / "outputs.json"
        outputs.unlink(missing_ok=True)
        # Both commands are given the assembly, so it is synthesised once.
        assembly = self._folder / "cdk.out"
        shutil.rmtree(assembly, ignore_errors=True)
        pairs = {"target": "ministack", **context}
        options = [f"--context={key}={value}" for key, value in pairs.items()]
        self._run(
            [sys.executable, "-m", "infra.cdk_app", *options], CDK_OUTDIR=str(assembly)
        )
        cdk = [str(CDK), f"--app={assembly}", "--ci", "--no-notices"]
        self._run([*cdk, "bootstrap", f"aws://{ACCOUNT}/{REGION}"])
        self._run(
            [
                *cdk,
                "deploy",
                "--all",
                "--concurrency=3",
                "--progress=events",
                "--require-approval=never",
                f"--outputs-file={outputs}",
            ]
        )
        stacks = json.loads(outputs.read_text(encoding="utf-8"))
        merged = {key: one for stack in stacks.values() for key, one in stack.items()}
        cloud = Cloud(self.endpoint, merged)
        mend(cloud)
        return cloud

    def _start(self) -> subprocess.Popen[bytes]:
        if not self._executable.is_file():
            raise MiniStackError(
                f"no {_short(self._executable)}: "
                "install infra/requirements-ministack.txt there"
            )
        self._folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [self._executable],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _run(self, command: Sequence[str], **environment: str) -> None:
        log = self._folder / "deploy.log"
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("AWS_", "PARLEY_"))
        }
        aimed = {**inherited, **FAKE_AWS, "AWS_ENDPOINT_URL": self.endpoint}
        with log.open("ab") as file:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=aimed | environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode != 0:
            raise MiniStackError(f"{' '.join(command)} failed:\n{_tail(log)}")

    def _environment(self) -> dict[str, str]:
        """MiniStack's own, which every function in it inherits: hence so little."""
        inherited = {key: os.environ[key] for key in INHERITED if key in os.environ}
        return {
            **inherited,
            **FAKE_AWS,
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self._port),
            "STATE_DIR": self._state.name,
            "S3_DATA_DIR": f"{self._state.name}/s3",
            "TMPDIR": self._state.name,
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(
                    f"{self.endpoint}/_ministack/health", timeout=2
                ):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        raise MiniStackError(f"MiniStack did not start:\n{_tail(self.log)}")

    def _stop(self) -> None:
        """End the process group: the functions' workers are MiniStack's children."""
        if self._process is not None:
            _signal_group(self._process, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
            _signal_group(self._process, signal.SIGKILL)
            self._process.wait()
            self._process = None
        shutil.rmtree(self._state.name, ignore_errors=True)
        self._state.cleanup()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _short(path: Path) -> Path:
    return path.relative_to(ROOT) if path.is_relative_to(ROOT) else path


def _tail(log: Path) -> str:
    return "\n".join(
        log.read_text(encoding="utf-8", errors="replace").split("\n")[-40:]
    )


def _say(lines: Sequence[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _introduction(cloud: Cloud, log: Path) -> list[str]:
    return [
        f"HTTP API   curl '{cloud.http_url}/health'",
        f"Sockets    {cloud.sockets_url}?type=webrtc&token=…",
        "Token      make token UID=alice",
        f"AWS        AWS_ENDPOINT_URL={cloud.endpoint}, any credentials",
        f"Table      {cloud.table_name}",
        f"Logs       {_short(log)}",
        "Ctrl+C ends it.",
    ]


def main() -> None:
    """An emulated cloud for a developer, until SIGINT or SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with MiniStack() as stack:
            _say([f"MiniStack on {stack.endpoint}; deploying, some ten seconds"])
            cloud = stack.deploy()
            environment = laptop_environment(os.environ, ROOT)
            cloud.set_variables(
                **{
                    name: value
                    for name, value in environment.items()
                    if name.startswith(OPERATOR_PREFIXES)
                }
            )
            _say(_introduction(cloud, stack.log))
            while True:
                signal.pause()
    except MiniStackError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        _say(["stopped"])


if __name__ == "__main__":
    main()
