"""``python -m examples.agent``: the talk, told line by line."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.agent.agent import Agent, Event
from examples.agent.person import Microphone, Person, Recording
from examples.agent.talk import NoCall, talk
from examples.agent.tape import Tape

URL = f"ws://127.0.0.1:{os.environ.get('PARLEY_WORKER_PORT', '8080')}/call"
RECORDING = Path(".parley/models/speech-samples/two_cities.wav")
LONGEST_SECONDS = 180


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.agent", description="Talk with a voice agent."
    )
    parser.add_argument("--url", default=URL, help=f"default {URL}")
    parser.add_argument("--token", required=True, help="make token UID=agent")
    parser.add_argument("--recording", type=Path, default=RECORDING, metavar="WAV")
    parser.add_argument(
        "--microphone", action="store_true", help="talk yourself (ALSA)"
    )
    parser.add_argument("--turns", type=int, default=3, help="answers before goodbye")
    parser.add_argument("--save", type=Path, metavar="WAV", help="keep both sides")
    given = parser.parse_args(arguments)
    person: Person = Microphone() if given.microphone else Recording(given.recording)
    tape = Tape()
    talking = talk(given.url, given.token, Agent(turns=given.turns), person, tape, tell)
    try:
        asyncio.run(asyncio.wait_for(talking, LONGEST_SECONDS))
    except NoCall as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        if given.save:
            tape.save(given.save)
    return 0


def tell(event: Event) -> None:
    """One line for each event that a reader of the talk wants to see."""
    line = LINES.get(event["event"])
    if line is not None:
        sys.stdout.write(line.format_map(_Fields(event)) + "\n")
        sys.stdout.flush()


LINES = {
    "answer": "--- the call is answered",
    "speaking": "    (the person speaks)",
    "asrDelta": "    … {text}",
    "asrFinal": "person: {text}",
    "interruption": "    (the agent is interrupted at {current} ms: {subtitle})",
    "addHistory": "{speaker}: {text}",
    "error": "!!! {sender}: {error}",
    "hangup": "--- {reason}, by {initiator}",
}


class _Fields(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "-"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
