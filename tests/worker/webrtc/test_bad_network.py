"""A call over a network that loses and delays; and that network itself."""

import asyncio

import numpy as np
import uvloop
from aioice.ice import get_host_addresses

from mediaworker.session.legs import LegLost
from tests.peers.lossy_udp import (
    LOOPBACK,
    Direction,
    Weather,
    host_of,
    lossy_udp,
    through,
    with_rtp_at,
)
from tests.peers.webrtc import BrowserPeer, pitch
from tests.worker.webrtc.stage import Seat, browsers, trickled

RTP = b"\x80\x00"


def fates(weather: Weather, count: int) -> list[bool]:
    direction = Direction(weather, "there")
    passed: list[bytes] = []
    for number in range(count):
        direction.carry(RTP + number.to_bytes(2, "big"), passed.append)
    assert direction.passed == len(passed) and direction.lost == count - len(passed)
    numbers = {int.from_bytes(data[2:], "big") for data in passed}
    return [number in numbers for number in range(count)]


def test_lose_the_same_packets_every_time() -> None:
    once = fates(Weather(loss_percent=10, seed=7), 2_000)
    assert once == fates(Weather(loss_percent=10, seed=7), 2_000)
    assert once != fates(Weather(loss_percent=10, seed=8), 2_000)
    assert 1_750 < sum(once) < 1_850


def test_spare_what_is_no_media() -> None:
    passed: list[bytes] = []
    direction = Direction(Weather(loss_percent=100), "there")
    for data in (b"\x00\x01", b"\x16\xfe", RTP, b""):
        direction.carry(data, passed.append)
    assert passed == [b"\x00\x01", b"\x16\xfe"]


def test_move_plain_rtp_through_the_relay() -> None:
    sdp = "c=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"
    assert with_rtp_at(sdp, (LOOPBACK, 9_000)) == (
        "c=IN IP4 127.0.0.1\r\nm=audio 9000 RTP/AVP 0\r\n"
    )


def test_be_heard_though_packets_are_lost_and_late() -> None:
    weather = Weather(loss_percent=5, jitter_ms=30, delay_ms=10, seed=3)

    async def run() -> None:
        async with asyncio.timeout(30), browsers() as made:
            seat, browser = Seat(made), BrowserPeer(["opus"])
            offer, _ = trickled(await browser.offer())
            answer = await seat.answer(offer)
            host = (get_host_addresses(True, False) or [LOOPBACK])[0]
            async with lossy_udp(host_of(answer), weather, host=host) as relay:
                await browser.accept(through(answer, relay.address))
                await browser.connected()
                await seat.slots(0.5, 1_000)
                hearing = asyncio.ensure_future(browser.hear(1.2))
                await seat.slots(2.0, 1_000)
                hertz, _ = pitch(await hearing)
                assert abs(hertz - 1_000) < 10
                heard = seat.heard()[-72_000:]
                hertz, share = pitch(heard)
                assert abs(hertz - 440) < 10 and share > 0.6
                # What was lost is made up: no gap is heard.
                quiet = np.abs(heard.reshape(-1, 960)).max(axis=1) < 0.01
                assert quiet.sum() <= 2
                assert relay.there.lost > 2 and relay.back.lost > 2
                statistics = seat.leg.statistics
                assert statistics.packets_lost > 0 and statistics.jitter_ms > 3
                assert statistics.frames_concealed > 0
                seat.drop()
            await browser.close()
            assert not any(isinstance(event, LegLost) for event in seat.told)

    uvloop.run(run())
