"""The one Lambda bundle: our code, what it imports, and nothing else.

``python -m infra.bundle [--local] [OUT]`` builds it. Dependencies are kept below
``build/`` by a digest of everything that decides them, so a second build neither
downloads nor writes anything.

Lambda's file system is read-only: a bundle without byte code is compiled again in
every cold start, which takes three times as long as all else in it. So byte code is
part of the bundle wherever an interpreter of Lambda's version is at hand.
"""

import argparse
import contextlib
import fcntl
import functools
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from enum import StrEnum
from pathlib import Path

from infra.wiring import ROOT

logger = logging.getLogger(__name__)

REQUIREMENTS = Path(__file__).parent / "requirements-lambda.txt"
BUILD_FOLDER = ROOT / "build"
OUR_CODE = ("app.py", "entry.py", "chalicelib")

AWS_SERVICES = frozenset(
    {
        "apigatewaymanagementapi",
        "dynamodb",
        "ecs",
        "events",
        "kms",
        "secretsmanager",
        "sns",
        "sqs",
        "stepfunctions",
        "sts",
    }
)
"""The service models that botocore keeps: a client of any other cannot be made."""

CHALICE_RUNTIME = frozenset({"__init__.py", "app.py"})
"""What ``chalice package`` itself vendors; the rest is its command line."""

UNUSED = (
    *("bin", "cffi", "*.dist-info", "**/tests", "**/__pycache__", "**/*.pyi"),
    *("boto3/data", "boto3/examples"),
)
"""``cffi`` is here for its ``_cffi_backend`` alone, which cryptography loads, and boto3
because powertools' Idempotency imports it."""

LAMBDA_PYTHON = "3.13"
LAMBDA_PLATFORM = (
    "--platform=manylinux2014_aarch64",
    "--platform=manylinux_2_28_aarch64",
    "--only-binary=:all:",
    f"--python-version={LAMBDA_PYTHON}",
    "--implementation=cp",
)

SAY_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


class Target(StrEnum):
    """Where the bundle's compiled modules must load."""

    CLOUD = "cloud"
    """Lambda's arm64 Python 3.13."""
    LOCAL = "local"
    """This interpreter: MiniStack runs functions with it."""


def build(target: Target, out: Path | None = None) -> Path:
    """Bring ``out`` up to date and return it."""
    packages = dependencies(target)
    with _alone("bundle"):
        return _assemble(target, packages, out or BUILD_FOLDER / f"bundle-{target}")


def _assemble(target: Target, packages: Path, out: Path) -> Path:
    digest = _digest(packages.name, *_contents(_sources()))
    stamp = out.with_name(f"{out.name}.digest")
    if out.is_dir() and stamp.is_file() and stamp.read_text() == digest:
        return out
    fresh = _fresh_folder(out)
    shutil.copytree(packages, fresh, dirs_exist_ok=True)
    for source in _sources():
        copy = fresh / source.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
    compile_modules(target, fresh, OUR_CODE)
    stamp.unlink(missing_ok=True)
    _put_in_place(fresh, out)
    stamp.write_text(digest)
    return out


def dependencies(target: Target) -> Path:
    """The folder with the pruned packages, downloaded once per set of inputs."""
    digest = _digest(
        REQUIREMENTS.read_bytes(),
        Path(__file__).read_bytes(),
        _platform(target),
        _compiler(target) or "",
    )
    folder = BUILD_FOLDER / "dependencies" / f"{target}-{digest[:16]}"
    with _alone("dependencies"):
        if not folder.is_dir():
            fresh = _fresh_folder(folder)
            _install(target, fresh)
            prune(fresh)
            compile_modules(target, fresh, (".",))
            _put_in_place(fresh, folder)
    return folder


def prune(packages: Path) -> None:
    """Delete what no function of ours can ever import."""
    for pattern in UNUSED:
        for path in sorted(packages.glob(pattern), reverse=True):
            _delete(path)
    for path in (packages / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in AWS_SERVICES:
            _delete(path)
    for path in (packages / "chalice").iterdir():
        if path.name not in CHALICE_RUNTIME:
            _delete(path)


def compile_modules(target: Target, folder: Path, names: Iterable[str]) -> None:
    """Put byte code beside the modules below ``names``, if anything here can.

    It is never held against its source, for nothing in a bundle ever changes.
    """
    python = _compiler(target)
    if python is None:
        logger.warning("no python%s: functions will start slowly", LAMBDA_PYTHON)
        return
    options = ["-q", "--invalidation-mode=unchecked-hash"]
    subprocess.run(
        [python, "-I", "-m", "compileall", *options, *names], cwd=folder, check=True
    )


@functools.cache
def _compiler(target: Target) -> str | None:
    """An interpreter whose byte code the target's can load."""
    if target is Target.LOCAL or _version(sys.executable) == LAMBDA_PYTHON:
        return sys.executable
    found = shutil.which(f"python{LAMBDA_PYTHON}")
    return found if found and _version(found) == LAMBDA_PYTHON else None


def _version(python: str) -> str:
    """As ``3.13``; empty for what does not run, as a version manager's stand-in."""
    told = subprocess.run([python, "-I", "-c", SAY_VERSION], capture_output=True)
    return told.stdout.decode().strip() if told.returncode == 0 else ""


def _install(target: Target, folder: Path) -> None:
    platform = LAMBDA_PLATFORM if target is Target.CLOUD else ()
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    options = ["install", "--quiet", "--no-deps", "--no-compile"]
    place = [f"--target={folder}", f"--requirement={REQUIREMENTS}"]
    subprocess.run([*pip, *options, *platform, *place], check=True)


def _platform(target: Target) -> str:
    if target is Target.CLOUD:
        return " ".join(LAMBDA_PLATFORM)
    return f"{sysconfig.get_platform()} {sys.version}"


def _sources() -> list[Path]:
    """Our files, in one order on every machine."""
    return sorted(path for name in OUR_CODE for path in _files(ROOT / name))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif not path.is_dir():
        raise FileNotFoundError(f"the bundle needs {path.relative_to(ROOT)}")
    else:
        for file in path.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                yield file


def _contents(files: list[Path]) -> Iterator[bytes]:
    for file in files:
        yield str(file.relative_to(ROOT)).encode()
        yield file.read_bytes()


def _digest(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    """Two builds at once would delete under each other what one has just made."""
    BUILD_FOLDER.mkdir(exist_ok=True)
    with (BUILD_FOLDER / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fresh_folder(place: Path) -> Path:
    """An empty neighbour of ``place``, so that moving it there is one rename."""
    fresh = place.with_name(f"{place.name}.{os.getpid()}.partial")
    _delete(fresh)
    fresh.mkdir(parents=True)
    return fresh


def _put_in_place(fresh: Path, place: Path) -> None:
    _delete(place)
    fresh.rename(place)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def main() -> None:
    """Build one bundle and print where it is."""
    parser = argparse.ArgumentParser(description="Build the Lambda bundle.")
    parser.add_argument("out", nargs="?", type=Path, metavar="OUT")
    parser.add_argument("--local", action="store_true", help="for this interpreter")
    arguments = parser.parse_args()
    target = Target.LOCAL if arguments.local else Target.CLOUD
    sys.stdout.write(f"{build(target, arguments.out)}\n")


if __name__ == "__main__":
    main()
