"""Muted and unmuted tracks."""

import asyncio

from conformance import sound
from conformance.bench import Bench
from conformance.case import Cases
from conformance.cases.connecting import say_tone
from conformance.client import Call, check

CASES = Cases("tracks")
case = CASES.case

QUIET = 20.0


async def muted_and_back(call: Call, **which: str) -> None:
    await call.command("mute", **which)
    await asyncio.sleep(0.2)
    await say_tone(call, "muted", 0.4)
    await call.expect("trackEnd", playId="muted")
    check(sound.level(call.samples("muted")) < QUIET, "it is heard")
    await call.command("unmute", **which)
    await asyncio.sleep(0.2)
    await say_tone(call, "heard", 0.4)
    await call.expect("trackEnd", playId="heard")
    check(sound.level(call.samples("heard")) > QUIET, "it is silent still")


@case(
    "mute.command", "mute.trackId", "unmute.command", "unmute.trackId", "note trackId"
)
async def played_track_is_muted(bench: Bench) -> None:
    """mute of the played track silences it, unmute lets it be heard."""
    async with bench.call() as call:
        await muted_and_back(call, trackId=bench.dialect.server_side_track)


@case("mute.trackId", "unmute.trackId")
async def all_tracks_are_muted(bench: Bench) -> None:
    """mute without a trackId silences all of them."""
    async with bench.call() as call:
        await muted_and_back(call)


@case("mute.trackId")
async def another_track_is_not(bench: Bench) -> None:
    """mute of a track that is not there silences nothing."""
    async with bench.call() as call:
        await call.command("mute", trackId="elsewhere")
        await say_tone(call, "heard", 0.4)
        await call.expect("trackEnd", playId="heard")
        check(sound.level(call.samples("heard")) > QUIET, "it is silent")
