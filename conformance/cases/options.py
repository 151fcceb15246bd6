"""Options of the call that show little: they are taken, and the call goes on."""

from collections.abc import Mapping
from typing import Any

from conformance import sound
from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.connecting import say_tone
from conformance.client import check

CASES = Cases("options")
case = CASES.case


async def is_taken(bench: Bench, option: Mapping[str, Any]) -> None:
    async with bench.call(option) as call:
        await call.speak(sound.voice(0.3))
        await say_tone(call, "taken", 0.2)
        await call.expect("trackEnd", playId="taken")
        check(not call.events("error"), f"{call.events('error')}")


@case(
    "CallOption.recorder",
    "RecorderOption.recorderFile",
    "RecorderOption.samplerate",
    "RecorderOption.ptime",
)
async def recorder_is_taken(bench: Bench) -> None:
    """A call may be recorded."""
    recorder = {"recorderFile": "conformance.wav", "samplerate": 16_000, "ptime": 200}
    await is_taken(bench, {"recorder": recorder})


@case(level=Level.EXTRAS)
async def recording_elsewhere_is_told(bench: Bench) -> None:
    """A recorderFile outside of the folder is an `error`, and the call goes on."""
    recorder = {"recorderFile": "../../../tmp/conformance.wav"}
    async with bench.call({"recorder": recorder}) as call:
        await call.expect("error")
        await say_tone(call, "after", 0.1)
        await call.expect("trackEnd", playId="after")


@case("CallOption.denoise")
async def denoise_is_taken(bench: Bench) -> None:
    """denoise is done, without an error."""
    await is_taken(bench, {"denoise": True, "vad": {"type": "silero"}})


@case(
    "CallOption.handshakeTimeout",
    "CallOption.enableIpv6",
    "CallOption.extra",
    "CallOption.caller",
    "CallOption.callee",
)
async def plain_options_are_taken(bench: Bench) -> None:
    """handshakeTimeout, enableIpv6, extra, caller and callee are taken."""
    parties = {"caller": "sip:a@example.com", "callee": "sip:b@example.com"}
    await is_taken(
        bench,
        {
            "handshakeTimeout": "30s",
            "enableIpv6": True,
            "extra": {"campaign": "spring"},
            **parties,
        },
    )


@case(level=Level.EXTRAS)
async def seconds_may_be_a_number(bench: Bench) -> None:
    """handshakeTimeout may be a number of seconds, as real clients send it."""
    await is_taken(bench, {"handshakeTimeout": 30})
