"""The leg of the tests keeps to what every leg keeps to."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.runtime.legs import Holder
from mediaworker.runtime.wires import WIRES
from mediaworker.session.legs import AnswerOffer, LegEnded, LegEvent
from tests.worker.leg_contract import LegContract, Stage
from tests.worker.runtime.fake_leg import FakeLeg


class FakeStage:
    """With the test for a far end."""

    def __init__(self) -> None:
        self.told: list[LegEvent] = []
        self.lost: list[Exception] = []
        holder = Holder("w1-a", "acme", "alice", self.told.append, self.lost.append)
        self.leg = FakeLeg(holder, WIRES[Codec.PCM])

    def begin(self) -> None:
        self.leg.obey(AnswerOffer("v=0\r\n"))

    async def agree(self) -> None:
        self.begin()

    async def speak(self, frames: int) -> None:
        self.leg.speak(*[self.leg.wire.silence] * frames)

    async def hang_up(self) -> None:
        self.leg.tell(LegEnded("byCallee", "callee"))

    async def wait(self) -> None:
        """Nothing is on its way."""


class TestFakeLeg(LegContract):
    def stage(self) -> AbstractAsyncContextManager[Stage]:
        @asynccontextmanager
        async def staged() -> AsyncIterator[Stage]:
            yield FakeStage()

        return staged()
