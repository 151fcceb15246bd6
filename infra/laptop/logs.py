"""One JSON object a line, on stderr."""

import json
import logging
from datetime import UTC, datetime
from typing import TextIO

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}

OTHERS = {
    "boto3": logging.WARNING,
    "botocore": logging.WARNING,
    "pynamodb": logging.WARNING,
    "urllib3": logging.WARNING,
    # It calls every state machine's failure an error of its own.
    "moto": logging.CRITICAL,
}


class JsonLines(logging.Formatter):
    """The message, and every field that the call gave as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC)
        line: dict[str, object] = {
            "at": at.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        given = vars(record).items()
        line |= {name: value for name, value in given if name not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def log_to(stream: TextIO, level: str) -> None:
    """All of this process's logging goes to ``stream``."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, quieter in OTHERS.items():
        logging.getLogger(name).setLevel(quieter)
