"""How an endpoint's health changes with what it answers.

Closed: posts go through. After `OPENS_AFTER` failures in a row, of whatever calls, it
opens: nobody posts for a while. When that has passed one goes to probe; what it is
answered closes the breaker, or opens it for twice as long.
"""

from dataclasses import replace

from chalicelib.domain.endpoints import Disabled, Health

OPENS_AFTER = 5
OPEN_MS = 30_000
MOST_OPEN_MS = 300_000
SLOW_MS = 2_000
"""An attempt that takes longer makes the endpoint a slow one."""
SLOW_FOR_MS = 300_000
FAILING_MS = 5 * 24 * 3600 * 1000
"""After so long without anything but failure it is told nothing more."""


def is_open(health: Health, now_ms: int) -> bool:
    """Nobody posts but who probes."""
    return health.failures >= OPENS_AFTER and now_ms < health.open_until_ms


def may_be_probed(health: Health, now_ms: int) -> bool:
    """It was open for long enough; who has kept `probing` is the one that goes."""
    return health.failures >= OPENS_AFTER and now_ms >= health.open_until_ms


def is_counted(health: Health, now_ms: int) -> bool:
    """It may have few posts at a time."""
    return health.failures > 0 or now_ms < health.slow_until_ms


def has_answered_since(health: Health, at_ms: int) -> bool:
    """Whether it has taken anything after one failed at that time."""
    return health.failing_since_ms == 0 or health.failing_since_ms > at_ms


def probing(health: Health, now_ms: int, probe_ms: int) -> Health:
    """Open for the others until the probe must be over."""
    return replace(health, open_until_ms=now_ms + probe_ms)


def failed(
    health: Health,
    now_ms: int,
    *,
    is_probe: bool = False,
    asks_for_time: bool = False,
    most_open_ms: int = MOST_OPEN_MS,
) -> Health:
    """``asks_for_time`` is of one that says when to come back: it is not dead.

    While it is open only the probe's failure says anything new.
    """
    if health.disabled or (is_open(health, now_ms) and not is_probe):
        return health
    failures = health.failures + 1
    since_ms = health.failing_since_ms or now_ms
    after = replace(health, failures=failures, failing_since_ms=since_ms)
    if failures < OPENS_AFTER:
        return after
    doublings = min(failures - OPENS_AFTER, 10)
    after = replace(
        after, open_until_ms=now_ms + min(OPEN_MS << doublings, most_open_ms)
    )
    if now_ms - since_ms >= FAILING_MS and not asks_for_time:
        return _disabled(after, Disabled.FAILING, now_ms)
    return after


def succeeded(health: Health) -> Health:
    """The same one when it was doing well already."""
    return replace(health, failures=0, failing_since_ms=0, open_until_ms=0)


def slow(health: Health, now_ms: int) -> Health:
    """The same one when it was found slow a short while ago."""
    if health.slow_until_ms - now_ms > SLOW_FOR_MS // 2:
        return health
    return replace(health, slow_until_ms=now_ms + SLOW_FOR_MS)


def gone(health: Health, now_ms: int) -> Health:
    """It has answered 410."""
    if health.disabled:
        return health
    return _disabled(health, Disabled.GONE, now_ms)


def _disabled(health: Health, why: Disabled, now_ms: int) -> Health:
    return replace(health, disabled=why, disabled_at_ms=now_ms)
