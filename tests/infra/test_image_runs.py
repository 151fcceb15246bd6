"""What the image will hold, in a folder, is all that a worker needs."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from sysconfig import get_path
from tempfile import TemporaryDirectory

import pytest

from infra.wiring import ROOT
from tests.e2e.test_laptop import free_ports
from tests.e2e.voice.caller import connected
from tests.infra.test_image import of
from tests.worker.gateway.fakes import SECRET, token

HEALTH = "app/mediaworker/health.py"
NOBODY = 65_534
START_SECONDS = 40
STOP_SECONDS = 15
LISTED = """
import sys
sys.path[:] = [one for one in sys.path if one.endswith(("lib-dynload", VERSION))]
sys.path += FOLDERS
from mediaworker.webrtc.without_pyav import stand_in
stand_in()
import importlib, pkgutil, mediaworker
from chalicelib import protocol
for package in (mediaworker, protocol):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
import mediaworker.__main__, mediaworker.speech.__main__
print(*sorted(n for n in sys.modules if n.startswith(("chalicelib", "av."))))
"""


@dataclass(frozen=True, slots=True)
class Image:
    """As a container has it below ``/``: what it may read, and what it may write."""

    root: Path
    scratch: Path
    python: str
    before: Sequence[str]
    """What takes away the rights that a container does not have."""

    def environment(self, port: int) -> dict[str, str]:
        """The Dockerfile's, with its places moved here."""
        found = {"PATH": os.defpath, "PARLEY_JWT_SECRET": SECRET}
        for name, text in of("ENV")[0].pairs.items():
            text = text.replace("/opt/parley", str(self.root))
            found[name] = text.replace("/scratch", str(self.scratch))
        return found | {
            "PARLEY_BIND": "127.0.0.1",
            "PARLEY_SIP_PORT": "0",
            "PARLEY_WORKER_PORT": str(port),
        }

    def command(self, *arguments: str) -> list[str]:
        return [*self.before, self.python, *arguments]


def run(*command: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False)


def assembled(folder: Path) -> Path:
    """By the very script that the Dockerfile calls, without what it would download."""
    models = ROOT / ".parley" / "models"
    made = run(
        *(sys.executable, ROOT / "scripts" / "image-root"),
        *("packages", "models", "sources", folder),
        *(f"--installed={get_path('platlib')}", f"--models={models}"),
    )
    assert made.returncode == 0, made.stderr
    return folder


def interpreter(before: Sequence[str]) -> str | None:
    """One of this version that whoever that is may start, with its own library."""
    version = ".".join(map(str, sys.version_info[:2]))
    for python in (vars(sys).get("_base_executable"), f"/usr/bin/python{version}"):
        if python and Path(python).exists():
            home = Path(python).resolve().parent.parent
            asked = run(*before, python, "-IS", "-c", "import json; print(json)")
            if str(home) in asked.stdout:
                return str(python)
    return None


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    # Not in pytest's folder, which is closed to all others.
    with TemporaryDirectory(prefix="parley-image-") as made:
        place = Path(made)
        place.chmod(0o711)
        root, scratch = assembled(place / "root"), place / "scratch"
        scratch.mkdir()
        before = unprivileged(root, scratch)
        python = interpreter(before)
        if python is None:
            before, python = (), str(vars(sys).get("_base_executable", sys.executable))
        yield Image(root, scratch, python, before)


def unprivileged(root: Path, scratch: Path) -> Sequence[str]:
    """Nobody, in a world where the image cannot be written to, where that can be."""
    if os.geteuid() != 0:
        return ()
    os.chown(scratch, NOBODY, NOBODY)
    mounts = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    drop = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
    before = ("unshare", "--mount", "sh", "-c", mounts, str(root), *drop)
    is_possible = run(*before, "true").returncode == 0
    return before if is_possible else ()


def names(image: Image) -> set[str]:
    found = (image.root / "packages").glob("*.dist-info")
    return {one.name.partition("-")[0].lower() for one in found}


