"""How calls end, and what is told of it."""

import asyncio
import re

from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.connecting import say_tone
from conformance.client import Call, Event, Skip, check

CASES = Cases("ending")
case = CASES.case

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


async def hung_up(bench: Bench, call: Call) -> Event:
    if not bench.dialect.tells_hangup_on_sockets:
        await call.closed()
        raise Skip("this server tells no hangup on /call")
    await call.closed()
    return await call.expect("hangup")


@case(
    "hangup.command",
    "hangup.reason",
    "hangup.initiator",
    "event.hangup.event",
    "event.hangup.trackId",
    "event.hangup.timestamp",
    "event.hangup.reason",
    "event.hangup.initiator",
)
async def hangup_is_told_as_it_was_given(bench: Bench) -> None:
    """hangup closes the socket; its reason and initiator come back."""
    async with bench.call() as call:
        await call.command("hangup", reason="user_requested", initiator="user")
        told = await hung_up(bench, call)
        check(told.get("reason") == "user_requested", f"reason {told.get('reason')}")
        check(told.get("initiator") == "user", f"initiator {told.get('initiator')}")
        check(told.get("trackId") and told.get("timestamp"), "it lacks a key")


@case("hangup.reason", "hangup.initiator")
async def hangup_needs_no_reason(bench: Bench) -> None:
    """hangup without reason and initiator ends the call too."""
    async with bench.call() as call:
        await call.command("hangup")
        await call.closed()


@case("event.hangup.startTime", "event.hangup.hangupTime", "event.hangup.answerTime")
async def hangup_tells_the_times(bench: Bench) -> None:
    """startTime, answerTime and hangupTime are ISO 8601, in their order."""
    async with bench.call() as call:
        await asyncio.sleep(0.2)
        await call.command("hangup")
        told = await hung_up(bench, call)
        times = [told.get(key, "") for key in ("startTime", "answerTime", "hangupTime")]
        for one in times:
            check(ISO.fullmatch(one), f"{one!r} is no ISO 8601")
        check(times == sorted(times), f"their order is {times}")


@case("event.hangup.event", "event.trackEnd.event")
async def hangup_is_the_last_event(bench: Bench) -> None:
    """What is played ends before the hangup, once each, and nothing follows."""
    async with bench.call() as call:
        await say_tone(call, "playing", 5.0)
        await call.expect("trackStart", playId="playing")
        await call.command("hangup")
        await hung_up(bench, call)
        names = [one["event"] for one in call.events()]
        check(names.count("hangup") == 1, f"{names.count('hangup')} hangups")
        check(names[-1] == "hangup", f"the last event is {names[-1]}")
        check(len(call.events("trackEnd", playId="playing")) == 1, "no one trackEnd")


@case("note cleanup on close")
async def closing_ends_the_session(bench: Bench) -> None:
    """When the socket is closed, the session is gone."""
    path, key = bench.dialect.lists
    async with bench.call(id="conformance-of-closing"):
        pass
    for _ in range(40):
        _, body = await bench.ask("GET", path)
        if "conformance-of-closing" not in [one["id"] for one in body[key]]:
            return
        await asyncio.sleep(0.1)
    check(False, "it is listed after 4 s still")


@case("accept.command", "event.reject.event", "event.reject.reason", level=Level.EXTRAS)
async def nothing_to_accept_is_told(bench: Bench) -> None:
    """accept, where nobody calls, is answered by `reject` or `error`."""
    async with bench.socket("/call/sip") as call:
        await call.command("accept", option={})
        await call.until(
            lambda: call.events("reject") or call.events("error"), "nothing is told"
        )
