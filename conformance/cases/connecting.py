"""Sockets, ids, pings and the answer."""

import asyncio
import base64
import re

from conformance import sound
from conformance.bench import Bench
from conformance.case import Cases, Level
from conformance.client import Call, check
from conformance.peers import TONE_HZ

CASES = Cases("connecting")
case = CASES.case

FIRST_MS, LAST_MS = 1_600_000_000_000, 10_000_000_000_000
"""From 2020 on, and far from seconds or microseconds."""


@case(
    "path /call",
    "invite.command",
    "invite.option",
    "event.answer.event",
    "event.answer.trackId",
    "event.answer.timestamp",
    "event.answer.sdp",
    "note timestamps in ms",
)
async def call_is_answered(bench: Bench) -> None:
    """An invite on /call is answered, with trackId, a timestamp in ms and an SDP."""
    async with bench.call() as call:
        answer = await call.expect("answer")
        check(answer.get("trackId"), "the answer has no trackId")
        at_ms = answer.get("timestamp", 0)
        check(FIRST_MS < at_ms < LAST_MS, f"{at_ms} are no milliseconds")
        check(isinstance(answer.get("sdp"), str), "the answer's sdp is no string")


@case("query.id")
async def id_is_chosen(bench: Bench) -> None:
    """The session has the id that the query gives."""
    path, key = bench.dialect.lists
    async with bench.call(id="conformance-of-ids"):
        _, body = await bench.ask("GET", path)
        ids = [one["id"] for one in body[key]]
        check("conformance-of-ids" in ids, f"it is not among the {len(ids)} listed")


@case("query.id")
async def id_is_given(bench: Bench) -> None:
    """A session without an id gets one of its own, a UUID."""
    path, key = bench.dialect.lists
    async with bench.call(), bench.call():
        _, body = await bench.ask("GET", path)
        ids = [one["id"] for one in body[key]]
        check(len(set(ids)) == len(ids) >= 2, "two sessions have one id")
        is_uuid = re.compile(
            r"(s\.|c\.)?[0-9a-zA-Z]{1,16}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
        )
        check(any(is_uuid.fullmatch(one) for one in ids), f"no UUID in {ids[0]}")


@case("query.pingInterval", "event.ping.event", "event.ping.timestamp")
async def ping_comes_every_interval(bench: Bench) -> None:
    """With pingInterval=1 a ping comes each second."""
    async with bench.call(None, **{bench.dialect.ping: "1"}) as call:
        if bench.dialect.is_ping_a_frame:
            await call.until(lambda: call.pings >= 2, "no two pings", 4.0)
            return
        await call.until(lambda: len(call.events("ping")) >= 3, "no three pings", 5.0)
        first, second, third = (one["timestamp"] for one in call.events("ping")[:3])
        check(FIRST_MS < first < LAST_MS, f"{first} are no milliseconds")
        check(500 <= third - second <= 1_800, f"{third - second} ms between two pings")


@case("query.pingInterval")
async def ping_is_not_sent_at_once(bench: Bench) -> None:
    """Without pingInterval one comes every 20 s: at most one in the first two."""
    async with bench.call() as call:
        await asyncio.sleep(2.0)
        check(len(call.events("ping")) <= 1, "several pings in two seconds")


@case("query.serverSideTrack", "note trackId")
async def track_is_named(bench: Bench) -> None:
    """What the application plays has the trackId that the query gives."""
    async with bench.call(serverSideTrack="voice-7") as call:
        await say_tone(call, "named")
        start = await call.expect("trackStart", playId="named")
        check(start["trackId"] == "voice-7", f"its trackId is {start['trackId']}")


@case("query.serverSideTrack")
async def track_has_its_default_name(bench: Bench) -> None:
    """Without a name it has the default's."""
    async with bench.call() as call:
        await say_tone(call, "unnamed")
        start = await call.expect("trackStart", playId="unnamed")
        wanted = bench.dialect.server_side_track
        check(start["trackId"] == wanted, f"its trackId is {start['trackId']}")


