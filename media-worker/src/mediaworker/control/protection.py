"""When ECS is asked to spare the worker's task, so that scaling in ends no call.

Told of time and of answers; says what is to be asked for, and never waits.

A task is protected from its start on, and dropped only when it has had no session for
`IDLE_SECONDS`, or when it drains and has none left. So a worker that is in use is never
unprotected between two calls, and the only one that can be chosen in the moment before
its protection stands is one that had been idle for long: it is then told to stop, takes
nothing more, and its new call has the time of a drain to end.
"""

from dataclasses import dataclass

EXPIRES_MINUTES = 60
"""ECS drops it then by itself, should the worker hang."""
RENEW_SECONDS = 20 * 60.0
IDLE_SECONDS = 120.0
FIRST_RETRY_SECONDS = 1.0
LONGEST_RETRY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What ECS is to be asked for."""

    is_protected: bool

    def render(self) -> dict[str, object]:
        """The body of ``PUT /task-protection/v1/state``."""
        if not self.is_protected:
            return {"ProtectionEnabled": False}
        return {"ProtectionEnabled": True, "ExpiresInMinutes": EXPIRES_MINUTES}


@dataclass(slots=True)
class Protection:
    """Of one task. Ask `wish` often; tell what came of it by `granted` or `failed`."""

    used_at: float
    """When there was a session last; at first, the worker's start."""
    _stands: bool | None = None
    """What ECS has said last; None while it is not known."""
    _asked_at: float = 0.0
    """When what stands was granted."""
    _failures: int = 0
    _not_before: float = 0.0

    def wish(self, sessions: int, is_draining: bool, now: float) -> Wish | None:
        """None when nothing is to be asked now."""
        if sessions:
            self.used_at = now
        wanted = self._is_wanted(sessions, is_draining, now)
        is_due = wanted and now - self._asked_at >= RENEW_SECONDS
        if now < self._not_before or (wanted is self._stands and not is_due):
            return None
        return Wish(wanted)

    def granted(self, wish: Wish, now: float) -> None:
        self._stands, self._asked_at = wish.is_protected, now
        self._failures, self._not_before = 0, 0.0

    def failed(self, now: float, share: float) -> None:
        """Whether it stands is not known; ``share`` is drawn, from 0 to 1."""
        wait = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._not_before = now + wait * (0.5 + share / 2)
        self._stands = None

    def _is_wanted(self, sessions: int, is_draining: bool, now: float) -> bool:
        if sessions:
            return True
        return not is_draining and now - self.used_at < IDLE_SECONDS
