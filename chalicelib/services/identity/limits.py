"""How much a principal may change in a minute, across all processes.

The first requests of a window that a process sees are free, and cost nothing. Those
beyond draw tokens, which the process takes by blocks from a count that all share, until
the limit is used up. So a window lets through at most the limit, and the free ones of
each process; and who changes little is never counted anywhere.
"""

import logging
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Protocol

from chalicelib.protocol.claims import Principal
from chalicelib.services.ports import Clock, RepositoryError

log = logging.getLogger(__name__)

WINDOW_MS = 60_000
FREE = 20
BLOCK = 10
MOST_REMEMBERED = 10_000
"""Principals of a window that a process tells apart."""


class LimitReached(Exception):
    """The principal has changed as much as it may for now."""

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("too many requests: come back when Retry-After says")
        self.retry_after_seconds = retry_after_seconds


class WindowRepository(Protocol):
    """What each principal has taken of each window."""

    def take(self, tenant: str, uid: str, window: int, block: int, limit: int) -> int:
        """How much of ``block`` was granted, so that all that was is ``limit``.

        One conditional update. Raises `RepositoryError`.
        """


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a process still lets a principal do in a window."""

    free: int
    taken: int = 0
    """Of blocks that it took."""
    is_spent: bool = False
    """Whether there was nothing left to take."""

    def spend(self) -> "Allowance | None":
        """After one request; None if it takes another block."""
        if self.free:
            return replace(self, free=self.free - 1)
        if self.taken:
            return replace(self, taken=self.taken - 1)
        return None

    def grant(self, count: int) -> "Allowance":
        """After a block, or what was left of one, and the request that asked for it."""
        if not count:
            return replace(self, is_spent=True)
        return replace(self, taken=self.taken + count - 1)


class Ledger:
    """The allowances of one window at a time; bounded, and safe for threads.

    Who had to be forgotten for want of room has no free requests when it comes back,
    and neither has anybody new: so the bound costs requests, and lets none through.
    """

    def __init__(self, free: int = FREE, most: int = MOST_REMEMBERED) -> None:
        self._free = free
        self._most = most
        self._window = -1
        self._is_overfull = False
        self._allowances: OrderedDict[tuple[str, str], Allowance] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, who: tuple[str, str], window: int, limit: int) -> bool | None:
        """Whether a request may pass; None if that takes another block."""
        with self._lock:
            allowance = self._allowance(who, window, limit)
            after = allowance.spend()
            if after is None:
                return False if allowance.is_spent else None
            self._keep(who, after)
            return True

    def grant(self, who: tuple[str, str], window: int, limit: int, count: int) -> None:
        """So much of a block was granted, to one request that has passed by it."""
        with self._lock:
            if window == self._window:
                granted = self._allowance(who, window, limit).grant(count)
                self._keep(who, granted)

    def _allowance(self, who: tuple[str, str], window: int, limit: int) -> Allowance:
        if window > self._window:
            self._window, self._is_overfull = window, False
            self._allowances.clear()
        known = self._allowances.get(who)
        if known is not None:
            return known
        return Allowance(0 if self._is_overfull else min(self._free, limit))

    def _keep(self, who: tuple[str, str], allowance: Allowance) -> None:
        self._allowances[who] = allowance
        self._allowances.move_to_end(who)
        if len(self._allowances) > self._most:
            self._allowances.popitem(last=False)
            self._is_overfull = True


class LimitService:
    """Lets a principal change so much in a minute."""

    def __init__(
        self,
        repository: WindowRepository,
        clock: Clock,
        of_user: int,
        of_server: int,
        ledger: Ledger | None = None,
    ) -> None:
        """Limits are of a minute; 0 is none. Servers' is administrators' too."""
        self._repository = repository
        self._clock = clock
        self._of_user = of_user
        self._of_server = of_server
        self._ledger = ledger or Ledger()

    def spend(self, principal: Principal) -> None:
        """One request that changes something. Raises `LimitReached`.

        If what is shared cannot be reached, the request passes.
        """
        limit = self._of_server if principal.is_privileged else self._of_user
        if not limit:
            return
        now_ms = self._clock.now_ms()
        window = now_ms // WINDOW_MS
        who = (principal.tenant, principal.uid)
        may_pass = self._ledger.spend(who, window, limit)
        if may_pass is None:
            may_pass = self._take(who, window, limit)
        if not may_pass:
            left_ms = (window + 1) * WINDOW_MS - now_ms
            raise LimitReached(-(-left_ms // 1000))

    def _take(self, who: tuple[str, str], window: int, limit: int) -> bool:
        try:
            granted = self._repository.take(*who, window, BLOCK, limit)
        except RepositoryError as error:
            log.warning("a limit is not kept", extra={"reason": type(error).__name__})
            # A whole block, so that not every request waits for what does not answer.
            granted = BLOCK
        self._ledger.grant(who, window, limit, granted)
        return granted > 0
