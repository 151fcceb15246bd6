"""linphonec without a sound card, driven by what is typed into it."""

import asyncio
import os
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.test_laptop import free_ports

LOOPBACK = "127.0.0.1"
START_SECONDS = 1.0


@dataclass(eq=False)
class Linphone:
    """One that runs."""

    process: asyncio.subprocess.Process
    port: int
    log: Path

    async def type(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def until(self, text: str) -> None:
        """It has said so."""
        async with asyncio.timeout(20):
            while text not in self.log.read_text(errors="replace"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)


@asynccontextmanager
async def linphone(folder: Path) -> AsyncIterator[Linphone]:
    """Runs within the block."""
    (port,) = free_ports(1)
    (folder / ".local" / "share" / "linphone").mkdir(parents=True)
    (folder / "rc").write_text(
        f"[sip]\nsip_port={port}\nsip_tcp_port={port}\nsip_tls_port=-1\n"
        f"contact=sip:tester@{LOOPBACK}\nguess_hostname=0\n"
    )
    log = folder / "log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *("linphonec", "-c", str(folder / "rc")),
            stdin=PIPE,
            stdout=output,
            stderr=output,
            cwd=folder,
            env={**os.environ, "HOME": str(folder)},
        )
    phone = Linphone(process, port, log)
    try:
        await asyncio.sleep(START_SECONDS)
        await phone.type("soundcard use files")
        yield phone
    finally:
        if process.returncode is None:
            await phone.type("quit")
            try:
                async with asyncio.timeout(3):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
