"""A TURN server on the loopback: Debian's coturn, where it is installed."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

COMMAND = shutil.which("turnserver")
SECRET = "a-secret-of-coturn"
START_SECONDS = 10.0
RELAY_PORTS = (50_000, 50_999)


@dataclass(frozen=True, slots=True)
class Coturn:
    """One that runs."""

    port: int
    log: Path

    def url(self, transport: str = "udp") -> str:
        return f"turn:127.0.0.1:{self.port}?transport={transport}"


@contextmanager
def coturn(folder: Path, relay_address: str = "127.0.0.1") -> Iterator[Coturn]:
    """Within the block; credentials as `chalicelib.protocol.ice` mints them."""
    assert COMMAND is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = folder / "coturn.log"
    process = subprocess.Popen(
        [
            COMMAND,
            "-n",
            "--listening-ip=127.0.0.1",
            f"--listening-port={port}",
            f"--relay-ip={relay_address}",
            f"--min-port={RELAY_PORTS[0]}",
            f"--max-port={RELAY_PORTS[1]}",
            "--use-auth-secret",
            f"--static-auth-secret={SECRET}",
            "--realm=parley",
            "--allow-loopback-peers",
            "--no-tls",
            "--no-dtls",
            "--no-cli",
            f"--userdb={folder / 'turndb'}",
            f"--pidfile={folder / 'turn.pid'}",
            f"--log-file={log}",
            "--simple-log",
            "--verbose",
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with process:
        try:
            _wait(process, port)
            yield Coturn(port, log)
        finally:
            process.terminate()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while True:
        assert process.poll() is None, "coturn ended by itself"
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            assert time.monotonic() < ends_at, "coturn does not start"
            time.sleep(0.05)
