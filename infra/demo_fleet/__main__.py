"""Plays the loss of a worker, and says what became of every session."""

import argparse
import asyncio
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from infra.demo.client import DemoFailed, Refused
from infra.demo_fleet import verdicts
from infra.demo_fleet.operator import Operator
from infra.demo_fleet.scene import WORKERS, Scene, Size
from infra.demo_webhooks.__main__ import INTERRUPTED, Teller, conclude, heading, say
from infra.demo_webhooks.stack import own_stack
from infra.demo_webhooks.verdicts import Verdict


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.demo_fleet")
    parser.add_argument("--seconds", type=float, default=30, help="of each session")
    parser.add_argument("--voices", type=int, default=24, help="sessions with audio")
    parser.add_argument("--relayed", type=int, default=6, help="by the second door")
    parser.add_argument(
        "--within", type=float, default=10, help="seconds after a death all is told"
    )
    given = parser.parse_args(arguments)
    size = Size(given.voices, given.relayed, max(2, given.voices // 4), given.seconds)
    folder = Path(tempfile.mkdtemp(prefix="parley-demo-"))
    try:
        found = play(folder, size, given.within)
    except (DemoFailed, Refused) as failure:
        sys.stderr.write(f"{failure}\nThe stack's log is in {folder}.\n")
        return 1
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        return INTERRUPTED
    return conclude(found, folder)


def play(folder: Path, size: Size, within_seconds: float) -> list[Verdict]:
    """Raises `DemoFailed`."""
    say("What the loss of a worker costs: its own calls, and no others.")
    say(f"Parley starts, with {WORKERS} workers ...")
    with own_stack(folder, {"PARLEY_WORKERS": str(WORKERS)}) as client:
        heading(
            f"{size.voices} applications with audio, {size.relayed} through the second "
            f"door, {size.seconds:.0f} seconds each"
        )
        say("Every frame of audio is numbered, both ways; so is every message.")
        operator = Operator(client.url, folder / "stack.log")
        story = asyncio.run(Scene(operator, size, Teller().tell).play())
    return verdicts.all_of(story, within_seconds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
