"""A service that takes over all audio."""

import asyncio

from conformance import sound
from conformance.bench import Bench
from conformance.case import Cases
from conformance.client import check
from conformance.peers import TONE_HZ

CASES = Cases("media-pass")
case = CASES.case

PACKET_BYTES = 1_280


@case(
    "CallOption.mediaPass",
    "MediaPassOption.url",
    "MediaPassOption.inputSampleRate",
    "MediaPassOption.outputSampleRate",
    "MediaPassOption.packetSize",
)
async def service_takes_over_audio(bench: Bench) -> None:
    """The service is sent the call's audio in packets, and what it sends is heard."""
    service = bench.peers.service
    service.packets.clear()
    option = {
        "mediaPass": {
            "url": bench.peers.media,
            "inputSampleRate": sound.RATE,
            "outputSampleRate": sound.RATE,
            "packetSize": PACKET_BYTES,
        }
    }
    async with bench.call(option) as call:
        await call.speak(sound.tone(1.5, TONE_HZ))
        await asyncio.sleep(0.3)
        errors = call.events("error")
        check(service.queries, f"nobody connected: {errors}")
        check(len(service.packets) >= 10, f"{len(service.packets)} packets came")
        sizes = {len(packet) for packet in service.packets[:-1]}
        check(sizes == {PACKET_BYTES}, f"their sizes are {sizes}")
        sent = sound.decoded(b"".join(service.packets), "pcm")
        share = sound.share_of(TONE_HZ, sent, sound.RATE)
        check(share > 0.5, f"{share:.0%} of what came is the tone")
        share = sound.share_of(TONE_HZ, call.samples(), sound.RATE)
        check(share > 0.5, f"{share:.0%} of what is heard is the service's tone")
