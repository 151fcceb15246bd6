"""Legs of browsers as a runtime has them: a holder, and a tick of their own."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from chalicelib.protocol.ice import IceSettings, ice_servers
from mediaworker.composition import opus_library
from mediaworker.runtime.legs import Holder, Leg
from mediaworker.session.legs import (
    AddCandidate,
    Answered,
    AnswerOffer,
    CandidateGathered,
    Declined,
    DropLeg,
    LegEnded,
    LegEvent,
    LegLost,
)
from mediaworker.webrtc.browsers import Browsers
from mediaworker.webrtc.share import WebRtcRules
from tests.peers.webrtc import BrowserPeer, Tone

Told = TypeVar("Told", bound=LegEvent)
SLOT_SECONDS = 0.020
PATIENCE_SECONDS = 10.0
LAST = (Declined, LegEnded, LegLost)
NO_SERVERS = ice_servers({})
RULES = WebRtcRules()


@asynccontextmanager
async def browsers(
    rules: WebRtcRules = RULES, ice: IceSettings = NO_SERVERS
) -> AsyncIterator[Browsers]:
    """Those of a worker, which runs within the block."""
    made = Browsers(rules, ice, "w1", opus_library())
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(made.run())
        await asyncio.sleep(0)
        try:
            yield made
        finally:
            running.cancel()


@dataclass(eq=False)
class Seat:
    """Holds one leg, and remembers what it was told."""

    browsers: Browsers
    told: list[LegEvent] = field(default_factory=list)
    lost: list[Exception] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    """Frames of the leg's source, of the slots since `listen`."""

    def __post_init__(self) -> None:
        self._news = asyncio.Event()
        self.leg: Leg = self.browsers.make(
            Holder("s1", "acme", "alice", self._hear, self._lose)
        )

    def _hear(self, event: LegEvent) -> None:
        self.told.append(event)
        self._news.set()

    def _lose(self, error: Exception) -> None:
        self.lost.append(error)
        self._news.set()

    async def until(self, kind: type[Told], seconds: float = PATIENCE_SECONDS) -> Told:
        """The first of its kind, now or when it comes."""
        async with asyncio.timeout(seconds):
            while True:
                for event in self.told:
                    if isinstance(event, kind):
                        return event
                assert not self.lost, self.lost
                self._news.clear()
                await self._news.wait()

    @property
    def last(self) -> LegEvent | None:
        """By what it is over."""
        ends = [event for event in self.told if isinstance(event, LAST)]
        assert len(ends) <= 1
        return ends[0] if ends else None

    @property
    def candidates(self) -> list[str]:
        """That were told apart."""
        return [e.candidate for e in self.told if isinstance(e, CandidateGathered)]

    async def answer(self, sdp: str, *, allows_ipv6: bool = False) -> str:
        self.leg.obey(AnswerOffer(sdp, allows_ipv6))
        return (await self.until(Answered)).sdp

    async def meet(self, peer: BrowserPeer) -> None:
        """Until both can hear each other."""
        await peer.accept(await self.answer(await peer.offer()))
        await peer.connected()

    async def slots(self, seconds: float, hertz: float | None = None) -> None:
        """A tick: a tone or silence goes out, and what came is taken."""
        loop = asyncio.get_running_loop()
        wire = self.leg.wire
        began, samples = loop.time(), wire.rate // 50
        for place in range(round(seconds / SLOT_SECONDS)):
            await asyncio.sleep(max(0.0, began + place * SLOT_SECONDS - loop.time()))
            slot = next(_slots)
            if hertz is None:
                self.leg.send_silence(slot)
            else:
                times = np.arange(place * samples, (place + 1) * samples) / wire.rate
                tone = 8_000 * np.sin(2 * np.pi * hertz * times)
                frame = wire.encode(tone.astype(np.int16).reshape(1, -1))
                self.leg.send_audio(frame.tobytes(), slot)
            frame_in = self.leg.source.take()
            if frame_in is not None:
                self.received.append(frame_in)
            self.leg.source.take_more()

    def heard(self) -> Tone:
        """What was taken, at 48 kHz, from -1 to 1."""
        wire = self.leg.wire
        octets: NDArray[np.uint8] = np.frombuffer(b"".join(self.received), np.uint8)
        samples = wire.decode(octets.reshape(-1, wire.frame_bytes)).reshape(-1)
        return np.repeat(samples, 48_000 // wire.rate) / 32_768

    def drop(self) -> None:
        self.leg.obey(DropLeg())


_slots = itertools.count(1_000)


async def eventually(is_true: Callable[[], bool]) -> None:
    """What nobody tells of is looked for; raises `TimeoutError`."""
    for _ in range(round(PATIENCE_SECONDS / 0.005)):
        if is_true():
            return
        await asyncio.sleep(0.005)
    raise TimeoutError


def trickled(sdp: str) -> tuple[str, list[AddCandidate]]:
    """An offer without its candidates, and these apart."""
    lines = sdp.split("\r\n")
    apart = ("a=candidate:", "a=end-of-candidates")
    kept = [line for line in lines if not line.startswith(apart)]
    found = [line for line in lines if line.startswith("a=candidate:")]
    candidates = [AddCandidate(line.removeprefix("a="), "0", 0) for line in found]
    return "\r\n".join(kept), candidates
