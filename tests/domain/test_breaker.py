"""Whatever an endpoint answers, its breaker opens, is probed and closes again."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import breaker
from chalicelib.domain.endpoints import Disabled, Health
from tests.builders import NOW_MS

DAY_MS = 24 * 3600 * 1000


def fail(health: Health, times: int, at_ms: int = NOW_MS) -> Health:
    for _ in range(times):
        health = breaker.failed(health, at_ms, is_probe=True)
    return health


def test_breaker_opens_after_five_failures_in_a_row() -> None:
    assert not breaker.is_open(fail(Health(), 4), NOW_MS)
    health = fail(Health(), 5)
    assert breaker.is_open(health, NOW_MS + 29_999)
    assert not breaker.may_be_probed(health, NOW_MS + 29_999)
    assert breaker.may_be_probed(health, NOW_MS + 30_000)


def test_success_between_failures_keeps_it_closed() -> None:
    health = fail(breaker.succeeded(fail(Health(), 4)), 4)
    assert not breaker.is_open(health, NOW_MS)


def test_breaker_opens_for_twice_as_long_each_time_but_not_for_ever() -> None:
    waits = [fail(Health(), times).open_until_ms - NOW_MS for times in range(5, 11)]
    assert waits == [30_000, 60_000, 120_000, 240_000, 300_000, 300_000]
    assert fail(Health(), 10_000).open_until_ms == NOW_MS + 300_000


def test_failures_of_those_who_were_under_way_open_it_no_further() -> None:
    health = fail(Health(), 5)
    assert breaker.failed(health, NOW_MS + 1) is health


def test_probe_keeps_others_out_until_it_must_be_over() -> None:
    health = breaker.probing(fail(Health(), 5), NOW_MS + 30_000, 15_000)
    assert breaker.is_open(health, NOW_MS + 44_999)
    assert breaker.may_be_probed(health, NOW_MS + 45_000)


def test_success_closes_it() -> None:
    health = replace(fail(Health(), 7), slow_until_ms=NOW_MS + 1, version=7)
    assert breaker.succeeded(health) == Health(slow_until_ms=NOW_MS + 1, version=7)


def test_days_of_nothing_but_failure_disable() -> None:
    health = fail(Health(), 9)
    young = breaker.failed(health, NOW_MS + 5 * DAY_MS - 1, is_probe=True)
    assert young.disabled is None
    old = breaker.failed(health, NOW_MS + 5 * DAY_MS, is_probe=True)
    assert old.disabled is Disabled.FAILING
    assert old.disabled_at_ms == NOW_MS + 5 * DAY_MS
    assert breaker.failed(old, NOW_MS + 6 * DAY_MS, is_probe=True) is old
    assert breaker.gone(old, NOW_MS + 6 * DAY_MS) is old


def test_few_failures_far_apart_do_not_disable() -> None:
    health = breaker.failed(fail(Health(), 1), NOW_MS + 9 * DAY_MS)
    assert health.disabled is None


def test_one_that_asks_for_time_is_not_disabled() -> None:
    health = fail(Health(), 9)
    late_ms = NOW_MS + 9 * DAY_MS
    after = breaker.failed(health, late_ms, is_probe=True, asks_for_time=True)
    assert after.disabled is None and breaker.is_open(after, late_ms)


def test_slow_one_is_counted_for_a_while_and_written_down_seldom() -> None:
    assert not breaker.is_counted(Health(), NOW_MS)
    slow = breaker.slow(Health(), NOW_MS)
    assert breaker.is_counted(slow, NOW_MS + breaker.SLOW_FOR_MS - 1)
    assert not breaker.is_counted(slow, NOW_MS + breaker.SLOW_FOR_MS)
    assert breaker.slow(slow, NOW_MS + 1000) is slow
    later_ms = NOW_MS + breaker.SLOW_FOR_MS // 2
    assert breaker.slow(slow, later_ms).slow_until_ms > slow.slow_until_ms


def test_answer_since_is_one_after_which_nothing_failed_or_something_else_did() -> None:
    failing = fail(Health(), 3)
    assert breaker.has_answered_since(Health(), NOW_MS)
    assert not breaker.has_answered_since(failing, NOW_MS)
    assert breaker.has_answered_since(failing, NOW_MS - 1)


def step(health: Health, what: str, now_ms: int) -> Health:
    return {
        "fail": lambda: breaker.failed(health, now_ms),
        "probe": lambda: breaker.failed(health, now_ms, is_probe=True),
        "polite": lambda: breaker.failed(health, now_ms, asks_for_time=True),
        "take": lambda: breaker.succeeded(health),
        "slow": lambda: breaker.slow(health, now_ms),
        "gone": lambda: breaker.gone(health, now_ms),
    }[what]()


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, DAY_MS),
            st.sampled_from(["fail", "probe", "polite", "take", "slow", "gone"]),
        ),
        max_size=60,
    )
)
def test_health_is_always_one_that_makes_sense(steps: list[tuple[int, str]]) -> None:
    health, now_ms = Health(), NOW_MS
    for passed_ms, what in steps:
        before, now_ms = health, now_ms + passed_ms
        health = step(before, what, now_ms)
        assert (health.failures == 0) == (health.failing_since_ms == 0)
        assert health.failing_since_ms <= now_ms
        assert health.open_until_ms <= now_ms + breaker.MOST_OPEN_MS
        assert not (
            breaker.is_open(health, now_ms) and breaker.may_be_probed(health, now_ms)
        )
        assert before.disabled is None or health.disabled is before.disabled
        if health.disabled is Disabled.FAILING and before.disabled is None:
            assert now_ms - health.failing_since_ms >= breaker.FAILING_MS
