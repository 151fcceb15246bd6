"""What a layer logs comes out as one JSON object, with its ids in fields."""

import json
import logging

import pytest

from chalicelib import logs


def test_log_line_is_json_with_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure.cache_clear()
    logs.configure()
    logging.getLogger("chalicelib.services.calls").info(
        "call - %s -> %s", "waiting", "active", extra={"call_id": "call-1"}
    )
    line = json.loads(capsys.readouterr().out)
    assert line["message"] == "call - waiting -> active"
    assert line["call_id"] == "call-1"
    assert line["service"] == "parley"
    assert line["level"] == "INFO"
    assert line["name"] == "chalicelib.services.calls"
