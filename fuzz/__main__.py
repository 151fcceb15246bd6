"""``python -m fuzz TARGET --seconds N --seed S``: 0 when nothing crashed."""

import argparse
import sys
import traceback
from pathlib import Path

from fuzz.campaign import TARGETS, run

CRASHES = Path("build") / "fuzz"


def main(arguments: list[str]) -> int:
    """The exit status; the input of a crash is kept in ``build/fuzz``."""
    parser = argparse.ArgumentParser(prog="python -m fuzz")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    result = run(given.target, given.seed, seconds=given.seconds)
    crash = result.crash
    if crash is None:
        sys.stdout.write(f"{result.tried} inputs, none crashed {given.target}\n")
        return 0
    CRASHES.mkdir(parents=True, exist_ok=True)
    path = CRASHES / f"{given.target}-{crash.name}"
    path.write_bytes(crash.data)
    traceback.print_exception(crash.error)
    sys.stderr.write(f"input {result.tried} crashed {given.target}: {path}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
