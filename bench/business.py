"""A business's webhook endpoint that takes everything at once, and when it came."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

from infra.laptop.clock import now_seconds


class Server(ThreadingHTTPServer):
    """Many may knock at the same moment."""

    request_queue_size = 256
    daemon_threads = True


class Business:
    """Answers 200, within ``with``."""

    def __init__(self) -> None:
        self._came_ms: dict[str, float] = {}
        self._repeats = 0
        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhooks"

    @property
    def came_ms(self) -> dict[str, float]:
        """Event id -> when its first webhook was here, whole."""
        with self._lock:
            return dict(self._came_ms)

    @property
    def repeats(self) -> int:
        with self._lock:
            return self._repeats

    def wait_for(self, count: int, seconds: float) -> bool:
        """Until so many different ones have come."""
        ends_at = time.monotonic() + seconds
        while len(self._came_ms) < count:
            if time.monotonic() > ends_at:
                return False
            time.sleep(0.05)
        return True

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, event_id: str, at_ms: float) -> None:
        with self._lock:
            if event_id in self._came_ms:
                self._repeats += 1
            else:
                self._came_ms[event_id] = at_ms

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                take(self.headers["X-Event-ID"], now_seconds() * 1000)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: object) -> None:
                """Its lines are nobody's log."""

        return Handler
