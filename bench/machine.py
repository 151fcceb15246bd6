"""The machine that a number was measured on, and its cores."""

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "aioice",
    "aiortc",
    "av",
    "aws-lambda-powertools",
    "botocore",
    "chalice",
    "moto",
    "numpy",
    "onnxruntime",
    "picows",
    "pyjwt",
    "pynamodb",
    "urllib3",
    "uvloop",
)
MEMORY_UNIT = 1024**3


@dataclass(frozen=True, slots=True)
class Machine:
    """What a reader needs to know before comparing numbers."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    packages: dict[str, str]
    load_average: tuple[float, float, float]
    """When the run began: others may have been at work."""

    def render(self) -> dict[str, Any]:
        return asdict(self)


def describe() -> Machine:
    """This machine, now."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpu=_cpu(Path("/proc/cpuinfo").read_text(encoding="utf-8")),
        cores=os.cpu_count() or 1,
        memory_gb=round(pages / MEMORY_UNIT, 1),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        packages={name: metadata.version(name) for name in PACKAGES},
        load_average=os.getloadavg(),
    )


def _cpu(cpuinfo: str) -> str:
    """The model's name; the machine's architecture where Linux tells none."""
    for line in cpuinfo.splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


CORES = tuple(sorted(os.sched_getaffinity(0)))
SYSTEM_CORE = CORES[0]
"""Where the system under test runs."""
GENERATOR_CORE = CORES[1] if len(CORES) > 1 else CORES[0]
"""Where who asks and who listens run."""


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Within the block this thread, and whatever it starts, stays on ``core``."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
