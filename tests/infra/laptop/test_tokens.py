"""ClientRequestToken."""

import pytest

from infra.laptop.tokens import REMEMBERED_SECONDS, ClientRequestTokens, TokenMismatch


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_recognise_a_repeat_for_ten_minutes() -> None:
    clock = Clock()
    tokens = ClientRequestTokens(clock)
    assert not tokens.is_repeat("t", [1])
    tokens.committed("t", [1])
    clock.now += REMEMBERED_SECONDS
    assert tokens.is_repeat("t", [1])
    clock.now += 1
    assert not tokens.is_repeat("t", [1])
    assert not tokens.is_repeat("t", [2])


def test_refuse_a_token_with_other_items() -> None:
    tokens = ClientRequestTokens(Clock())
    tokens.committed("t", [{"Put": {"Item": {"a": {"B": b"1"}}}}])
    with pytest.raises(TokenMismatch):
        tokens.is_repeat("t", [{"Put": {"Item": {"a": {"B": b"2"}}}}])
    assert not tokens.is_repeat("other", [])
