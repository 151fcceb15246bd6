"""Log lines."""

import io
import json
import logging
import sys

from infra.laptop.logs import JsonLines


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_write_one_object_a_line_with_its_fields() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    record = logging.makeLogRecord(
        {
            "name": "parley",
            "levelname": "INFO",
            "msg": "worker - %s -> %s",
            "args": ("OK", "DRAINING"),
            "created": 1_700_000_000.25,
            "call_id": "c1",
            "odd": object,
        }
    )
    handler.emit(record)
    (line,) = lines(out)
    assert line["at"] == "2023-11-14T22:13:20.250+00:00"
    assert line["level"] == "info"
    assert line["message"] == "worker - OK -> DRAINING"
    assert line["call_id"] == "c1"
    assert line["odd"] == "<class 'object'>"


def test_write_an_exception_on_the_same_line() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    try:
        raise ValueError("two\nlines")
    except ValueError:
        record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
    handler.emit(record)
    (line,) = lines(out)
    assert "ValueError: two\nlines" in str(line["exception"])
