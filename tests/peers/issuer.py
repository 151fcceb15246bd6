"""An issuer's web server, that publishes its keys, or does worse."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.attacks import key_set

KEYS_PATH = "/keys"


@dataclass
class Issuer:
    """What it answers can be changed while it runs."""

    url: str
    body: bytes = field(default_factory=lambda: key_set().encode())
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    drip: Callable[[], bytes] | None = None
    """Gives the next piece, without end, in place of the body."""
    asked: list[str] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def issuer() -> Iterator[Issuer]:
    """Listens on the loopback in the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    found = Issuer(f"http://127.0.0.1:{server.server_port}{KEYS_PATH}")
    server.daemon_threads = True
    server.issuer = found  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        found.is_over.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        told: Issuer = self.server.issuer  # type: ignore[attr-defined]
        told.asked.append(self.path)
        self.send_response(told.status)
        for name, value in told.headers.items():
            self.send_header(name, value)
        if told.drip is None:
            self.send_header("Content-Length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)
            return
        self.end_headers()
        try:
            while not told.is_over.is_set():
                self.wfile.write(told.drip())
        except OSError:
            return

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


def slowly() -> bytes:
    time.sleep(0.02)
    return b" "
