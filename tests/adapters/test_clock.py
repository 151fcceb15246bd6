"""What is drawn is of the size that the contracts allow."""

from chalicelib.adapters.clock import SystemClock, SystemDraws
from tests.builders import NOW_MS


def test_clock_runs_and_sleeps() -> None:
    clock = SystemClock()
    before = clock.now_ms()
    clock.sleep_ms(1)
    assert clock.now_ms() > before > NOW_MS


def test_draws_fit_their_fields() -> None:
    draws = SystemDraws()
    early, late = draws.trace_id(NOW_MS), draws.trace_id(NOW_MS + 1)
    assert 0 < early < late < 2**63
    assert all(1 <= draws.room_number() < 2**31 for _ in range(100))
    assert len(draws.call_id()) == len(draws.token()) == 32
    assert draws.call_id() != draws.call_id()
    assert 1 <= draws.uniform(1, 2) <= 2
