"""Commands that are wrong, unknown, early or beside the point."""

from collections.abc import Mapping
from typing import Any

from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.connecting import say_tone
from conformance.client import Call, check

CASES = Cases("commanding")
case = CASES.case

BAD = (
    '{"command":',
    "no JSON at all",
    "[]",
    '{"command":"levitate"}',
    '{"text":"no command"}',
    '{"command":"tts"}',
    '{"command":"play","url":7}',
    '{"command":"interrupt","graceful":"perhaps"}',
)


@case("status 400", "event.error.event")
async def bad_commands_are_survived(bench: Bench) -> None:
    """No bad command ends a session."""
    async with bench.call() as call:
        for text in BAD:
            await call.socket.send_str(text)
        await still_works(call)


@case(
    "event.error.event",
    "event.error.sender",
    "event.error.error",
    "event.error.code",
    "event.error.trackId",
    "event.error.timestamp",
    level=Level.EXTRAS,
)
async def bad_command_is_told(bench: Bench) -> None:
    """Each bad command is answered by an `error` with sender command and code 400."""
    async with bench.call() as call:
        for count, text in enumerate(BAD):
            await call.socket.send_str(text)
            await call.more("error", than=count)
        for error in call.events("error"):
            check(
                error.get("sender") == "command", f"its sender is {error.get('sender')}"
            )
            check(error.get("code") == 400, f"its code is {error.get('code')}")
            check(error.get("error") and error.get("trackId"), "it lacks a key")


@case("invite.option")
async def unknown_fields_are_ignored(bench: Bench) -> None:
    """Fields that the server does not know change nothing."""
    async with bench.call({"levitation": True, "extra": {"a": [1, None]}}) as call:
        await call.command("unmute", colour="blue")
        await still_works(call)
        check(not call.events("error"), "an error was told")


@case(level=Level.EXTRAS)
async def command_before_invite_is_told(bench: Bench) -> None:
    """What is asked before the invite is answered by `error`, and costs no more."""
    async with bench.socket() as call:
        await call.command("tts", text="too early")
        await call.expect("error")
        await call.command("invite", option={})
        await call.expect("answer")


@case(level=Level.EXTRAS)
async def history_comes_back(bench: Bench) -> None:
    """`history` is told again as `addHistory`."""
    async with bench.call() as call:
        await call.command("history", speaker="ann", text="hello")
        told = await call.expect("addHistory")
        check((told["speaker"], told["text"]) == ("ann", "hello"), f"it is {told}")


@case(level=Level.EXTRAS)
async def custom_comes_back(bench: Bench) -> None:
    """`custom` is told again with its data."""
    data: Mapping[str, Any] = {"a": [1, {"b": None}]}
    async with bench.call() as call:
        await call.command("custom", data=data, sender="kit")
        check((await call.expect("custom"))["data"] == data, "its data has changed")


async def still_works(call: Call) -> None:
    await say_tone(call, "afterwards", 0.1)
    await call.expect("trackEnd", playId="afterwards")
