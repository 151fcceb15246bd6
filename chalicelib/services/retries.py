"""The same again, while storage does not answer or another was first."""

from collections.abc import Callable
from typing import TypeVar

from chalicelib.services import ports
from chalicelib.services.ports import Clock, Draws

_T = TypeVar("_T")

RETRY_BUDGET_MS = 2_000
CONFLICT_BUDGET_MS = 5_000
"""A lost race means that another command won it: there is progress, so wait longer."""
RETRY_BASE_MS = 10
RETRY_CAP_MS = 1_000


class Unavailable(Exception):
    """Storage did not answer within the retry budget."""


class Retries:
    """Waits between attempts, full jitter, until the budget is spent."""

    def __init__(self, clock: Clock, draws: Draws) -> None:
        self._clock = clock
        self._draws = draws
        self._began_ms = clock.now_ms()
        self._count = 0

    def repeat(self, attempt: Callable[[], _T]) -> _T:
        """Of a read, or of what can be repeated as freely as one."""
        while True:
            try:
                return attempt()
            except ports.RepositoryError as failed:
                self.wait(failed)

    def wait(self, cause: ports.RepositoryError) -> None:
        """Raises `Unavailable` when it has gone on for too long."""
        is_race = isinstance(cause, ports.Conflict)
        budget_ms = CONFLICT_BUDGET_MS if is_race else RETRY_BUDGET_MS
        if self._clock.now_ms() - self._began_ms >= budget_ms:
            raise Unavailable(type(cause).__name__) from cause
        ceiling = min(RETRY_CAP_MS, RETRY_BASE_MS * 2**self._count)
        self._count += 1
        self._clock.sleep_ms(self._draws.uniform(0, ceiling))
