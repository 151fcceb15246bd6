"""When slots begin, and which are given up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.runtime.pace import SLOT_SECONDS, TOO_LATE_SECONDS, Pace


def test_follow_without_drift() -> None:
    pace = Pace(100.0)
    slot = pace.first()
    for _ in range(50):
        slot = pace.after(slot, slot.begins_at + 0.005)
    assert (slot.number, slot.skipped) == (50, 0)
    assert slot.begins_at == pytest.approx(101.0)
    assert slot.ends_at == pytest.approx(101.02)


def test_make_up_for_a_slot_that_is_a_little_late() -> None:
    pace = Pace(0.0)
    slot = pace.after(pace.first(), 0.055)
    assert (slot.number, slot.skipped) == (1, 0)


def test_give_up_slots_that_are_too_late() -> None:
    pace = Pace(0.0)
    slot = pace.after(pace.first(), 0.105)
    assert (slot.number, slot.skipped) == (5, 4)
    assert slot.begins_at == pytest.approx(0.1)


@given(st.lists(st.floats(0, 1), max_size=40))
def test_never_burst_and_never_lose_count(busy: list[float]) -> None:
    pace, now = Pace(10.0), 10.0
    slot, skipped = pace.first(), 0
    for turn, seconds in enumerate(busy):
        now = max(now, slot.begins_at) + seconds
        following = pace.after(slot, now)
        assert following.number > slot.number
        assert now - following.begins_at <= TOO_LATE_SECONDS + SLOT_SECONDS
        skipped += following.skipped
        assert following.number == turn + 1 + skipped
        slot = following
