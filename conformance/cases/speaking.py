"""Text to speech: one text, several, streams, audio in base64, interruptions."""

import asyncio

from conformance import sound
from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.cases.connecting import as_base64, say_tone
from conformance.client import Call, Skip, check
from conformance.peers import TONE_HZ

CASES = Cases("speaking")
case = CASES.case

SENTENCE = "Hello, this is a test of what a telephone can say."
LONG = " ".join(f"This is sentence number {n} of a long story." for n in range(1, 9))
FRAME_BYTES = sound.FRAME_BYTES["pcm"]
LATE_MS = 400


async def spoken(call: Call, play_id: str) -> None:
    """To its end; skips where the server cannot speak at all."""
    await call.until(
        lambda: call.events("trackEnd", playId=play_id) or call.events("error"),
        "neither a trackEnd nor an error",
    )
    errors = call.events("error")
    if errors and not call.audio(play_id):
        raise Skip(f"it cannot speak: {errors[0].get('error')}")


@case(
    "tts.command",
    "tts.text",
    "tts.playId",
    "CallOption.tts",
    "event.trackStart.event",
    "event.trackStart.trackId",
    "event.trackStart.timestamp",
    "event.trackStart.playId",
    "event.trackEnd.event",
    "event.trackEnd.trackId",
    "event.trackEnd.timestamp",
    "event.trackEnd.duration",
    "event.trackEnd.ssrc",
    "event.trackEnd.playId",
)
async def text_is_spoken(bench: Bench) -> None:
    """A text becomes trackStart, audio and trackEnd, whose duration is the audio's."""
    async with bench.spoken() as call:
        await call.command("tts", text=SENTENCE, playId="one")
        await spoken(call, "one")
        start, end = call.events("trackStart", playId="one"), call.events("trackEnd")
        check(len(start) == 1, f"{len(start)} trackStart")
        check(start[0]["trackId"] == end[0]["trackId"], "they name two tracks")
        check(isinstance(end[0].get("ssrc"), int), "trackEnd has no ssrc")
        heard_ms = len(call.audio("one")) / FRAME_BYTES * sound.FRAME_MS
        check(heard_ms > 1_000, f"{heard_ms:.0f} ms of audio for eleven words")
        off_ms = abs(end[0]["duration"] - heard_ms)
        check(
            off_ms < LATE_MS, f"duration is {end[0]['duration']}, heard {heard_ms:.0f}"
        )
        check(sound.level(call.samples("one")) > 100, "it is silent")


@case("tts.playId")
async def text_needs_no_play_id(bench: Bench) -> None:
    """A text without playId is spoken too, and its events have none."""
    async with bench.spoken() as call:
        await call.command("tts", text="Hello.")
        track = bench.dialect.server_side_track
        await call.until(
            lambda: call.events("trackEnd", trackId=track) or call.events("error"),
            "no trackEnd",
        )
        if call.events("error"):
            raise Skip("it cannot speak")
        check("playId" not in call.events("trackEnd", trackId=track)[0], "it has one")


@case("tts.playId", "note playId")
async def same_play_id_does_not_interrupt(bench: Bench) -> None:
    """A second text with the same playId is played after the first."""
    async with bench.spoken() as call:
        await call.command("tts", text=SENTENCE, playId="same")
        await call.expect("trackStart", playId="same")
        await call.command("tts", text="And once more.", playId="same")
        await spoken(call, "same")
        check(not call.events("interruption"), "the first was interrupted")


@case(level=Level.EXTRAS)
async def same_play_id_is_one_playback(bench: Bench) -> None:
    """Audio that is queued under one playId comes whole, with one trackEnd."""
    async with bench.call() as call:
        for _ in range(3):
            await say_tone(call, "queue", 0.4)
        await call.expect("trackEnd", playId="queue")
        heard_ms = len(call.audio("queue")) / FRAME_BYTES * sound.FRAME_MS
        check(1_100 <= heard_ms <= 1_400, f"{heard_ms:.0f} ms of 1200 came")
        check(len(call.events("trackEnd", playId="queue")) == 1, "it ended twice")


