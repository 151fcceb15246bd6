"""A business's webhook endpoint on the loopback, which takes everything."""

import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from infra.costing.assumptions import RECEIVER_SECONDS


class Receiver:
    """Answers 200 after a moment, within ``with``, and counts by event type."""

    def __init__(self, answer_seconds: float = RECEIVER_SECONDS) -> None:
        self._answer_seconds = answer_seconds
        self._types: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="receiver", daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhooks"

    @property
    def types(self) -> Counter[str]:
        """How many webhooks of each type have come."""
        with self._lock:
            return self._types.copy()

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

    def _take(self, event_type: str) -> None:
        with self._lock:
            self._types[event_type] += 1
        time.sleep(self._answer_seconds)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                if event_type := self.headers["X-Event-Type"]:
                    receiver._take(event_type)
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *arguments: Any) -> None:
                """Its lines are nobody's log."""

        return Handler
