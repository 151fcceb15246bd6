"""sipp, run by its scenarios: the folder `sipp` beside this module."""

import asyncio
import shutil
import tempfile
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.test_laptop import free_ports

SCENARIOS = Path(__file__).parent / "sipp"
needs_sipp = pytest.mark.skipif(
    shutil.which("sipp") is None, reason="sipp is not installed"
)
LOOPBACK = "127.0.0.1"
KINDS = ("udp", "tcp")
BUILT_IN = frozenset({"uac", "uas"})


@dataclass(frozen=True, slots=True)
class Sipp:
    """One that runs."""

    process: asyncio.subprocess.Process
    port: int
    folder: Path

    @property
    def uri(self) -> str:
        return f"sip:sipp@{LOOPBACK}:{self.port}"

    async def done(self) -> None:
        """All its calls have gone as the scenario says; else AssertionError."""
        output, _ = await self.process.communicate()
        errors = "".join(f.read_text() for f in self.folder.glob("*errors.log"))
        told = errors or output.decode(errors="replace")
        assert self.process.returncode == 0, told[-3_000:]


async def _bound(port: int) -> None:
    """It listens: what is sent before is lost, and sent again much later."""
    async with asyncio.timeout(10):
        while not _is_bound(port):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


def _is_bound(port: int) -> bool:
    mark = f":{port:04X} "
    return any(mark in Path(f"/proc/net/{kind}").read_text() for kind in KINDS)


@asynccontextmanager
async def sipp(
    scenario: str,
    target: str = "",
    *options: str,
    calls: int = 1,
    seconds: int = 20,
    folder: Path | None = None,
) -> AsyncIterator[Sipp]:
    """Runs within the block; a target makes calls, without one it takes them."""
    with tempfile.TemporaryDirectory() as made:
        place = folder or Path(made)
        (port,) = free_ports(1)
        (media,) = free_ports(1)
        which = ("-sn", scenario)
        if scenario not in BUILT_IN:
            which = ("-sf", str(SCENARIOS / f"{scenario}.xml"))
        process = await asyncio.create_subprocess_exec(
            *("sipp", *which, *([target] if target else []), "-s", "agent"),
            *("-i", LOOPBACK, "-p", str(port), "-mp", str(media & ~1)),
            *("-m", str(calls), "-timeout", f"{seconds}s", "-timeout_error"),
            *("-nostdin", "-trace_err", *options),
            cwd=place,
            stdout=PIPE,
            stderr=STDOUT,
        )
        try:
            await _bound(port)
            yield Sipp(process, port, place)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
