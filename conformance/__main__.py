"""``python -m conformance ws://host:port``: ask a server all that the contract does."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import aiohttp

from conformance import report, runner
from conformance.bench import Bench
from conformance.case import Case, Level, Verdict, chosen
from conformance.cases import every
from conformance.dialects import DIALECTS
from conformance.peers import peers

TOKEN = "CONFORMANCE_TOKEN"


def parser() -> argparse.ArgumentParser:
    known = argparse.ArgumentParser("conformance", description=__doc__)
    known.add_argument("url", help="ws://host:port of the server")
    known.add_argument("--token", help=f"for ?token=; else {TOKEN} of the environment")
    known.add_argument("--dialect", choices=list(DIALECTS), default="contract")
    known.add_argument("--server-side-track", help="the default's name, if another")
    known.add_argument(
        "--tts", type=_object, default={}, help="JSON of calls' option tts"
    )
    known.add_argument(
        "--asr", type=_object, default={}, help="JSON of calls' option asr"
    )
    known.add_argument("--sip", default="", help="a SIP URI that answers")
    known.add_argument(
        "--host", default="127.0.0.1", help="where the server reaches this machine"
    )
    known.add_argument(
        "--extras", action="store_true", help="fail for what is beyond the contract too"
    )
    known.add_argument("--at-once", type=int, default=runner.AT_ONCE)
    known.add_argument("--list", action="store_true", help="name the cases, play none")
    known.add_argument(
        "only", nargs="*", help="groups or cases; all when none is named"
    )
    return known


def _object(text: str) -> Mapping[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("an option is a JSON object")
    return value


async def run(given: argparse.Namespace, cases: Sequence[Case]) -> list[Verdict]:
    """Play the cases and print them as they come."""
    dialect = DIALECTS[given.dialect]
    if given.server_side_track:
        dialect = replace(dialect, server_side_track=given.server_side_track)
    count = 0

    def tell(verdict: Verdict) -> None:
        nonlocal count
        count += 1
        print_(report.line(verdict, count))

    print_(f"{report.PLAN}\n1..{len(cases)}")
    async with aiohttp.ClientSession() as http, peers(given.host) as others:
        bench = Bench(
            given.url.rstrip("/"),
            dialect,
            http,
            others,
            given.token or os.environ.get(TOKEN, ""),
            given.sip,
            given.tts,
            given.asr,
        )
        return await runner.play(bench, cases, tell, given.at_once)


async def _timed(given: argparse.Namespace, cases: Sequence[Case]) -> bool:
    clock = asyncio.get_running_loop()
    begun_at = clock.time()
    verdicts = await run(given, cases)
    print_(report.summary(verdicts, clock.time() - begun_at))
    return report.conforms(verdicts, with_extras=given.extras)


def print_(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """0: it conforms; 1: it does not; 2: nothing was asked."""
    given = parser().parse_args(arguments)
    cases = chosen(every(), given.only)
    if given.list or not cases:
        for case in cases:
            mark = "" if case.level is Level.CONTRACT else f" ({case.level})"
            print_(f"{case.group}: {case.name}{mark}: {case.sentence}")
        return 0 if cases else 2
    return 0 if asyncio.run(_timed(given, cases)) else 1


if __name__ == "__main__":
    sys.exit(main())