@case("query.dump", "note dump=false")
async def dump_is_taken(bench: Bench) -> None:
    """dump=false and dump=true are taken."""
    for word in ("false", "true"):
        async with bench.call(dump=word) as call:
            await say_tone(call, word)
            await call.expect("trackEnd", playId=word)


async def codec_is_carried(bench: Bench, codec: str) -> None:
    """A tone of 600 ms arrives, as long and as high as it was."""
    async with bench.call({"codec": codec}) as call:
        await say_tone(call, codec)
        end = await call.expect("trackEnd", playId=codec)
        check(500 <= end["duration"] <= 900, f"it is said to last {end['duration']} ms")
        audio = call.audio(codec)
        if codec in sound.FRAME_BYTES:
            heard_ms = len(audio) / sound.FRAME_BYTES[codec] * sound.FRAME_MS
            check(500 <= heard_ms <= 800, f"{heard_ms:.0f} ms of audio came")
        if codec in sound.RATES:
            share = sound.share_of(TONE_HZ, call.samples(codec), sound.RATES[codec])
            check(share > 0.8, f"{share:.0%} of it is the tone")


@case("CallOption.codec", "note codecs negotiated", "note both ways")
async def codec_pcmu(bench: Bench) -> None:
    """codec pcmu: G.711 µ-law at 8 kHz."""
    await codec_is_carried(bench, "pcmu")


@case("CallOption.codec", "note codecs negotiated")
async def codec_pcma(bench: Bench) -> None:
    """codec pcma: G.711 A-law at 8 kHz."""
    await codec_is_carried(bench, "pcma")


@case("CallOption.codec", "note codecs negotiated")
async def codec_g722(bench: Bench) -> None:
    """codec g722: 160 bytes each 20 ms."""
    await codec_is_carried(bench, "g722")


@case("CallOption.codec", "note codecs negotiated")
async def codec_pcm(bench: Bench) -> None:
    """codec pcm: samples of 16 bits at 16 kHz."""
    await codec_is_carried(bench, "pcm")


@case(level=Level.EXTRAS)
async def codec_opus(bench: Bench) -> None:
    """codec opus: packets of Opus."""
    await codec_is_carried(bench, "opus")


@case("CallOption.codec")
async def codec_is_pcmu_by_default(bench: Bench) -> None:
    """An invite without a codec is for pcmu."""
    async with bench.socket() as call:
        await call.command("invite", option={})
        await call.expect("answer")
        await say_tone(call, "default")
        await call.expect("trackEnd", playId="default")
        share = sound.share_of(TONE_HZ, call.samples("default"), sound.RATES["pcmu"])
        check(share > 0.8, f"{share:.0%} of it is the tone, read as pcmu")


async def say_tone(call: Call, play_id: str, seconds: float = 0.6) -> None:
    """Audio that needs no voice."""
    samples = sound.tone(seconds, TONE_HZ)
    await call.command("tts", **as_base64(samples.tobytes()), playId=play_id)


def as_base64(samples: bytes) -> dict[str, object]:
    return {"text": base64.b64encode(samples).decode(), "base64": True}


@case(
    "event.binary.event",
    "event.binary.trackId",
    "event.binary.timestamp",
    "event.binary.data",
    level=Level.EXTRAS,
)
async def audio_is_told_as_events(bench: Bench) -> None:
    """With binary=json audio comes as `binary` events, bytes in an array."""
    async with bench.call(binary="json") as call:
        await say_tone(call, "json")
        told = await call.expect("binary")
        check(isinstance(told["data"], list) and told["data"], "its data is no array")
        check(all(0 <= octet <= 255 for octet in told["data"]), "its data is no bytes")
        check(told["trackId"] and told["timestamp"] > FIRST_MS, "it lacks a key")
