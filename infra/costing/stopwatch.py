"""What of an invocation is our own work, and what it waits for."""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import urllib3
from moto.core.botocore_stubber import BotocoreStubber

from infra.costing.assumptions import POST_MS, REQUEST_MS, UNKNOWN_REQUEST_MS
from infra.laptop.handlers import Handler, load
from infra.laptop.patching import replaced
from infra.parts import Function


@dataclass(slots=True)
class Timing:
    """One invocation."""

    cpu_seconds: float = 0.0
    """Measured: this thread's, without what it spent inside the emulated AWS."""
    waits_ms: float = 0.0
    """Assumed: for every request of an AWS client, and every other HTTP request."""
    sent_bytes: int = 0
    """In requests to somebody else, as HTTP/1.1 has them inside TLS."""


class _Thread(threading.local):
    def __init__(self) -> None:
        self.running: list[Timing] = []
        self.last = Timing()
        self.depth = 0
        """Of AWS requests: one may make others, which are AWS's own."""


class Stopwatch:
    """Time of the processor, so that waiting for other threads does not count.

    What a function does in threads of its own is not seen.
    """

    def __init__(self) -> None:
        self._thread = _Thread()

    def handlers(self, functions: Iterable[Function]) -> dict[str, Handler]:
        """The functions' own handlers, timed."""
        return {one.name: self.timed(load(one.handler)) for one in functions}

    def timed(self, handler: Handler) -> Handler:
        def run(event: Any, context: Any) -> Any:
            timing = Timing()
            thread = self._thread
            thread.running.append(timing)
            depth, thread.depth = thread.depth, 0
            began = time.thread_time()
            try:
                return handler(event, context)
            finally:
                timing.cpu_seconds += time.thread_time() - began
                thread.depth = depth
                thread.last = thread.running.pop()

        return run

    def take(self) -> Timing:
        """Of the invocation that has just ended in this thread."""
        timing, self._thread.last = self._thread.last, Timing()
        return timing

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Within the block requests are told from work.

        To be entered when the laptop cloud runs, for its observation is no work of
        ours either.
        """
        with ExitStack() as stack:
            for owner, name, value in (
                (BotocoreStubber, "__call__", self._aws()),
                (urllib3.HTTPConnectionPool, "urlopen", self._post()),
            ):
                stack.enter_context(replaced(owner, name, value))
            yield

    def _aws(self) -> Any:
        original = BotocoreStubber.__call__

        def answer(stubber: Any, event_name: str, request: Any, **more: Any) -> Any:
            thread = self._thread
            if thread.depth or not thread.running:
                return original(stubber, event_name, request, **more)
            timing = thread.running[-1]
            _, service, operation = event_name.split(".", 2)
            timing.waits_ms += REQUEST_MS.get((service, operation), UNKNOWN_REQUEST_MS)
            thread.depth += 1
            began = time.thread_time()
            try:
                return original(stubber, event_name, request, **more)
            finally:
                timing.cpu_seconds -= time.thread_time() - began
                thread.depth -= 1

        return answer

    def _post(self) -> Any:
        original = urllib3.HTTPConnectionPool.urlopen

        def urlopen(
            pool: Any,
            method: str,
            url: str,
            body: Any = None,
            headers: Any = None,
            *more: Any,
            **named: Any,
        ) -> Any:
            running = self._thread.running
            if running and not self._thread.depth:
                running[-1].waits_ms += POST_MS
                running[-1].sent_bytes += _request_bytes(method, url, body, headers)
            return original(pool, method, url, body, headers, *more, **named)

        return urlopen


def _request_bytes(method: str, url: str, body: Any, headers: Any) -> int:
    lines = [f"{method} {url} HTTP/1.1"]
    lines += (f"{name}: {value}" for name, value in (headers or {}).items())
    return sum(len(line) + 2 for line in lines) + 2 + len(body or b"")
