"""Bytes that would go to CloudWatch Logs."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from io import TextIOBase

from chalicelib import logs

PLATFORM_LINES = (
    "START RequestId: {id} Version: $LATEST\n",
    "END RequestId: {id}\n",
    "REPORT RequestId: {id}\tDuration: {ms:.2f} ms\tBilled Duration: {billed} ms\t"
    "Memory Size: {memory} MB\tMax Memory Used: 128 MB\t\n",
)
"""What Lambda itself writes for every invocation."""

ACCESS_LINE = (
    '{{"requestId":"ABCDEFGHIJKLMNOP","ip":"203.0.113.100","time":"1700000000000",'
    '"method":"{method}","path":"{path}","status":"{status}","bytes":"{size}",'
    '"ms":"40","error":"-","integrationError":"-"}}\n'
)
"""As the HTTP API's stage is set to write it."""


def platform_bytes(request_id: str, ms: float, billed_ms: int, memory_mb: int) -> int:
    """Of one invocation's lines by Lambda."""
    return sum(
        len(line.format(id=request_id, ms=ms, billed=billed_ms, memory=memory_mb))
        for line in PLATFORM_LINES
    )


def access_bytes(method: str, path: str, status: int, size: int) -> int:
    """Of one request's line by API Gateway."""
    line = ACCESS_LINE.format(method=method, path=path, status=status, size=size)
    return len(line.encode())


class CountingStream(TextIOBase):
    """Tells how many bytes were written, and keeps none."""

    def __init__(self, count: Callable[[int], None]) -> None:
        super().__init__()
        self._count = count
        self._lock = threading.Lock()

    def write(self, text: str) -> int:
        with self._lock:
            self._count(len(text.encode()))
        return len(text)


@contextmanager
def printed_bytes_told(count: Callable[[int], None]) -> Iterator[None]:
    """Within the block what the functions print or log is counted, and not shown."""
    logs.configure()
    stream = CountingStream(count)
    handlers = [
        handler
        for handler in logging.getLogger(logs.__package__).handlers
        # Not a subclass: that would be somebody else's, who needs its own stream.
        if type(handler) is logging.StreamHandler
    ]
    # A handler keeps the stdout that it met first.
    before = [handler.setStream(stream) for handler in handlers]
    try:
        with redirect_stdout(stream):
            yield
    finally:
        for handler, old in zip(handlers, before, strict=True):
            handler.setStream(old)
