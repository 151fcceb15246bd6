"""The Dockerfile keeps its promises, as far as a file can; no engine is needed."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.parts import Container
from infra.wiring import CONTAINERS, ROOT, WORKER
from mediaworker.settings import Settings
from tests.infra.dockerfile import Ignore, Instruction, parse

DOCKERFILE = ROOT / "media-worker" / "Dockerfile"
INSTRUCTIONS = parse(DOCKERFILE.read_text(encoding="utf-8"))
IGNORE = Ignore.parse((ROOT / ".dockerignore").read_text(encoding="utf-8"))
PLACE = "/opt/parley/app/"
SECRET = {"PARLEY_JWT_SECRET": "a secret of at least thirty-two bytes"}


def of(name: str, stage: int | None = None) -> list[Instruction]:
    """All of that name; of the last stage, unless another is asked for."""
    last = INSTRUCTIONS[-1].stage if stage is None else stage
    return [one for one in INSTRUCTIONS if one.name == name and one.stage == last]


def orchestrated(name: str) -> Any:
    """A constant of what runs the image in the cloud, without importing the CDK."""
    module = ROOT / "infra" / "components" / "container.py"
    for one in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == name:
            return ast.literal_eval(one.value)
    raise LookupError(name)


def taken() -> Iterator[str]:
    """What the stages take from the context."""
    for one in INSTRUCTIONS:
        if one.name == "COPY" and one.option("from") is None:
            yield from one.arguments[:-1]
        for option, text in one.options:
            if option == "mount":
                given = dict(each.split("=", 1) for each in text.split(","))
                assert given["type"] == "bind"
                yield given["source"]


def below(path: str) -> list[Path]:
    place = ROOT / path
    if place.is_file():
        return [place]
    files = (one for one in place.rglob("*") if "__pycache__" not in one.parts)
    return [one for one in files if one.is_file()]


def test_find_all_that_is_copied_in_the_context() -> None:
    for source in taken():
        files = below(source)
        assert files, source
        names = [one.relative_to(ROOT).as_posix() for one in files]
        # Of the scripts, those that a container runs.
        assert source == "scripts" or not [n for n in names if IGNORE.leaves_out(n)]


def test_find_no_other_file_in_the_context() -> None:
    needed = tuple(taken())
    for name in IGNORE.files(ROOT):
        assert any(name == one or name.startswith(one + "/") for one in needed), name


@pytest.mark.parametrize(
    "name",
    [
        ".git/config",
        ".parley/jwt_secret",
        "chalicelib/services/calls.py",
        "media-worker/src/mediaworker/__pycache__/server.cpython-311.pyc",
        "tests/conftest.py",
    ],
)
def test_leave_out_of_the_context(name: str) -> None:
    assert IGNORE.leaves_out(name)


def test_pin_the_image_that_it_is_made_from() -> None:
    (base,) = of("ARG", stage=0)
    assert {one.arguments[0] for one in INSTRUCTIONS if one.name == "FROM"} == {
        "${PYTHON_IMAGE}"
    }
    tag = base.pairs["PYTHON_IMAGE"].partition(":")[2]
    with (ROOT / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["tool"]["mypy"]["python_version"]
    assert tag.split("-") == [version, "slim", "bookworm"]


def test_fetch_nothing_by_itself() -> None:
    assert not [one for one in INSTRUCTIONS if one.name == "ADD"]


def test_run_as_nobody_in_particular() -> None:
    (user,) = of("USER")
    uid, gid = map(int, user.words.split(":"))
    assert uid > 1_000 and gid > 1_000
    script = (ROOT / "scripts" / "image-system").read_text(encoding="utf-8")
    assert f"useradd --uid {uid} --gid {gid} " in script


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda one: str(one.name))
def test_tell_the_ports_that_are_opened(container: Container) -> None:
    single = [door for door in container.doors if door.first == door.last]
    opened = {f"{door.first}/{door.transport.value}" for door in single}
    (ports,) = of("EXPOSE")
    assert set(ports.arguments) == opened


@pytest.mark.parametrize(
    "name", ["PARLEY_BIND", "PARLEY_SIP_PORT", "PARLEY_WORKER_PORT"]
)
def test_listen_where_the_cloud_looks_for_it(name: str) -> None:
    assert of("ENV")[0].pairs[name] == WORKER.environment[name]


@pytest.mark.parametrize(
    ("name", "instruction"), [("USER", "USER"), ("SCRATCH", "VOLUME")]
)
def test_be_what_the_cloud_takes_it_for(name: str, instruction: str) -> None:
    assert of(instruction)[0].words == orchestrated(name)


def test_write_below_its_volume_alone() -> None:
    (volume,) = of("VOLUME")
    environment = of("ENV")[0].pairs
    for name in ("HOME", "TMPDIR", "PARLEY_MEDIA_CACHE", "PARLEY_RECORDINGS"):
        assert Path(environment[name]).is_relative_to(volume.words), name
    assert of("WORKDIR")[0].words == volume.words


def test_give_the_worker_settings_that_it_takes() -> None:
    settings = Settings.parse(of("ENV")[0].pairs | SECRET)
    assert (settings.host, settings.port, settings.phones.port) == (
        "0.0.0.0",
        8080,
        5060,
    )
    assert not settings.is_development


def test_hear_signals_itself() -> None:
    (entry,) = of("ENTRYPOINT")
    assert entry.words.startswith("[")
    assert entry.arguments == ["python", "-m", "mediaworker"]
    assert of("STOPSIGNAL")[0].words == "SIGTERM"


def test_ask_for_its_health_by_what_it_holds() -> None:
    (check,) = of("HEALTHCHECK")
    command = Instruction("CMD", (), check.words.removeprefix("CMD "), check.stage)
    python, options, script = command.arguments
    assert command.arguments == list(orchestrated("HEALTH"))
    assert (python, options) == ("python", "-IS")
    assert (ROOT / "media-worker" / "src" / script.removeprefix(PLACE)).is_file()
