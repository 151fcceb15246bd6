"""Work between two ticks."""

from dataclasses import dataclass, field

from mediaworker.runtime.backlog import BUDGET_SECONDS, Backlog


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Labourer:
    """Has so many things to do, each of which takes so long."""

    name: str
    things: int
    clock: Clock
    seconds: float
    diary: list[str] = field(default_factory=list)

    def work(self) -> bool:
        self.things -= 1
        self.clock.now += self.seconds
        self.diary.append(self.name)
        return self.things > 0


def test_take_turns() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    diary: list[str] = []
    for name in "ab":
        backlog.add(Labourer(name, 3, clock, 0.0001, diary))
    assert not backlog.drain()
    assert diary == list("ababab")


def test_stop_when_the_slot_s_budget_is_spent() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    labourer = Labourer("a", 10, clock, BUDGET_SECONDS / 3)
    backlog.add(labourer)
    assert backlog.drain()
    assert labourer.things == 7
    assert backlog.drain(), "the budget is the slot's, not the visit's"
    assert labourer.things == 7
    backlog.renew()
    assert backlog.drain()
    assert labourer.things == 4
    assert len(backlog) == 1


def test_ring_when_there_is_work() -> None:
    rung = []
    backlog = Backlog(Clock())
    backlog.rung = lambda: rung.append(len(backlog))
    backlog.add(Labourer("a", 1, Clock(), 0.0))
    assert rung == [1]


def test_do_one_thing_however_long_it_takes() -> None:
    clock = Clock()
    backlog = Backlog(clock)
    slow = Labourer("a", 2, clock, 1.0)
    backlog.add(slow)
    assert backlog.drain()
    backlog.renew()
    assert not backlog.drain()
