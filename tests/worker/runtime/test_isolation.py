"""A batch in which one member fails."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from mediaworker.runtime.isolation import by_halves


@given(st.integers(0, 40), st.sets(st.integers(0, 39)))
def test_fail_nobody_but_who_fails(count: int, poisoned: set[int]) -> None:
    done: list[int] = []
    failed: list[int] = []

    def step(members: Sequence[int]) -> list[int]:
        if poisoned & set(members):
            raise ValueError("poisoned")
        done.extend(members)
        return list(members)

    results = by_halves(range(count), step, lambda member, error: failed.append(member))
    healthy = [member for member in range(count) if member not in poisoned]
    assert [member for result in results for member in result] == healthy
    assert done == healthy
    assert failed == sorted(poisoned & set(range(count)))


def test_take_one_step_where_nobody_fails() -> None:
    assert by_halves(range(9), len, lambda member, error: None) == [9]
