"""Whatever becomes of calls, nothing of them stays."""

import asyncio
import gc
import os
from collections import Counter

import uvloop

from mediaworker.rtp.stream import MediaStream
from mediaworker.session.legs import AnswerOffer
from mediaworker.webrtc.browsers import Browsers
from mediaworker.webrtc.call import Call
from mediaworker.webrtc.leg import BrowserLeg
from mediaworker.webrtc.share import WebRtcRules
from mediaworker.webrtc.stack import Certificate, Handshake, Path
from mediaworker.webrtc.transport import End, Transport
from tests.peers.light_webrtc import LightBrowser
from tests.worker.webrtc.stage import Seat, browsers, eventually

CALLS = 200
AT_ONCE = 10
OURS = (BrowserLeg, Call, Handshake, MediaStream, Path, Transport)
SLACK_OBJECTS = 400


def test_give_everything_back_of_many_calls() -> None:
    async def run() -> None:
        certificate = Certificate.generateCertificate()
        async with browsers(WebRtcRules(connect_seconds=5)) as made:
            await _round(made, certificate)
            tasks, sockets, objects = _census()
            for _ in range(CALLS // AT_ONCE):
                await _round(made, certificate)
            await eventually(lambda: _census()[:2] == (tasks, sockets))
            assert _census()[2] - objects < SLACK_OBJECTS
            assert not _left(), _left()

    uvloop.run(run())


async def _round(made: Browsers, certificate: Certificate) -> None:
    async with asyncio.TaskGroup() as tasks:
        for place in range(AT_ONCE):
            tasks.create_task(_call(made, certificate, place))
    await asyncio.sleep(0.01)


async def _call(made: Browsers, certificate: Certificate, place: int) -> None:
    """Each ends in a way of its own."""
    seat, browser = Seat(made), LightBrowser(certificate, "96" if place % 2 else "0")
    offer = await browser.offer(made._host_addresses(False)[0])
    if place == 0:
        seat.leg.obey(AnswerOffer(offer))
    elif place == 1:
        seat.leg.obey(AnswerOffer(offer.replace("opus", "nothing")))
    elif place == 2:
        await seat.answer(offer)
    else:
        await browser.accept(await seat.answer(offer))
        await eventually(lambda: seat.leg.is_open)
        assert seat.leg.send_audio(seat.leg.wire.silence, 1)
    if place == 3:
        await browser.close()
        await eventually(lambda: seat.last is not None)
    seat.drop()
    if place > 3:
        assert await browser.ended() is End.CLOSED
    await browser.close()
    assert seat.lost == []


def _census() -> tuple[int, int, int]:
    """Tasks, descriptors, and objects that the collector knows."""
    gc.collect()
    descriptors = len(os.listdir("/proc/self/fd"))
    return len(asyncio.all_tasks()), descriptors, len(gc.get_objects())


def _left() -> Counter[str]:
    return Counter(
        type(one).__name__ for one in gc.get_objects() if isinstance(one, OURS)
    )
