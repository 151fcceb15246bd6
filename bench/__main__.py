"""``python -m bench [ROWS …]``: measure, print, and say which goals were reached.

Without ROWS all are measured. A row is chosen by its slug or by its measure's name;
what was not chosen is told as NOT-RUN. A goal that is missed does not fail.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import machine, report
from bench.goals import GOALS, MEASURES
from bench.measurement import Measurement
from infra import wiring

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be measured, and where it is kept."""

    measures: tuple[str, ...]
    record: str
    """Name of the folder below ``bench/results/``; empty for none."""
    note: str


def main(arguments: Sequence[str]) -> int:
    """The exit status: 1 if something could not be measured."""
    wanted = parse(arguments)
    described = machine.describe()
    found = {name: run(name) for name in wanted.measures}
    sys.stdout.write(report.text_of(described, found, wanted.note))
    if wanted.record:
        report.record(RESULTS / wanted.record, described, found, wanted.note)
    return int(None in found.values())


def parse(arguments: Sequence[str]) -> Wanted:
    """Exits, as command lines do, at a row that there is not."""
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="Measure Parley against its goals."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="slug or measure")
    parser.add_argument(
        "--record", default="", metavar="NAME", help="keep it as bench/results/NAME"
    )
    parser.add_argument("--note", default="", help="what else a reader should know")
    given = parser.parse_args(arguments)
    chosen = set(map(measure_of, given.rows))
    if None in chosen:
        parser.error(f"rows are {', '.join((*MEASURES, *_slugs()))}")
    measures = tuple(name for name in MEASURES if name in chosen or not chosen)
    return Wanted(measures, given.record, given.note)


def measure_of(row: str) -> str | None:
    """The measure that a slug, or its own name, stands for."""
    if row in MEASURES:
        return row
    return next((goal.measure for goal in GOALS if goal.slug == row), None) or None


def run(name: str) -> Measurement | None:
    """In a process of its own; None when it failed, which it has told itself."""
    process = subprocess.run(
        [sys.executable, "-m", "bench.worker", name],
        cwd=wiring.ROOT,
        stdout=subprocess.PIPE,
    )
    if process.returncode:
        sys.stderr.write(f"{name}: {report.FAILED}\n")
        return None
    return Measurement.parse(json.loads(process.stdout.splitlines()[-1]))


def _slugs() -> list[str]:
    return [goal.slug for goal in GOALS if goal.measure]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
