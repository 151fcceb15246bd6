"""The log never waits, and says what it could not keep."""

import io
import json
import logging
import threading

from mediaworker.logs import JsonLines, LineWriter, log_to


def record(message: str, **extra: object) -> logging.LogRecord:
    logger = logging.Logger("parley")
    return logger.makeRecord(
        "parley", logging.INFO, "file", 1, message, (), None, extra=extra
    )


def test_write_an_object_a_line() -> None:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    stream = io.StringIO()
    try:
        lines = log_to(stream, "INFO", "w1")
        logging.getLogger("a").debug("unheard")
        try:
            raise ZeroDivisionError
        except ZeroDivisionError:
            logging.getLogger("a").exception("failed", extra={"session_id": "s1"})
        lines.close()
        lines.close()
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    line = json.loads(stream.getvalue())
    assert (line["message"], line["level"], line["logger"]) == ("failed", "error", "a")
    assert (line["worker_id"], line["session_id"]) == ("w1", "s1")
    assert "ZeroDivisionError" in line["exception"]


def test_drop_what_nobody_takes_rather_than_wait() -> None:
    may_write, writes = threading.Event(), threading.Event()
    written: list[str] = []

    def write(line: str) -> None:
        writes.set()
        may_write.wait()
        written.append(line)

    lines = LineWriter(write, most=2)
    lines.setFormatter(JsonLines("w1"))
    lines.handle(record("first"))
    writes.wait()
    for number in range(5):
        lines.handle(record(str(number)))
    assert lines.dropped == 3
    may_write.set()
    lines.close()
    assert [json.loads(line)["message"] for line in written] == ["first", "0", "1"]


def test_survive_a_reader_that_has_gone() -> None:
    def write(line: str) -> None:
        raise BrokenPipeError

    lines = LineWriter(write)
    lines.setFormatter(JsonLines("w1"))
    lines.handle(record("to nobody"))
    lines.close()
    lines.handle(record("to nobody either"))
