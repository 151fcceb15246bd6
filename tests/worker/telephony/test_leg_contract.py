"""The legs of phones keep to what every leg does, whoever placed the call."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import (
    AbstractAsyncContextManager,
    asynccontextmanager,
    suppress,
)

from mediaworker.runtime.legs import Leg
from mediaworker.session.legs import (
    Answered,
    CallCame,
    DropLeg,
    LegEvent,
    MediaArrived,
    TakeCall,
)
from mediaworker.sip.endpoint import WrongTime
from mediaworker.sip.events import Accepted
from tests.peers.sip_phone import SILENCE, SipPhone, sip_phone
from tests.worker.leg_contract import LegContract, Stage
from tests.worker.telephony.stage import Seat, eventually, phones, target


class PhoneStage:
    """A leg, and a phone that speaks PCMU."""

    def __init__(self, seat: Seat, phone: SipPhone) -> None:
        self.leg: Leg = seat.leg
        self.told: list[LegEvent] = seat.told
        self.lost: list[Exception] = seat.lost
        self.seat = seat
        self.phone = phone

    def begin(self) -> None:
        self.leg.obey(TakeCall())

    async def agree(self) -> None:
        self.begin()
        await self.seat.until(Answered)
        await self.phone.until(Accepted)

    async def speak(self, frames: int) -> None:
        await self.phone.speak([SILENCE] * frames)
        await self.seat.until(MediaArrived)
        await eventually(lambda: self.leg.statistics.packets_received >= frames)

    async def hang_up(self) -> None:
        with suppress(WrongTime):
            self.phone.bye()
        await self.wait()

    async def wait(self) -> None:
        await asyncio.sleep(0.1)


class OutgoingStage(PhoneStage):
    def begin(self) -> None:
        self.seat.place(self.phone)

    async def agree(self) -> None:
        self.begin()
        await self.seat.until(Answered)


class TestIncomingLeg(LegContract):
    def stage(self) -> AbstractAsyncContextManager[Stage]:
        return _incoming()


class TestOutgoingLeg(LegContract):
    def stage(self) -> AbstractAsyncContextManager[Stage]:
        return _outgoing()


@asynccontextmanager
async def _incoming() -> AsyncIterator[Stage]:
    async with phones() as made, sip_phone() as phone:
        seat = Seat(made, listen="agent")
        phone.invite(target(made))
        await seat.until(CallCame)
        try:
            yield PhoneStage(seat, phone)
        finally:
            seat.leg.obey(DropLeg())


@asynccontextmanager
async def _outgoing() -> AsyncIterator[Stage]:
    async with phones() as made, sip_phone() as phone:
        phone.answers = "sendrecv"
        seat = Seat(made)
        try:
            yield OutgoingStage(seat, phone)
        finally:
            seat.leg.obey(DropLeg())
