"""Whether one more session can be carried."""

from mediaworker.runtime.admission import WORST_TICK_SECONDS, Ticks


def test_remember_the_worst_tick_of_ten_seconds() -> None:
    ticks = Ticks()
    assert ticks.worst(0.0) == 0.0
    ticks.add(100.1, 0.004)
    ticks.add(100.2, 0.020)
    ticks.add(100.3, 0.001)
    assert ticks.worst(100.4) == 0.020
    assert ticks.is_overloaded(109.9)
    ticks.add(105.0, WORST_TICK_SECONDS)
    assert ticks.worst(110.0) == WORST_TICK_SECONDS
    assert not ticks.is_overloaded(110.0)
    assert ticks.worst(115.0) == 0.0
    ticks.add(116.0, 1.0)
    ticks.forget()
    assert ticks.worst(116.0) == 0.0
