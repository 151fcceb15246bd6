"""What is heard: speech, silence, and words."""

import asyncio

from conformance import sound
from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.speaking import SENTENCE, spoken
from conformance.client import Event, Skip, check

CASES = Cases("hearing")
case = CASES.case

BEFORE, SPOKEN, AFTER = 0.4, 1.6, 1.0
SLOP_MS = 450


@case(
    "CallOption.vad",
    "event.speaking.event",
    "event.speaking.trackId",
    "event.speaking.timestamp",
    "event.speaking.startTime",
    "event.silence.event",
    "event.silence.trackId",
    "event.silence.timestamp",
    "event.silence.startTime",
    "event.silence.duration",
    "VADOption.type",
    "note VAD events",
)
async def speech_and_silence_are_told(bench: Bench) -> None:
    """Speech is told as `speaking`, and its end as `silence`, with their times."""
    async with bench.call({"vad": {"type": "silero"}}) as call:
        await call.speak(sound.silence(BEFORE))
        await call.speak(sound.voice(SPOKEN))
        speaking = await call.expect("speaking", within=3.0)
        await call.speak(sound.silence(AFTER))
        silence = await call.expect("silence", within=3.0)
        check(speaking["trackId"] == silence["trackId"], "they name two tracks")
        late_ms = speaking["timestamp"] - speaking["startTime"]
        check(0 <= late_ms <= 250 + SLOP_MS, f"speech is told {late_ms} ms late")
        check(silence["timestamp"] > speaking["timestamp"], "silence came first")
        check(silence["duration"] >= 0, "its duration is below 0")
        check(silence["startTime"] >= speaking["startTime"], "it began before speech")


@case("CallOption.vad")
async def nothing_is_told_without_vad(bench: Bench) -> None:
    """Without the option vad nothing is told of speech."""
    async with bench.call() as call:
        await call.speak(sound.voice(1.0))
        await call.never("speaking", 0.5)
        check(not call.events("silence"), "silence is told")


@case("VADOption.speechPadding")
async def short_speech_is_not_told(bench: Bench) -> None:
    """Speech that is shorter than speechPadding is not told."""
    vad = {"type": "silero", "speechPadding": 3_000}
    async with bench.call({"vad": vad}) as call:
        await call.speak(sound.silence(0.3))
        await call.speak(sound.voice(1.0))
        await call.speak(sound.silence(0.6))
        await call.never("speaking", 0.3)


@case("VADOption.silenceTimeout", "event.silence.duration")
async def silence_is_told_again(bench: Bench) -> None:
    """silenceTimeout: silence that lasts is told again and again."""
    vad = {"type": "silero", "silenceTimeout": 600}
    async with bench.call({"vad": vad}) as call:
        await call.speak(sound.voice(1.0))
        await call.expect("speaking", within=3.0)
        await call.speak(sound.silence(2.2))
        await call.until(
            lambda: len(call.events("silence")) >= 3, "told less than thrice"
        )
        longest = max(one["duration"] for one in call.events("silence"))
        check(longest >= 1_000, f"the longest is of {longest} ms")


@case("mute.trackId", "mute.command")
async def muted_caller_is_not_heard(bench: Bench) -> None:
    """mute without a trackId mutes the caller's audio too."""
    async with bench.call({"vad": {"type": "silero"}}) as call:
        await call.command("mute")
        await asyncio.sleep(0.2)
        await call.speak(sound.voice(1.0))
        await call.never("speaking", 0.3)


@case(
    "CallOption.asr",
    "event.asrFinal.event",
    "event.asrFinal.trackId",
    "event.asrFinal.timestamp",
    "event.asrFinal.index",
    "event.asrFinal.startTime",
    "event.asrFinal.endTime",
    "event.asrFinal.text",
    "note ASR in real time",
)
async def words_are_told(bench: Bench) -> None:
    """What is said is told as `asrFinal`: the server hears what it spoke itself."""
    option = {"asr": bench.hearing, "vad": {"type": "silero"}}
    async with bench.spoken() as call:
        await call.command("tts", text=SENTENCE, playId="words")
        await spoken(call, "words")
        speech = call.samples("words")
    async with bench.call(option) as call:
        await call.speak(sound.silence(0.3))
        await call.speak(speech)
        await call.speak(sound.silence(1.5))
        await call.until(
            lambda: call.events("asrFinal") or call.events("error"), "no asrFinal", 8.0
        )
        if not call.events("asrFinal"):
            raise Skip(f"it cannot hear: {call.events('error')[0].get('error')}")
        final = call.events("asrFinal")[0]
        check(final["text"].strip(), "its text is empty")
        check(isinstance(final["index"], int), "its index is no number")
        check_times(final)
        words = " ".join(one["text"] for one in call.events("asrFinal")).lower()
        known = [
            word for word in ("hello", "test", "telephone", "say") if word in words
        ]
        check(known, f"none of the words is in: {words}")


@case(
    "event.metrics.event",
    "event.metrics.key",
    "event.metrics.duration",
    "event.metrics.data",
    "event.metrics.timestamp",
    level=Level.EXTRAS,
)
async def measures_are_told(bench: Bench) -> None:
    """Speaking is measured: `metrics` with key, duration and data."""
    async with bench.spoken() as call:
        await call.command("tts", text="Hello.", playId="measured")
        told = await call.expect("metrics")
        check(isinstance(told["data"], dict), "its data is no object")
        check(told["key"] and told["duration"] >= 0, "it lacks a key")


def check_times(final: Event) -> None:
    if "startTime" in final and "endTime" in final:
        check(final["startTime"] <= final["endTime"], "it ends before it begins")
