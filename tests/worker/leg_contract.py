"""What every leg keeps to, whatever carries it.

A test module of a leg subclasses `LegContract`, and sets its leg on a `Stage`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from mediaworker.runtime.legs import Leg
from mediaworker.runtime.wires import WIRES
from mediaworker.session.legs import (
    AddCandidate,
    Answered,
    Declined,
    DropLeg,
    LegEnded,
    LegEvent,
    LegLost,
    MediaAgreed,
    MediaArrived,
    PressKeys,
)

LAST = (Declined, LegEnded, LegLost)


class Stage(Protocol):
    """A new leg, who holds it, and its far end."""

    @property
    def leg(self) -> Leg: ...

    told: list[LegEvent]
    """All that the holder was told."""
    lost: list[Exception]
    """All that the holder was told to be lost by."""

    def begin(self) -> None:
        """Have the leg obey what its call begins with; perhaps again."""

    async def agree(self) -> None:
        """Begin, and let the far end agree: until the holder was told `Answered`."""

    async def speak(self, frames: int) -> None:
        """The far end sends so many frames, and they have arrived."""

    async def hang_up(self) -> None:
        """The far end does, and what it sent has arrived."""

    async def wait(self) -> None:
        """Let what is on its way arrive."""


class LegContract(ABC):
    """Gathered by pytest where a subclass has the leg's name."""

    @abstractmethod
    def stage(self) -> AbstractAsyncContextManager[Stage]:
        """With sockets and far end there; closed by its end."""

    def play(self, act: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            async with self.stage() as stage:
                await act(stage)
                assert stage.lost == []

        asyncio.run(run())

    def test_agree_upon_media_once_and_before_the_answer(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            kinds = kinds_of(stage)
            assert kinds.count(MediaAgreed) == kinds.count(Answered) == 1
            assert kinds.index(MediaAgreed) < kinds.index(Answered)

        self.play(act)

    def test_begin_twice(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            stage.begin()
            await stage.wait()
            assert kinds_of(stage).count(MediaAgreed) == 1

        self.play(act)

    def test_have_a_wire_that_legs_share(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            assert any(stage.leg.wire is wire for wire in WIRES.values())

        self.play(act)

    def test_bring_whole_frames_of_the_far_end(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            await stage.speak(20)
            kinds = kinds_of(stage)
            assert kinds.count(MediaArrived) == 1
            assert kinds.index(MediaAgreed) < kinds.index(MediaArrived)
            frames = [stage.leg.source.take() for _ in range(30)]
            sizes = {len(frame) for frame in frames if frame is not None}
            assert sizes == {stage.leg.wire.frame_bytes}
            assert stage.leg.statistics.packets_received >= 20

        self.play(act)

    def test_be_open_to_a_far_end_that_speaks(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            await stage.speak(2)
            assert stage.leg.is_open
            stage.leg.obey(DropLeg())
            assert stage.leg.is_open in (True, False)

        self.play(act)

    def test_take_where_nothing_came(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            size = stage.leg.wire.frame_bytes
            for _ in range(100):
                frame = stage.leg.source.take()
                assert frame is None or len(frame) == size
            assert stage.leg.source.take_more() is None
            assert MediaArrived not in kinds_of(stage)

        self.play(act)

    def test_send_in_every_slot_and_go_on_after_skipped_ones(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            frame = stage.leg.wire.silence
            for slot in (1_000, 1_001, 1_002, 1_010, 1_011):
                assert stage.leg.send_audio(frame, slot)
            for slot in range(1_012, 1_020):
                stage.leg.send_silence(slot)
            assert stage.leg.send_audio(frame, 1_020)
            await stage.wait()
            assert stage.leg.statistics.packets_sent >= 6

        self.play(act)

    def test_send_before_media_is_agreed(self) -> None:
        async def act(stage: Stage) -> None:
            stage.leg.obey(PressKeys("1", 100, 50))
            stage.leg.send_silence(1)
            assert not stage.leg.send_audio(bytes(160), 2)
            assert MediaAgreed not in kinds_of(stage)

        self.play(act)

    def test_tell_nothing_after_it_was_dropped(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            stage.leg.obey(DropLeg())
            told = list(stage.told)
            await stage.hang_up()
            assert stage.told == told

        self.play(act)

    def test_drop_before_anything_began(self) -> None:
        async def act(stage: Stage) -> None:
            told = list(stage.told)
            stage.leg.obey(DropLeg())
            await stage.wait()
            assert stage.told == told

        self.play(act)

    def test_drop_while_it_begins(self) -> None:
        async def act(stage: Stage) -> None:
            stage.begin()
            stage.leg.obey(DropLeg())
            told = list(stage.told)
            await stage.wait()
            assert stage.told == told

        self.play(act)

    def test_bear_whatever_comes_after_it_was_dropped(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            stage.leg.obey(DropLeg())
            told = list(stage.told)
            for effect in (DropLeg(), PressKeys("1", 100, 50), AddCandidate("")):
                stage.leg.obey(effect)
            stage.begin()
            stage.leg.send_silence(1)
            assert not stage.leg.send_audio(stage.leg.wire.silence, 2)
            await stage.wait()
            assert stage.told == told
            assert stage.leg.statistics.packets_received >= 0

        self.play(act)

    def test_tell_of_the_far_end_s_end_once_and_last(self) -> None:
        async def act(stage: Stage) -> None:
            await stage.agree()
            await stage.hang_up()
            ends = [event for event in stage.told if isinstance(event, LAST)]
            assert len(ends) == 1
            assert stage.told[-1] is ends[0]
            stage.leg.obey(DropLeg())
            await stage.wait()
            assert stage.told[-1] is ends[0]

        self.play(act)


def kinds_of(stage: Stage) -> list[type[LegEvent]]:
    return [type(event) for event in stage.told]
