"""One laptop cloud for a module's tests, emptied between them; functions are fakes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.laptop.cloud import Cloud, Pace
from infra.laptop.environment import laptop_environment
from infra.laptop.observation import Observation
from tests.infra.laptop.fakes import FakeClock, FakeFunctions, Table

Laptop = tuple[Cloud, FakeFunctions, list[Observation], FakeClock]

PACE = Pace(
    asynchronous_retry_seconds=0.01, stream_retry_seconds=0.001, sweep_seconds=3600
)


@pytest.fixture(scope="module")
def laptop(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Laptop]:
    folder: Path = tmp_path_factory.mktemp("checkout")
    functions = FakeFunctions()
    seen: list[Observation] = []
    clock = FakeClock()
    cloud = Cloud(
        laptop_environment({"PATH": "/usr/bin"}, folder),
        handlers=functions.handlers(),
        pace=PACE,
        now_seconds=clock,
    )
    cloud.observe(seen.append)
    with cloud:
        yield cloud, functions, seen, clock


@pytest.fixture
def cloud(laptop: Laptop) -> Cloud:
    cloud, functions, seen, _ = laptop
    cloud.reset()
    functions.clear()
    seen.clear()
    return cloud


@pytest.fixture
def functions(laptop: Laptop, cloud: Cloud) -> FakeFunctions:
    return laptop[1]


@pytest.fixture
def seen(laptop: Laptop, cloud: Cloud) -> list[Observation]:
    return laptop[2]


@pytest.fixture
def clock(laptop: Laptop) -> FakeClock:
    return laptop[3]


@pytest.fixture
def table(cloud: Cloud) -> Table:
    return Table()
