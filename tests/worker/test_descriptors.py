"""Room for sockets."""

import os
import resource
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).parent.parent.parent / "media-worker" / "src"
SCRIPT = """
import resource, sys
from mediaworker.descriptors import reserve
resource.setrlimit(resource.RLIMIT_NOFILE, (100, {hard}))
allowed = reserve({count})
size = next(l for l in open("/proc/self/status") if l.startswith("FDSize")).split()[1]
print(allowed, size, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def reserved(count: int, hard: int) -> list[int]:
    script = SCRIPT.format(count=count, hard=hard)
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    found = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return [int(number) for number in found.stdout.split()]


def test_make_room_at_once() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    allowed, size, limit = reserved(1_500, hard)
    assert allowed == limit == 1_500
    assert size >= 1_500


def test_be_content_with_what_may_be() -> None:
    allowed, size, limit = reserved(1_500, 700)
    assert allowed == limit == 700
    assert size >= 700
