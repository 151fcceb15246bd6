"""What a thousand calls cost on AWS: `infra.cost` counts, this row repeats it."""

import os
import re
import subprocess
import sys

from bench.measurement import Measurement, Progress
from infra import wiring

CALLS = 200
TOTAL = re.compile(r"^TOTAL_USD_PER_1000_CALLS=([\d.]+)$", re.MULTILINE)


def measure(progress: Progress) -> Measurement:
    """As ``make cost`` does it, on fewer calls."""
    progress(f"replaying {CALLS} calls")
    process = subprocess.run(
        [sys.executable, "-m", "infra.cost", "--calls", str(CALLS)],
        cwd=wiring.ROOT,
        env={**os.environ},
        capture_output=True,
        text=True,
    )
    total = total_usd(process.stdout)
    if process.returncode or total is None:
        last = process.stderr.strip().splitlines()[-1:]
        return Measurement({}, why_not=f"make cost failed: {' '.join(last)}")
    return Measurement(
        values={"cost_per_1000_calls": total},
        details=[f"counted on {CALLS} calls; `make cost` prints the breakdown"],
        raw={"report": process.stdout},
    )


def total_usd(report: str) -> float | None:
    found = TOTAL.search(report)
    return float(found[1]) if found else None
