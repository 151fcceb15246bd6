"""Whose turn is judged, when, and what becomes of the rest."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np

from mediaworker.speech.judging import LATEST_SECONDS, NOT_INSTALLED, Judging
from mediaworker.speech.ports import Heard as Audio
from mediaworker.speech.replies import Beep, Judged
from mediaworker.speech.requests import Deafen, Heard, Judge, Listen, Transcribe
from tests.worker.speech.fakes import Clock, Inline, Told, settle

FRAME = np.full(160, 1_000, "<i2").tobytes()
LOUD = np.full(160, 32_767, "<i2").tobytes()
Talk = Callable[[Judging, Told, Clock], Awaitable[None]]


class FakeJudge:
    """As sure as it has heard seconds; fails where it is loud."""

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def judge(self, heard: Audio) -> float:
        self.lengths.append(len(heard) // 16)
        if heard.size and heard.max() > 0.9:
            raise ValueError("a bug of the network")
        return len(heard) / 16_000


def run(talk: Talk, judge: FakeJudge | None = None) -> None:
    async def main() -> None:
        told, clock = Told(), Clock()
        judging = Judging(judge, told, clock, Inline())
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(judging.run())
            await talk(judging, told, clock)
            running.cancel()

    asyncio.run(main())


def hear(judging: Judging, streams: int, frames: int = 10) -> None:
    numbers = tuple(range(1, streams + 1))
    for _ in range(frames):
        judging.receive(Heard(8_000, numbers, FRAME * streams))


def listen(judging: Judging, *streams: int) -> None:
    for stream in streams:
        judging.receive(Listen(stream, 8_000, judges=True))


def test_judge_what_was_heard_up_to_then() -> None:
    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1)
        hear(judging, 2, frames=50)
        judging.receive(Judge(1, 7, 500))
        judging.receive(Judge(2, 8, 500))
        judging.receive(Transcribe(1, 1, 1, 0, 500, True))
        clock.now += 0.05
        assert await told.next() == Judged(1, 7, 0.5, 50)
        assert judging.busy_since is None
        await settle()
        assert len(told.all) == 1

    run(talk, FakeJudge())


def test_judge_the_last_eight_seconds() -> None:
    judge = FakeJudge()

    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1)
        hear(judging, 1, frames=1_000)
        judging.receive(Judge(1, 1, 20_000))
        await told.next()
        assert judge.lengths == [8_000]

    run(talk, judge)


def test_only_the_latest_question_of_a_stream_waits() -> None:
    judge = FakeJudge()

    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1, 2)
        hear(judging, 2)
        judging.receive(Judge(1, 1, 20))
        judging.receive(Judge(2, 2, 40))
        judging.receive(Judge(1, 3, 60))
        await settle()
        assert judge.lengths == [40, 60]
        assert [each.number for each in told.all if isinstance(each, Judged)] == [2, 3]

    run(talk, judge)


def test_late_question_is_not_judged() -> None:
    judge = FakeJudge()

    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1)
        hear(judging, 1)
        judging.receive(Judge(1, 1, 60))
        clock.now += LATEST_SECONDS + 0.001
        assert await told.next() == Judged(1, 1, None, 1_001)
        assert judge.lengths == []

    run(talk, judge)


def test_stream_that_has_ended_gets_no_answer() -> None:
    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1)
        hear(judging, 1)
        judging.receive(Judge(1, 1, 60))
        judging.receive(Deafen(1))
        judging.receive(Judge(1, 2, 60))
        await settle()
        assert told.all == []

    run(talk, FakeJudge())


def test_stream_that_ends_meanwhile_gets_no_answer() -> None:
    class Ending(FakeJudge):
        def judge(self, heard: Audio) -> float:
            judgings[0].receive(Deafen(1))
            return 1.0

    judgings: list[Judging] = []

    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        judgings.append(judging)
        listen(judging, 1)
        judging.receive(Judge(1, 1, 60))
        await settle()
        assert told.all == []

    run(talk, Ending())


def test_one_that_breaks_is_no_others_end() -> None:
    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1, 2)
        judging.receive(Heard(8_000, (1, 2), LOUD + FRAME))
        judging.receive(Judge(1, 1, 20))
        judging.receive(Judge(2, 2, 20))
        assert await told.next() == Judged(1, 1, None, 0)
        assert await told.next() == Judged(2, 2, 0.02, 0)

    run(talk, FakeJudge())


def test_lost_frames_were_silent() -> None:
    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1)
        judging.receive(Heard(8_000, (1,), b""))
        judging.receive(Judge(1, 1, 20))
        assert await told.next() == Judged(1, 1, 0.02, 0)

    run(talk, FakeJudge())


def test_missing_model_is_told() -> None:
    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        listen(judging, 1)
        judging.receive(Judge(1, 1, 60))
        assert await told.next() == Judged(1, 1, None, 0, NOT_INSTALLED)

    run(talk)


def test_beeps_are_found_without_a_model() -> None:
    time = np.arange(8_000) / 8_000
    tone = (8_000 * np.sin(2 * np.pi * 1_000 * time)).astype("<i2").tobytes()

    async def talk(judging: Judging, told: Told, clock: Clock) -> None:
        judging.receive(Listen(1, 8_000, seeks_beeps=True))
        for at in range(0, len(tone), 320):
            judging.receive(Heard(8_000, (1,), tone[at : at + 320]))
        assert await told.next() == Beep(1, 0, 180)
        judging.receive(Deafen(1))

    run(talk)
