"""A business's webhook endpoint, on the loopback."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Received:
    """One webhook as it came in."""

    query: dict[str, list[str]]
    headers: dict[str, str]
    """Names in lower case."""
    raw: bytes

    @property
    def type(self) -> str:
        return self.headers["x-event-type"]

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class WebhookReceiver:
    """Answers 200 to everything, unless told, and remembers it, within ``with``."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self._received: list[Received] = []
        self._refused: Counter[str] = Counter()
        self._news = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/webhooks"

    @property
    def received(self) -> list[Received]:
        with self._news:
            return list(self._received)

    def refuse(self, event_type: str, times: int) -> None:
        """Answer 500 to the next of this type."""
        with self._news:
            self._refused[event_type] = times

    def wait_for(
        self, is_wanted: Callable[[Received], bool], seconds: float
    ) -> Received:
        """The first that is wanted; `AssertionError` with the types that came."""

        def find() -> Received | None:
            return next(filter(is_wanted, self._received), None)

        with self._news:
            found = self._news.wait_for(find, seconds)
            assert found, f"received only {[one.type for one in self._received]}"
            return found

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
        self._thread.join()
        self._server.server_close()

    def _answer(self, received: Received) -> int:
        with self._news:
            self._received.append(received)
            self._news.notify_all()
            if not self._refused[received.type]:
                return 200
            self._refused[received.type] -= 1
            return 500

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answer = self._answer

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                headers = {name.lower(): text for name, text in self.headers.items()}
                query = parse_qs(urlsplit(self.path).query)
                received = Received(query, headers, self.rfile.read(length))
                self.send_response(answer(received))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Quiet."""

        return Handler
