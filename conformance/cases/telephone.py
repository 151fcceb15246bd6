"""Calls by SIP, to a number that answers."""

import asyncio

from conformance.bench import Bench
from conformance.case import Cases
from conformance.client import Skip, check

CASES = Cases("telephone")
case = CASES.case

RINGING_SECONDS = 12.0


@case(
    "path /call/sip",
    "CallOption.callee",
    "CallOption.caller",
    "CallOption.sip",
    "event.hangup.from",
    "event.hangup.to",
    "Attendee.username",
    "Attendee.realm",
    "Attendee.source",
)
async def number_is_called(bench: Bench) -> None:
    """An invite calls the number, which answers; hangup tells both parties."""
    if not bench.sip:
        raise Skip("no number was given (--sip)")
    async with bench.socket("/call/sip") as call:
        option = {"callee": bench.sip, "caller": "sip:conformance@127.0.0.1", "sip": {}}
        await call.command("invite", option=option)
        await call.until(
            lambda: call.events("answer") or call.events("reject"),
            "neither an answer nor a reject",
            RINGING_SECONDS,
        )
        check(not call.events("reject"), f"{call.events('reject')}")
        check("m=audio" in call.events("answer")[0]["sdp"], "its SDP has no audio")
        await asyncio.sleep(0.5)
        await call.command("hangup")
        told = await call.expect("hangup")
        check(told["to"]["source"], "hangup does not say who was called")
        check(told["from"]["username"] == "conformance", f"from {told['from']}")