@case("tts.playId", "event.interruption.playId")
async def other_play_id_interrupts(bench: Bench) -> None:
    """A text with another playId takes the place of the one that is played."""
    async with bench.call() as call:
        await say_tone(call, "first", 4.0)
        await call.expect("trackStart", playId="first")
        await say_tone(call, "second", 0.3)
        await call.expect("trackEnd", playId="second", within=3.0)
        ended = await call.expect("trackEnd", playId="first")
        check(ended["duration"] < 3_000, "the first was played to its end")


@case("tts.streaming", "tts.endOfStream", "note TTS streams")
async def stream_ends_when_it_is_told(bench: Bench) -> None:
    """Pieces of a stream are one playback, which ends after endOfStream alone."""
    async with bench.spoken() as call:
        common = {"playId": "stream", "streaming": True}
        for piece in ("Hello, ", "this comes ", "in pieces."):
            await call.command("tts", text=piece, **common)
            await asyncio.sleep(0.05)
        await asyncio.sleep(2.5)
        if call.events("error"):
            raise Skip(f"it cannot speak: {call.events('error')[0].get('error')}")
        check(
            not call.events("trackEnd", playId="stream"), "it ended before it was told"
        )
        await call.command("tts", text="", endOfStream=True, **common)
        await call.expect("trackEnd", playId="stream")
        check(len(call.events("trackStart", playId="stream")) == 1, "it began twice")
        check(len(call.audio("stream")) > FRAME_BYTES * 20, "hardly any audio came")


@case("tts.base64", "tts.text")
async def base64_is_audio(bench: Bench) -> None:
    """base64 is samples at 16 kHz, played as they are."""
    async with bench.call() as call:
        samples = sound.tone(0.6, TONE_HZ)
        await call.command("tts", **as_base64(samples.tobytes()), playId="tone")
        await call.expect("trackEnd", playId="tone")
        share = sound.share_of(TONE_HZ, call.samples("tone"), sound.RATE)
        check(share > 0.9, f"{share:.0%} of it is the tone")


@case("tts.option", "SynthesisOption.speed", "SynthesisOption.volume")
async def option_of_a_text_counts(bench: Bench) -> None:
    """A text's own option is laid over the call's: the same text, faster and louder."""
    async with bench.spoken() as call:
        await call.command("tts", text=SENTENCE, playId="slow")
        await spoken(call, "slow")
        await call.command(
            "tts", text=SENTENCE, playId="fast", option={"speed": 1.6, "volume": 10}
        )
        await spoken(call, "fast")
        slow, fast = call.samples("slow"), call.samples("fast")
        check(len(fast) < 0.85 * len(slow), f"{len(fast)} samples, {len(slow)} before")
        check(sound.level(fast) > sound.level(slow), "it is no louder")


@case("tts.autoHangup", "event.hangup.event", "note autoHangup")
async def call_ends_with_its_last_word(bench: Bench) -> None:
    """autoHangup ends the call after the playback, and not before."""
    async with bench.call() as call:
        samples = sound.tone(0.8, TONE_HZ).tobytes()
        await call.command("tts", **as_base64(samples), playId="bye", autoHangup=True)
        await call.closed()
        check(len(call.audio("bye")) >= 0.9 * len(samples), "the last word is cut")
        ended = [one.get("playId", one["event"]) for one in call.events()]
        check("bye" in ended, "no trackEnd")
        if bench.dialect.tells_hangup_on_sockets:
            check(ended[-1] == "hangup", f"the last event is {call.events()[-1]}")


@case("tts.waitInputTimeout", "event.silence.event", "event.silence.duration")
async def waiting_for_input_has_an_end(bench: Bench) -> None:
    """waitInputTimeout: `silence` on the played track so long after the playback."""
    async with bench.call() as call:
        samples = sound.tone(0.2, TONE_HZ).tobytes()
        timeout = bench.dialect.wait_input
        await call.command(
            "tts", **as_base64(samples), playId="ask", waitInputTimeout=timeout
        )
        end = await call.expect("trackEnd", playId="ask")
        silence = await call.expect("silence", within=3.0)
        waited_ms = silence["timestamp"] - end["timestamp"]
        check(800 <= waited_ms <= 1_500, f"it came after {waited_ms} ms")
        check(800 <= silence["duration"] <= 1_500, f"of {silence['duration']} ms")
        track = bench.dialect.server_side_track
        check(silence["trackId"] == track, f"on {silence['trackId']}")


