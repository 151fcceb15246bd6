"""Whether one more session can be carried."""

from mediaworker.runtime.admission import LATE_SECONDS, MOST_LATE, Ticks

LATE = LATE_SECONDS * 1.1


def test_close_the_door_after_some_late_steps_in_ten_seconds() -> None:
    ticks = Ticks()
    assert not ticks.is_overloaded(0.0)
    for number in range(MOST_LATE - 1):
        ticks.add(100.0 + number, LATE)
        ticks.add(100.5 + number, LATE_SECONDS)
    assert not ticks.is_overloaded(104.0)
    ticks.add(104.0, LATE)
    assert ticks.is_overloaded(104.0)
    assert ticks.is_overloaded(109.9)
    assert not ticks.is_overloaded(110.0)
    ticks.add(110.0, LATE)
    assert ticks.is_overloaded(110.0), "the five of the last ten seconds"


def test_forget_what_was_before() -> None:
    ticks = Ticks()
    for _ in range(MOST_LATE):
        ticks.add(100.0, LATE)
    ticks.forget()
    assert not ticks.is_overloaded(100.0)
