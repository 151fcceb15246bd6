"""An attempt reads back as it was logged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.services.webhooks.lanes import Attempt

counts = st.integers(0, 2**53)


@given(
    attempt=st.builds(
        Attempt,
        webhook_id=st.text(),
        type=st.text(),
        seq=counts,
        number=counts,
        at_ms=counts,
        duration_ms=counts,
        status=st.none() | st.integers(100, 599),
        error=st.text(),
    )
)
def test_attempt_goes_both_ways(attempt: Attempt) -> None:
    assert Attempt.parse(attempt.render()) == attempt


def test_attempt_that_was_taken_is_short() -> None:
    attempt = Attempt(
        "1234567890123456789-7", "room.finished", 7, 1, 17 * 10**11, 9, 200
    )
    assert attempt.is_taken
    assert len(attempt.render()) < 80


@pytest.mark.parametrize("text", ["{}", "[1]", "null", "[9,1,2,3,4,5,6,7]", "nonsense"])
def test_attempt_of_another_release_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Attempt.parse(text)


@pytest.mark.parametrize("status", [None, 199, 300, 410, 500])
def test_attempt_that_was_not_answered_well_is_not_taken(status: int | None) -> None:
    assert not Attempt("w", "t", 1, 1, 1, 1, status).is_taken