@case("tts.waitInputTimeout")
async def waiting_for_input_ends_with_a_playback(bench: Bench) -> None:
    """A new playback ends the wait of the one before."""
    async with bench.call() as call:
        samples = sound.tone(0.2, TONE_HZ).tobytes()
        timeout = bench.dialect.wait_input
        await call.command(
            "tts", **as_base64(samples), playId="ask", waitInputTimeout=timeout
        )
        await call.expect("trackEnd", playId="ask")
        await say_tone(call, "next", 0.2)
        await call.expect("trackEnd", playId="next")
        await call.never("silence", 1.5)


@case(
    "interrupt.command",
    "interrupt.graceful",
    "event.interruption.event",
    "event.interruption.trackId",
    "event.interruption.timestamp",
    "event.interruption.playId",
    "event.interruption.totalDuration",
    "event.interruption.current",
)
async def interrupt_stops_at_once(bench: Bench) -> None:
    """interrupt: audio stops; `interruption` says how far it came; then trackEnd."""
    async with bench.spoken() as call:
        await call.command("tts", text=LONG, playId="long")
        await audible(call, "long")
        await call.command("interrupt")
        told = await call.expect("interruption", playId="long")
        await call.expect("trackEnd", playId="long")
        order = call.order("interruption", "trackEnd")
        check(order == ["interruption", "trackEnd"], f"their order is {order}")
        heard_ms = len(call.audio("long")) / FRAME_BYTES * sound.FRAME_MS
        check(
            abs(told["current"] - heard_ms) < LATE_MS,
            f"{told['current']} of {heard_ms}",
        )
        check(told["totalDuration"] >= told["current"], "it played more than there was")
        before = len(call.audio())
        await asyncio.sleep(0.4)
        check(len(call.audio()) == before, "audio came after its end")


@case(
    "event.interruption.subtitle",
    "event.interruption.position",
    "SynthesisOption.subtitle",
)
async def interruption_names_the_words(bench: Bench) -> None:
    """interruption has the text as its subtitle; position counts its words."""
    async with bench.spoken({"tts": {**bench.voice, "subtitle": True}}) as call:
        await call.command("tts", text=LONG, playId="words")
        await audible(call, "words", 1_500)
        await call.command("interrupt")
        told = await call.expect("interruption", playId="words")
        check(told.get("subtitle"), "no subtitle")
        check(told["subtitle"] in LONG, f"another text: {told['subtitle']}")
        if "position" in told:
            check(0 <= told["position"] < len(LONG.split()), f"{told['position']}")


@case("interrupt.graceful")
async def graceful_interrupt_lets_it_finish(bench: Bench) -> None:
    """graceful: the text that is said comes to its end, and those behind do not."""
    async with bench.call() as call:
        await say_tone(call, "grace", 1.2)
        await say_tone(call, "grace", 1.2)
        await audible(call, "grace", 200)
        await call.command("interrupt", graceful=True)
        await call.expect("trackEnd", playId="grace")
        heard_ms = len(call.audio("grace")) / FRAME_BYTES * sound.FRAME_MS
        check(1_000 <= heard_ms <= 1_500, f"{heard_ms:.0f} ms of 1200 were heard")


@case("interrupt.command")
async def interrupt_of_nothing_is_nothing(bench: Bench) -> None:
    """interrupt, while nothing is played, tells nothing."""
    async with bench.call() as call:
        await call.command("interrupt")
        await call.never("interruption", 0.5)
        check(not call.events("trackEnd"), "a track ended")


@case("tts.speaker", "SynthesisOption.speaker")
async def unknown_speaker_does_not_end_the_call(bench: Bench) -> None:
    """A speaker is taken; one that nobody knows costs no more than an error."""
    async with bench.spoken() as call:
        await call.command("tts", text="Hello.", playId="who", speaker="nobody-there")
        await call.until(
            lambda: call.events("trackEnd") or call.events("error"),
            "nothing came of it",
        )
        await say_tone(call, "after", 0.1)
        await call.expect("trackEnd", playId="after")


async def audible(call: Call, play_id: str, milliseconds: int = 400) -> None:
    """Until so much of it was heard; skips where the server cannot speak."""
    wanted = milliseconds // sound.FRAME_MS * FRAME_BYTES
    await call.until(
        lambda: len(call.audio(play_id)) >= wanted or call.events("error"), "no audio"
    )
    if call.events("error"):
        raise Skip(f"it cannot speak: {call.events('error')[0].get('error')}")
