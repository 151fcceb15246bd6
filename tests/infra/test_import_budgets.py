"""What each function's start imports: no package that it does not need."""

import json
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from bench.zip_size import zipped_bytes
from infra import bundle, wiring
from infra.bundle import Target
from infra.parts import Function

MB = 1024 * 1024
LARGEST_ZIP = 16 * MB

LOGS = {"aws_lambda_powertools", "jmespath", "typing_extensions"}
HTTP = {"urllib3"}
DYNAMODB = {"botocore", "dateutil", "jmespath", "pynamodb", "six", *HTTP}
TOKENS = {"_cffi_backend", "cryptography", "jwt"}
EVERY = {"chalicelib", *LOGS, *DYNAMODB}
PACKAGES: Mapping[str, set[str]] = {
    "api": EVERY | TOKENS | {"app", "chalice", "entry"},
    "clients": EVERY | TOKENS,
    "notify": EVERY | TOKENS,
    "perform": EVERY | TOKENS,
    "relay": EVERY | TOKENS,
}
"""What a function takes of the bundle before its first event, beside `EVERY`: what
reads or makes tokens needs PyJWT, which is a sixth of a start."""
MODULES: Mapping[str, int] = {"api": 700, "outbox": 440}
"""Of all, the standard library's too. Each costs a tenth of a millisecond and more."""
MOST_MODULES = 600
FORBIDDEN = {
    *("aiohttp", "asyncio", "boto3", "google", "livekit", "moto", "multiprocessing"),
    *("pydantic", "requests", "s3transfer", "setuptools", "unittest", "xmlrpc"),
    *("chalice.cli", "chalice.deploy", "chalice.local", "concurrent.futures.process"),
    *("boto3.session", "cryptography.hazmat.primitives.serialization.pkcs12"),
}
"""They have been the half of somebody's start."""
TOP_LEVEL = {
    *("_cffi_backend", "app", "aws_lambda_powertools", "boto3", "botocore", "chalice"),
    *("chalicelib", "cryptography", "dateutil", "entry", "jmespath", "jwt"),
    *("pynamodb", "s3transfer", "six", "typing_extensions", "urllib3"),
}

SAY_MODULES = """
import json, sys
sys.path.insert(0, '.')
before = set(sys.modules)
import {module}
found = {{name: getattr(module, '__file__', None) or '' for name, module
         in list(sys.modules.items()) if name not in before}}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def place() -> Path:
    """The bundle for this interpreter, as the bench and MiniStack have it."""
    return bundle.build(Target.LOCAL)


@cache
def imported(place: Path, module: str) -> Mapping[str, str]:
    """Module -> its file, of a fresh interpreter that has nothing but the bundle."""
    program = SAY_MODULES.format(module=module)
    # Not the virtual environment's, which would lend its packages.
    python = vars(sys).get("_base_executable", sys.executable)
    said = subprocess.run(
        [python, "-B", "-I", "-S", "-c", program],
        cwd=place,
        capture_output=True,
        check=True,
    )
    found: dict[str, str] = json.loads(said.stdout)
    return found


def modules_of(place: Path, function: Function) -> Mapping[str, str]:
    return imported(place, function.handler.rpartition(".")[0])


def tops(place: Path, modules: Mapping[str, str]) -> set[str]:
    inside = f"{place}/"
    return {
        name.partition(".")[0]
        for name, file in modules.items()
        if file.startswith((inside, "./"))
    }


each_function = pytest.mark.parametrize(
    "function", wiring.FUNCTIONS, ids=lambda one: str(one.name)
)


@each_function
def test_import_only_the_packages_that_a_function_needs(
    place: Path, function: Function
) -> None:
    found = tops(place, modules_of(place, function))
    extra = found - PACKAGES.get(function.name, EVERY)
    assert not extra, f"{function.name} imports {extra} at its start"


@each_function
def test_import_nothing_that_is_known_to_be_slow(
    place: Path, function: Function
) -> None:
    found = FORBIDDEN & set(modules_of(place, function))
    assert not found, f"{function.name} imports {found} at its start"


@each_function
def test_import_no_more_modules_than_a_start_can_bear(
    place: Path, function: Function
) -> None:
    most = MODULES.get(function.name, MOST_MODULES)
    assert len(modules_of(place, function)) <= most


def test_list_only_packages_that_some_function_needs(place: Path) -> None:
    for function in wiring.FUNCTIONS:
        if function.name in PACKAGES:
            found = tops(place, modules_of(place, function))
            assert PACKAGES[function.name] - EVERY <= found, function.name


def test_hold_nothing_in_the_zip_but_what_is_listed() -> None:
    place = bundle.build(Target.CLOUD)
    held = {one.name.partition(".")[0] for one in place.iterdir()}
    assert held - {"__pycache__"} == TOP_LEVEL
    services = {
        one.name for one in (place / "botocore" / "data").iterdir() if one.is_dir()
    }
    assert services == bundle.AWS_SERVICES
    assert zipped_bytes(place) < LARGEST_ZIP