def test_hold_what_the_worker_names_and_nothing_of_the_laptops(image: Image) -> None:
    found = names(image)
    assert {"aiortc", "aiohttp", "numpy", "onnxruntime", "pyjwt"} <= found
    assert not found & {"av", "boto3", "chalice", "moto", "onnx", "pip", "pytest"}
    assert not list((image.root / "packages").glob("av*"))


def test_hold_of_the_control_plane_the_protocol_alone(image: Image) -> None:
    held = {one.name for one in (image.root / "app" / "chalicelib").iterdir()}
    assert held - {"__pycache__"} == {"__init__.py", "protocol"}


def test_hold_the_models_and_no_recorded_speech(image: Image) -> None:
    held = {one.name for one in (image.root / "models").iterdir()}
    assert {"moonshine-tiny-en", "silero.npz", "smart-turn-v3.2-cpu.onnx"} <= held
    assert not held & {"speech-samples", "silero_vad.onnx", ".fetched"}


def test_hold_byte_code_of_every_module(image: Image) -> None:
    for module in (image.root / "app").rglob("*.py"):
        cached = module.parent / "__pycache__"
        assert list(cached.glob(f"{module.stem}.*.pyc")), module


def test_import_every_module_from_the_image_alone(image: Image) -> None:
    folders = [str(image.root / name) for name in ("packages", "app")]
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    program = f"VERSION = {version!r}; FOLDERS = {folders!r}\n{LISTED}"
    listed = run(image.python, "-B", "-I", "-S", "-c", program)
    assert listed.returncode == 0, listed.stderr
    for name in listed.stdout.split():
        is_shared = name == "chalicelib" or name.startswith("chalicelib.protocol")
        assert is_shared or name.startswith("av."), name


@contextmanager
def worker(image: Image, port: int) -> Iterator[subprocess.Popen[bytes]]:
    with (image.scratch.parent / "log").open("wb") as log:
        process = subprocess.Popen(
            image.command("-S", "-m", "mediaworker"),
            cwd=image.scratch,
            env=image.environment(port),
            stderr=log,
        )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_for_health(image: Image, port: int, process: "subprocess.Popen[bytes]") -> str:
    """As a container's health check has it."""
    ends_at = time.monotonic() + START_SECONDS
    while True:
        asked = subprocess.run(
            image.command("-IS", str(image.root / HEALTH)),
            env=image.environment(port),
            capture_output=True,
            text=True,
        )
        if asked.returncode == 0:
            return asked.stdout
        log = image.scratch.parent / "log"
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < ends_at, log.read_text()
        time.sleep(0.2)


async def speak(url: str) -> int:
    """How many frames of a spoken text came."""
    async with connected(url) as caller:
        await caller.command("invite", option={"tts": {"provider": "embedded"}})
        await caller.until(lambda record: record.events("answer"))
        await caller.command("tts", text="Good morning.", playId="one")
        await caller.until(lambda record: record.events("trackEnd"))
        return len(caller.record.frames("one"))


@pytest.mark.laptop
def test_speak_and_stop_as_nobody_on_a_read_only_disk(image: Image) -> None:
    (port,) = free_ports(1)
    with worker(image, port) as process:
        assert wait_for_health(image, port, process) == "HTTP/1.1 200 OK\n"
        url = f"ws://127.0.0.1:{port}/call?codec=pcm&token={token()}"
        assert asyncio.run(speak(url)) > 20
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOP_SECONDS) == 0
    written = {one.name for one in image.scratch.iterdir()}
    # Not what libraries would leave there to tell their makers.
    assert written <= {"media", "recordings"}


def test_tell_that_nothing_answers(image: Image) -> None:
    (port,) = free_ports(1)
    check = [image.python, "-IS", str(image.root / HEALTH)]
    variables = {"PARLEY_WORKER_PORT": str(port)}
    asked = subprocess.run(check, env=variables, capture_output=True, check=False)
    assert asked.returncode == 1
