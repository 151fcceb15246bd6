"""The leg of a browser keeps to what every leg does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from mediaworker.runtime.legs import Leg
from mediaworker.session.legs import AnswerOffer, DropLeg, LegEvent, MediaArrived
from tests.peers.webrtc import BrowserPeer
from tests.worker.leg_contract import LegContract, Stage
from tests.worker.webrtc.stage import Seat, browsers, eventually


class BrowserStage:
    """A leg, and a browser that offers PCMU."""

    def __init__(self, seat: Seat, browser: BrowserPeer, offer: str) -> None:
        self.leg: Leg = seat.leg
        self.told: list[LegEvent] = seat.told
        self.lost: list[Exception] = seat.lost
        self._seat = seat
        self._browser = browser
        self._offer = offer

    def begin(self) -> None:
        self.leg.obey(AnswerOffer(self._offer))

    async def agree(self) -> None:
        await self._browser.accept(await self._seat.answer(self._offer))
        await self._browser.connected()
        await eventually(lambda: self.leg.is_open)

    async def speak(self, frames: int) -> None:
        self._browser.begin_sending()
        await self._seat.until(MediaArrived)
        await eventually(lambda: self.leg.statistics.packets_received >= frames)

    async def hang_up(self) -> None:
        await self._browser.close()
        await self.wait()

    async def wait(self) -> None:
        await asyncio.sleep(0.1)


class TestBrowserLeg(LegContract):
    def stage(self) -> AbstractAsyncContextManager[Stage]:
        return _stage()


@asynccontextmanager
async def _stage() -> AsyncIterator[Stage]:
    async with asyncio.timeout(20), browsers() as made:
        seat, browser = Seat(made), BrowserPeer(["PCMU"], is_sending=False)
        try:
            yield BrowserStage(seat, browser, await browser.offer())
        finally:
            seat.leg.obey(DropLeg())
            await browser.close()
