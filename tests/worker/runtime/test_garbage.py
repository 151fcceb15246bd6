"""When garbage is collected."""

from mediaworker.runtime.garbage import EVERY_SLOTS, SLACK_SECONDS, Collector


class World:
    """A collector's clock and garbage."""

    def __init__(self) -> None:
        self.now = 0.0
        self.generations: list[int] = []

    def clock(self) -> float:
        return self.now

    def collect(self, generation: int) -> int:
        self.generations.append(generation)
        self.now += 0.001 * (generation + 1)
        return 0


def test_collect_the_young_often_and_the_old_seldom() -> None:
    world = World()
    collector = Collector(world.clock, world.collect)
    for _ in range(EVERY_SLOTS[1]):
        collector.run(0.009)
    assert world.generations == [0] * 9 + [1]
    assert collector.pauses == 10
    assert collector.longest_seconds > 0.0019


def test_wait_for_a_slot_with_time_left() -> None:
    world = World()
    collector = Collector(world.clock, world.collect)
    for _ in range(EVERY_SLOTS[0] + 5):
        collector.run(SLACK_SECONDS[0] / 2)
    assert world.generations == []
    collector.run(SLACK_SECONDS[0])
    assert world.generations == [0]


def test_collect_the_old_only_where_there_is_much_time() -> None:
    world = World()
    collector = Collector(world.clock, world.collect)
    for _ in range(EVERY_SLOTS[2]):
        collector.run(0.005)
    assert 2 not in world.generations
    collector.run(0.008)
    assert world.generations[-1] == 2
    collector.run(0.008)
    assert world.generations[-1] == 2, "it took the younger with it"
