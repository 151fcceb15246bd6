"""baresip without a sound card: a file is its microphone, another its loudspeaker."""

import asyncio
import json
import os
import wave
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.test_laptop import free_ports

LOOPBACK = "127.0.0.1"
MODULES = "/usr/lib/baresip/modules"
START_SECONDS = 10.0


@dataclass(eq=False)
class Baresip:
    """One that runs."""

    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    port: int
    folder: Path

    def __post_init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        self._reading = asyncio.ensure_future(self._read())

    @property
    def uri(self) -> str:
        return f"sip:tester@{LOOPBACK}:{self.port}"

    def heard(self) -> list[Path]:
        """What it dumped of the far end's audio, once the call is over."""
        return sorted(self.folder.glob("dump-*-dec.wav"))

    async def command(self, name: str, params: str = "") -> None:
        text = json.dumps({"command": name, "params": params, "token": "t"})
        self.writer.write(f"{len(text)}:{text},".encode())
        await self.writer.drain()

    async def until(self, kind: str) -> dict[str, Any]:
        """An event of that type, as CALL_ESTABLISHED or CALL_CLOSED."""
        async with asyncio.timeout(20):
            while True:
                for event in self.events:
                    if event.get("type") == kind:
                        return event
                self._news.clear()
                await self._news.wait()

    async def close(self) -> None:
        self._reading.cancel()
        self.writer.close()
        if self.process.returncode is None:
            self.process.terminate()
            try:
                async with asyncio.timeout(3):
                    await self.process.wait()
            except TimeoutError:
                self.process.kill()
                await self.process.wait()

    async def _read(self) -> None:
        while True:
            try:
                size = (await self.reader.readuntil(b":"))[:-1]
                text = await self.reader.readexactly(int(size) + 1)
            except asyncio.IncompleteReadError:
                return
            self.events.append(json.loads(text[:-1]))
            self._news.set()


@asynccontextmanager
async def baresip(
    folder: Path, microphone: Path, *, answers: bool = False, codecs: str = "PCMU,PCMA"
) -> AsyncIterator[Baresip]:
    """Runs within the block; its microphone is a WAV file of 8 kHz."""
    mode = "auto" if answers else "manual"
    for last in (False, False, True):
        try:
            phone = await _started(folder, microphone, mode, codecs)
            break
        except AssertionError:
            # Somebody else may have taken its ports meanwhile.
            if last:
                raise
    try:
        yield phone
    finally:
        await phone.close()


async def _started(folder: Path, microphone: Path, mode: str, codecs: str) -> Baresip:
    """Raises AssertionError when it ends at once."""
    sip_port, control_port = free_ports(2)
    (folder / "accounts").write_text(
        f"<sip:tester@{LOOPBACK}:{sip_port};transport=udp>"
        f";regint=0;audio_codecs={codecs};answermode={mode}\n"
    )
    (folder / "contacts").write_text("")
    lines = [
        f"sip_listen {LOOPBACK}:{sip_port}",
        f"audio_source aufile,{microphone}",
        f"audio_player aufile,{folder / 'out.wav'}",
        "audio_alert aufile,/dev/null",
        "ausrc_srate 8000",
        "auplay_srate 8000",
        f"ctrl_tcp_listen {LOOPBACK}:{control_port}",
        f"snd_path {folder}",
        f"module_path {MODULES}",
        *(f"module {name}.so" for name in ("stdio", "g711", "g722", "aufile")),
        "module sndfile.so",
        *(f"module_app {name}.so" for name in ("account", "contact", "menu")),
        "module_app ctrl_tcp.so",
    ]
    (folder / "config").write_text("\n".join([*lines, ""]))
    log = (folder / "log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *("baresip", "-f", str(folder)),
        stdin=DEVNULL,
        stdout=log,
        stderr=log,
        env={**os.environ, "HOME": str(folder)},
        cwd=folder,
    )
    log.close()
    reader, writer = await _connected(control_port, process)
    return Baresip(process, reader, writer, sip_port, folder)


async def _connected(
    port: int, process: asyncio.subprocess.Process
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(START_SECONDS):
        while True:
            assert process.returncode is None, "baresip has ended"
            try:
                return await asyncio.open_connection(LOOPBACK, port)
            except OSError:
                await asyncio.sleep(0.05)


def save(path: Path, samples: bytes, rate: int = 8_000) -> None:
    """16-bit samples of one channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)
