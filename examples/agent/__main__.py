"""``python -m examples.agent``: the talk, told line by line."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.agent.agent import Agent, Event
from examples.agent.person import Microphone, Person, Recording
from examples.agent.phone import Phone
from examples.agent.talk import NoCall, talk
from examples.agent.tape import Tape

WORKER = f"ws://127.0.0.1:{os.environ.get('PARLEY_WORKER_PORT', '8080')}"
URL = f"{WORKER}/call"
PHONE_URL = f"{WORKER}/call/sip"
TOKEN = "PARLEY_TOKEN"
RECORDING = Path(".parley/models/speech-samples/two_cities.wav")
LONGEST_SECONDS = 180
USER = "agent"
CALLS = 8


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if not given.token:
        parser.error(f"--token, or {TOKEN} in the environment, is needed")
    if given.calls < 1:
        parser.error("--calls must be more than 0")
    try:
        asyncio.run(_serve(given) if given.phone else _talk(given))
    except NoCall as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.agent", description="Talk with a voice agent."
    )
    parser.add_argument("--url", help=f"default {URL}, or {PHONE_URL}")
    parser.add_argument(
        "--token", default=os.environ.get(TOKEN), help="make token UID=agent"
    )
    parser.add_argument("--turns", type=int, default=3, help="answers before goodbye")
    parser.add_argument("--recording", type=Path, default=RECORDING, metavar="WAV")
    parser.add_argument("--save", type=Path, metavar="WAV", help="keep both sides")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--microphone", action="store_true", help="talk yourself (ALSA)")
    who.add_argument("--phone", action="store_true", help="take the calls of phones")
    parser.add_argument(
        "--listen", default=USER, metavar="USER", help="of sip:USER@…, or * for all"
    )
    parser.add_argument("--calls", type=int, default=CALLS, help="at a time")
    parser.add_argument("--with-parent", action="store_true", help=argparse.SUPPRESS)
    return parser


async def _talk(given: argparse.Namespace) -> None:
    """With one person; raises `NoCall`."""
    person: Person = Microphone() if given.microphone else Recording(given.recording)
    tape, agent = Tape(), Agent(turns=given.turns)
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            await talk(given.url or URL, given.token, agent, person, tape, tell)
    finally:
        if given.save:
            tape.save(given.save)


async def _serve(given: argparse.Namespace) -> None:
    """Until a signal, or with `--with-parent` the parent's end; raises `NoCall`."""
    phone = Phone(
        given.url or PHONE_URL,
        given.token,
        given.listen,
        given.calls,
        lambda: Agent(turns=given.turns),
        Lines(),
    )
    loop, serving = asyncio.get_running_loop(), asyncio.current_task()
    assert serving is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, serving.cancel)
    if given.with_parent:
        await loop.connect_read_pipe(lambda: _Parent(serving), sys.stdin)
    await phone.serve()


class _Parent(asyncio.Protocol):
    """Holds the other end of our standard input, and closes it by dying."""

    def __init__(self, serving: asyncio.Task[None]) -> None:
        self._serving = serving

    def connection_lost(self, error: Exception | None) -> None:
        self._serving.cancel()


class Lines:
    """Tells of calls line by line, each with its number."""

    def waits(self) -> None:
        _write("--- waiting for calls")

    def hears(self, number: int, event: Event) -> None:
        tell(event, f"#{number} ")

    def complains(self, sentence: str) -> None:
        sys.stderr.write(f"{sentence} Trying again.\n")
        sys.stderr.flush()


def tell(event: Event, prefix: str = "") -> None:
    """One line for each event that a reader of the talk wants to see."""
    line = LINES.get(event["event"])
    if line is not None:
        _write(prefix + line.format_map(_Fields(event)))


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


LINES = {
    "incoming": "--- {caller} calls",
    "answer": "--- the call is answered",
    "speaking": "    (the person speaks)",
    "asrDelta": "    … {text}",
    "asrFinal": "person: {text}",
    "dtmf": "    (the person presses {digit})",
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
