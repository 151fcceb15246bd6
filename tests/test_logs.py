"""What a layer logs comes out as one JSON object, with its ids in fields."""

import json
import subprocess
import sys

PROGRAM = """
import logging
from chalicelib import logs
logs.configure()
logging.getLogger("chalicelib.services.calls").info(
    "call - %s -> %s", "waiting", "active", extra={"call_id": "call-1"}
)
"""


def test_log_line_is_json_with_its_fields() -> None:
    # A process of its own: a logger keeps the stdout that it met first.
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    line = json.loads(run.stdout)
    assert line["message"] == "call - waiting -> active"
    assert line["call_id"] == "call-1"
    assert line["service"] == "parley"
    assert line["level"] == "INFO"
    assert line["name"] == "chalicelib.services.calls"
