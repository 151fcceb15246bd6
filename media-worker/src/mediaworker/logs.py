"""One JSON object a line, on stderr, without ever waiting for whoever reads it.

A line is made where it is logged and handed to a thread that does nothing but write
bytes: the tick must not wait for a full pipe, and stderr itself cannot be made
non-blocking, for the parent shares it. What nobody takes in time is counted.
"""

import json
import logging
import queue
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

MOST_LINES = 10_000
LAST_LINES_SECONDS = 1.0
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """The message, and every field that the call gave as ``extra``."""

    def __init__(self, worker_id: str) -> None:
        super().__init__()
        self._worker_id = worker_id

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "worker_id": self._worker_id,
        }
        given = vars(record).items()
        line |= {name: value for name, value in given if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class LineWriter(logging.Handler):
    """Keeps `MOST_LINES` for a writer that is slower than the log."""

    def __init__(self, write: Callable[[str], None], most: int = MOST_LINES) -> None:
        super().__init__()
        self.dropped = 0
        self._write = write
        self._lines: queue.Queue[str | None] = queue.Queue(most)
        # A daemon: who cannot write must not keep the process from its end.
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record) + "\n")
        except queue.Full:
            self.dropped += 1
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Give what is left a moment to be written."""
        if self._thread.is_alive():
            try:
                self._lines.put(None, timeout=LAST_LINES_SECONDS)
            except queue.Full:
                return
            self._thread.join(LAST_LINES_SECONDS)
        super().close()

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write(line)
            except (OSError, ValueError):
                return


def log_to(stream: TextIO, level: str, worker_id: str) -> LineWriter:
    """All of this process's logging goes to ``stream``, until the writer is closed."""

    def write(line: str) -> None:
        stream.write(line)
        stream.flush()

    handler = LineWriter(write)
    handler.setFormatter(JsonLines(worker_id))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    return handler
