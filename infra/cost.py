"""``python -m infra.cost [--calls N]``: what a thousand calls cost on AWS, counted.

The table is on stdout and progress on stderr. The exit status tells whether
everything could be counted; a goal that is missed does not fail.
"""

import argparse
import logging
import sys

from infra.costing.machines import StillRunning
from infra.costing.meter import FULL_CORE_MB
from infra.costing.replay import ReplayFailed, replay
from infra.costing.report import UNIT_OF_CALLS, render

STEPS = 20
"""How often progress is told."""


def main(arguments: list[str]) -> int:
    """The exit status."""
    calls = parse(arguments)
    # What goes wrong inside the laptop cloud is told; the functions' lines are not.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr)
    try:
        tally = replay(calls, lambda done: _tell(done, calls))
    except (ReplayFailed, StillRunning) as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    sys.stdout.write(render(tally, calls, FULL_CORE_MB))
    return 1 if tally.uncounted else 0


def parse(arguments: list[str]) -> int:
    """How many calls to replay."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.cost",
        description="What a thousand calls cost on AWS, counted on the laptop cloud.",
    )
    parser.add_argument(
        "--calls",
        type=int,
        default=UNIT_OF_CALLS,
        help="how many to replay; the result is always for a thousand",
    )
    calls: int = parser.parse_args(arguments).calls
    if calls < 1:
        parser.error("--calls must be at least 1")
    return calls


def _tell(done: int, calls: int) -> None:
    if done == calls or done % max(1, calls // STEPS) == 0:
        sys.stderr.write(f"{done:,} of {calls:,} calls\n")
        sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
