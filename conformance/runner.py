"""Plays cases against a server, several at once, each within its time."""

import asyncio
from collections.abc import Callable, Sequence

import aiohttp

from conformance.bench import Bench
from conformance.case import SECONDS, Case, Level, Outcome, Verdict
from conformance.client import NotOk, Skip

AT_ONCE = 6
WHOLE_SECONDS = 69.0
"""What was not begun by then is not; with the last cases it makes less than 90."""

Told = Callable[[Verdict], None]


async def play(
    bench: Bench,
    cases: Sequence[Case],
    told: Told,
    at_once: int = AT_ONCE,
    whole_seconds: float = WHOLE_SECONDS,
) -> list[Verdict]:
    """The verdicts in the order of the cases; each is told as soon as it is known."""
    room = asyncio.Semaphore(at_once)
    clock = asyncio.get_running_loop()
    begins_until = clock.time() + whole_seconds

    async def play_one(case: Case) -> Verdict:
        async with room:
            if clock.time() < begins_until:
                verdict = await judged(bench, case)
            else:
                verdict = Verdict(case, failed(case), "there was no time left for it")
            told(verdict)
            return verdict

    async with asyncio.TaskGroup() as tasks:
        playing = [tasks.create_task(play_one(case)) for case in cases]
    return [one.result() for one in playing]


async def judged(bench: Bench, case: Case) -> Verdict:
    """The case, played; it raises nothing of the server's making."""
    clock = asyncio.get_running_loop()
    begun_at = clock.time()
    outcome, why = Outcome.OK, ""
    try:
        async with asyncio.timeout(SECONDS):
            await case.play(bench)
    except Skip as skip:
        outcome, why = Outcome.SKIPPED, str(skip)
    except NotOk as fault:
        outcome, why = failed(case), str(fault)
    except TimeoutError:
        outcome, why = failed(case), f"it took more than {SECONDS:g} s"
    except (aiohttp.ClientError, OSError) as error:
        outcome, why = failed(case), f"the connection failed: {error}"
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        # What the server sent has another shape.
        outcome, why = failed(case), f"{type(error).__name__}: {error}"
    return Verdict(case, outcome, why, clock.time() - begun_at)


def failed(case: Case) -> Outcome:
    return Outcome.NOT_OK if case.level is Level.CONTRACT else Outcome.BEYOND
