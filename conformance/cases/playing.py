"""Files over HTTP."""

import asyncio

from conformance import sound
from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.connecting import say_tone
from conformance.cases.speaking import FRAME_BYTES, audible
from conformance.client import check
from conformance.peers import TONE_HZ

CASES = Cases("playing")
case = CASES.case


async def file_is_heard(bench: Bench, name: str) -> None:
    async with bench.call() as call:
        url = bench.peers.file(name)
        await call.command("play", url=url)
        end = await call.expect("trackEnd", playId=url)
        check(not call.events("error"), f"{call.events('error')}")
        check(call.events("trackStart", playId=url), "no trackStart")
        heard_ms = len(call.audio(url)) / FRAME_BYTES * sound.FRAME_MS
        check(900 <= heard_ms <= 1_200, f"{heard_ms:.0f} ms of 1000 were heard")
        check(900 <= end["duration"] <= 1_500, f"it is said to last {end['duration']}")
        share = sound.share_of(TONE_HZ, call.samples(url), sound.RATE)
        check(share > 0.8, f"{share:.0%} of it is the tone")


@case(
    "play.command",
    "play.url",
    "event.trackEnd.playId",
    "event.trackStart.playId",
    "note playId",
)
async def wav_is_played(bench: Bench) -> None:
    """A WAV file is played to its end, under its URL as playId."""
    await file_is_heard(bench, "tone.wav")


@case("play.url")
async def mp3_is_played(bench: Bench) -> None:
    """An MP3 file is played to its end."""
    await file_is_heard(bench, "tone.mp3")


@case(level=Level.EXTRAS)
async def flac_is_played(bench: Bench) -> None:
    """A FLAC file is played to its end."""
    await file_is_heard(bench, "tone.flac")


@case(level=Level.EXTRAS)
async def ogg_is_played(bench: Bench) -> None:
    """An Ogg file with Opus is played to its end."""
    await file_is_heard(bench, "tone.ogg")


@case("play.url", "event.error.event")
async def missing_file_is_told(bench: Bench) -> None:
    """A file that is not there is an `error`; the call goes on."""
    async with bench.call() as call:
        await call.command("play", url=bench.peers.file("missing.wav"))
        await call.expect("error")
        await say_tone(call, "after", 0.1)
        await call.expect("trackEnd", playId="after")


@case("play.autoHangup", "note autoHangup")
async def call_ends_with_the_file(bench: Bench) -> None:
    """autoHangup ends the call after the file."""
    async with bench.call() as call:
        url = bench.peers.file("tone.wav")
        await call.command("play", url=url, autoHangup=True)
        await call.closed()
        check(call.events("trackEnd", playId=url), "no trackEnd")
        heard_ms = len(call.audio(url)) / FRAME_BYTES * sound.FRAME_MS
        check(heard_ms >= 900, f"{heard_ms:.0f} ms of 1000 were heard")


@case("play.waitInputTimeout", "event.silence.event")
async def waiting_after_a_file_has_an_end(bench: Bench) -> None:
    """waitInputTimeout: `silence` so long after the file."""
    async with bench.call() as call:
        url = bench.peers.file("tone.wav")
        timeout = bench.dialect.wait_input
        await call.command("play", url=url, waitInputTimeout=timeout)
        await call.expect("trackEnd", playId=url)
        silence = await call.expect("silence", within=3.0)
        check(800 <= silence["duration"] <= 1_500, f"of {silence['duration']} ms")


@case("interrupt.command")
async def file_is_stopped(bench: Bench) -> None:
    """interrupt ends a file at once."""
    async with bench.call() as call:
        url = bench.peers.file("long.wav")
        await call.command("play", url=url)
        await audible(call, url)
        await call.command("interrupt")
        end = await call.expect("trackEnd", playId=url)
        check(end["duration"] < 4_000, f"it lasted {end['duration']} ms")


@case(level=Level.EXTRAS)
async def file_is_paused(bench: Bench) -> None:
    """pause and resume: no audio between, and none is lost."""
    async with bench.call() as call:
        url = bench.peers.file("tone.wav")
        await call.command("play", url=url)
        await audible(call, url, 300)
        await call.command("pause")
        await asyncio.sleep(0.3)
        before = len(call.audio())
        await asyncio.sleep(0.5)
        check(len(call.audio()) == before, "audio came while it was paused")
        check(not call.events("trackEnd", playId=url), "the pause ended it")
        await call.command("resume")
        await call.expect("trackEnd", playId=url)
        heard_ms = len(call.audio(url)) / FRAME_BYTES * sound.FRAME_MS
        check(900 <= heard_ms <= 1_200, f"{heard_ms:.0f} ms of 1000 were heard")


@case(level=Level.EXTRAS)
async def file_is_played_from_its_middle(bench: Bench) -> None:
    """offsetMs leaves out the beginning; playId is the command's own."""
    async with bench.call() as call:
        url = bench.peers.file("tone.wav")
        await call.command("play", url=url, offsetMs=600, playId="half")
        await call.expect("trackEnd", playId="half")
        heard_ms = len(call.audio("half")) / FRAME_BYTES * sound.FRAME_MS
        check(300 <= heard_ms <= 600, f"{heard_ms:.0f} ms of 400 were heard")
