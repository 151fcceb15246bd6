"""The clockwork, in a time of its own."""

import asyncio
from collections.abc import Callable

import pytest

from mediaworker.runtime.admission import Ticks
from mediaworker.runtime.backlog import Backlog
from mediaworker.runtime.garbage import Collector
from mediaworker.runtime.pace import SLOT_SECONDS
from mediaworker.runtime.ticker import SAMPLES, Ticker, Times


class Time:
    """Passes where the ticker sleeps, and where a step takes its time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.wakes = 0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.wakes -= 1
        if self.wakes < 0:
            raise asyncio.CancelledError


class Steps:
    """Two steps, of which the first may be slow."""

    def __init__(self, time: Time) -> None:
        self._time = time
        self.diary: list[tuple[str, float]] = []
        self.slots: list[int] = []
        self.takes: dict[int, float] = {}
        """Number of the step -> seconds."""

    def step(self, name: str) -> Callable[[float, int], None]:
        def run(now: float, slot: int) -> None:
            self._time.now += self.takes.get(len(self.diary), 0.001)
            self.diary.append((name, round(now - 100.0, 3)))
            self.slots.append(slot)

        return run


def run(
    monkeypatch: pytest.MonkeyPatch, wakes: int, takes: dict[int, float] | None = None
) -> tuple[Ticker, Steps, Ticks]:
    time, ticks = Time(), Ticks()
    time.wakes = wakes
    steps = Steps(time)
    steps.takes = takes or {}
    monkeypatch.setattr("mediaworker.runtime.ticker.asyncio.sleep", time.sleep)
    ticker = Ticker(
        (steps.step("play"), steps.step("hear")),
        Backlog(time),
        ticks,
        Collector(time, lambda generation: 0),
        time,
    )
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ticker.run())
    return ticker, steps, ticks


def test_share_each_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    ticker, steps, _ = run(monkeypatch, 5)
    assert steps.diary == [
        ("play", 0.0),
        ("hear", 0.01),
        ("play", 0.02),
        ("hear", 0.03),
        ("play", 0.04),
    ]
    assert steps.slots == [0, 0, 1, 1, 2]
    assert ticker.times.ticks == 2
    assert ticker.times.durations == pytest.approx([0.002, 0.002])
    assert max(ticker.times.lateness) == pytest.approx(0.0)


def test_skip_slots_after_one_that_took_too_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticker, steps, _ = run(monkeypatch, 4, {0: 0.1})
    assert ticker.times.skipped == 4
    assert steps.diary[1:] == [("hear", 0.1), ("play", 0.101), ("hear", 0.11)]
    assert steps.slots == [0, 0, 5, 5]


def test_let_the_backlog_work_after_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
    worked: list[float] = []

    class Labourer:
        def work(self) -> bool:
            worked.append(1.0)
            return len(worked) < 3

    async def talk() -> None:
        time = Time()
        time.wakes = 3
        backlog = Backlog(time)
        ticker = Ticker(
            (lambda now, slot: None,), backlog, Ticks(), Collector(time), time
        )
        backlog.rung = ticker.work_soon
        backlog.add(Labourer())
        backlog.rung()
        yielded = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(yielded.set_result, None)
        await yielded
        assert len(worked) == 3

    asyncio.run(talk())


def test_remember_a_minute_of_ticks() -> None:
    times = Times()
    for number in range(SAMPLES + 2):
        times.add(float(number), 0.001)
    assert len(times.lateness) == len(times.durations) == SAMPLES
    assert times.lateness[:3] == [float(SAMPLES), float(SAMPLES + 1), 2.0]
    assert times.ticks == SAMPLES + 2
    assert round(SLOT_SECONDS * SAMPLES) == 60
