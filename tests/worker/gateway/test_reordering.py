"""Numbered messages are told in their order, whatever order they came in."""

import random

from hypothesis import given
from hypothesis import strategies as st

from mediaworker.gateway.reordering import (
    GAP_SECONDS,
    MOST_AHEAD,
    Item,
    Missing,
    Reordering,
    TooFar,
)


def test_tell_at_once_what_comes_in_order() -> None:
    row = Reordering()
    assert row.push(1, "a", 0.0) == ("a",)
    assert row.push(2, "b", 0.0) == ("b",)
    assert row.deadline() is None
    assert row.expire(10.0) == ()


def test_keep_what_came_early_until_the_rest_is_there() -> None:
    row = Reordering()
    assert row.push(3, "c", 0.0) == ()
    assert row.push(2, "b", 0.1) == ()
    assert row.deadline() == GAP_SECONDS
    assert row.push(1, "a", 0.4) == ("a", "b", "c")
    assert row.deadline() is None


def test_drop_what_came_before() -> None:
    row = Reordering()
    assert row.push(2, "b", 0.0) == ()
    assert row.push(2, "again", 0.1) == ()
    assert row.push(1, "a", 0.2) == ("a", "b")
    assert row.push(1, "again", 0.3) == ()
    assert row.push(2, "again", 0.3) == ()


def test_give_up_a_gap_and_go_on() -> None:
    row = Reordering()
    assert row.push(4, "d", 0.0) == ()
    assert row.push(5, "e", 0.1) == ()
    assert row.push(8, "h", 0.2) == ()
    assert row.expire(0.4) == ()
    assert row.expire(0.5) == (Missing(1, 3), "d", "e")
    assert row.push(2, "late", 0.6) == ()
    assert row.deadline() == 0.2 + GAP_SECONDS
    assert row.expire(0.8) == (Missing(6, 7), "h")
    assert row.push(9, "i", 0.9) == ("i",)


def test_not_keep_what_is_too_far_ahead() -> None:
    row = Reordering()
    assert row.push(MOST_AHEAD + 2, "far", 0.0) == (TooFar(MOST_AHEAD + 2),)
    assert row.push(MOST_AHEAD + 1, "near", 0.0) == ()
    assert row.push(1, "a", 0.0) == ("a",)


@given(
    st.lists(st.integers(1, 40), max_size=80),
    st.integers(0, 10_000),
    st.floats(0.0, 0.3),
)
def test_tell_each_once_and_in_order(sent: list[int], seed: int, pace: float) -> None:
    order, row, told, now = list(sent), Reordering(), list[Item](), 0.0
    random.Random(seed).shuffle(order)
    for cseq in order:
        now += pace
        told += row.expire(now)
        told += row.push(cseq, str(cseq), now)
    told += row.expire(now + GAP_SECONDS)
    assert row.deadline() is None
    numbers: list[int] = []
    for item in told:
        if isinstance(item, Missing):
            numbers += range(item.first, item.last + 1)
        elif isinstance(item, str):
            numbers.append(int(item))
    assert numbers == list(range(1, len(numbers) + 1))
