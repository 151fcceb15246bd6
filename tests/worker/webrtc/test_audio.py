"""Whole calls between a leg and a browser of aiortc's, over sockets."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from chalicelib.protocol.session.vocabulary import Codec, HangupReason
from mediaworker.session.legs import (
    Answered,
    KeyPressed,
    LegEnded,
    LegTrouble,
    MediaAgreed,
    MediaArrived,
    PressKeys,
)
from mediaworker.webrtc.share import WebRtcRules
from tests.peers.webrtc import BrowserPeer, pitch
from tests.worker.webrtc.stage import Seat, browsers

Talk = Callable[[Seat, BrowserPeer], Coroutine[Any, Any, None]]


def call(talk: Talk, peer: dict[str, Any] | None = None, **rules: Any) -> Seat:
    """One call, dropped in the end, on the loop that workers run on."""

    async def run() -> Seat:
        async with asyncio.timeout(30), browsers(WebRtcRules(**rules)) as made:
            seat, browser = Seat(made), BrowserPeer(**(peer or {}))
            try:
                await talk(seat, browser)
            finally:
                seat.drop()
                await browser.close()
            return seat

    return uvloop.run(run())


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("opus", Codec.OPUS),
        ("PCMU", Codec.PCMU),
        ("PCMA", Codec.PCMA),
        ("G722", Codec.G722),
    ],
)
def test_carry_tones_both_ways(name: str, codec: Codec) -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.meet(browser)
        agreed = await seat.until(MediaAgreed)
        assert agreed == MediaAgreed(codec, has_keys=True)
        await seat.slots(0.6, 1_000)
        seat.received.clear()
        hearing = asyncio.ensure_future(browser.hear(1.0))
        await seat.slots(1.3, 1_000)
        hertz, share = pitch(await hearing)
        assert abs(hertz - 1_000) < 5 and share > 0.9
        hertz, share = pitch(seat.heard()[-48_000:])
        assert abs(hertz - 440) < 5 and share > 0.9
        assert seat.leg.statistics.packets_lost == 0
        assert seat.leg.statistics.packets_sent > 60

    seat = call(talk, {"codecs": [name]})
    kinds = [type(event) for event in seat.told]
    assert kinds.index(MediaAgreed) < kinds.index(Answered) < kinds.index(MediaArrived)
    assert kinds.count(MediaArrived) == 1
    assert seat.lost == []
    assert seat.leg.statistics.packets_received > 60


def test_take_the_codec_that_is_offered_first() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.answer(await browser.offer())

    seat = call(talk, {"codecs": ["PCMA", "opus", "PCMU"]})
    assert MediaAgreed(Codec.PCMA, has_keys=True) in seat.told


def test_take_and_send_digits() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.meet(browser)
        seat.leg.obey(PressKeys("42#", 100, 60))
        pressing = asyncio.ensure_future(browser.press("159*"))
        await seat.slots(1.5)
        await pressing
        assert browser.pressed == ["4", "2", "#"]

    seat = call(talk)
    keys = [event.digit for event in seat.told if isinstance(event, KeyPressed)]
    assert keys == ["1", "5", "9", "*"]


def test_refuse_digits_that_were_not_agreed() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        seat.leg.obey(PressKeys("1", 100, 60))
        await seat.answer(await browser.offer())
        seat.leg.obey(PressKeys("1", 100, 60))

    seat = call(talk, {"has_keys": False})
    assert MediaAgreed(Codec.OPUS, has_keys=False) in seat.told
    codes = [event.code for event in seat.told if isinstance(event, LegTrouble)]
    assert codes == [488, 488]


def test_hear_the_browser_hang_up() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.meet(browser)
        await seat.slots(0.1)
        await browser.close()
        await seat.until(LegEnded)

    seat = call(talk)
    assert seat.last == LegEnded(HangupReason.BY_CALLER, "caller")
    assert seat.told[-1] is seat.last


def test_tell_the_browser_of_our_hanging_up() -> None:
    async def talk(seat: Seat, browser: BrowserPeer) -> None:
        await seat.meet(browser)
        await seat.slots(0.2, 500)
        seat.drop()
        assert not seat.leg.send_audio(seat.leg.wire.silence, 1)
        async with asyncio.timeout(5):
            await browser.closed.wait()

    seat = call(talk)
    assert seat.last is None
