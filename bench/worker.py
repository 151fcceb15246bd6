"""``python -m bench.worker MEASURE``: one measure, in a process that is its alone.

Its progress is on stderr; the last line of stdout is what it found, as JSON.
"""

import contextlib
import importlib
import json
import os
import sys

from bench.goals import MEASURES
from bench.measurement import Measure


def main(name: str) -> None:
    """Run the measure."""
    if name not in MEASURES:
        raise SystemExit(f"there is no measure {name}")
    measure: Measure = importlib.import_module(f"bench.{name}").measure
    # What a function prints is its log, and whoever reads it costs time.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        found = measure(lambda text: _tell(f"{name}: {text}"))
    sys.stdout.write(json.dumps(found.render()) + "\n")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
