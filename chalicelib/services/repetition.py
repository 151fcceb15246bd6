"""Requests that come again: the first is carried out, the others get its answer.

Commands on calls need none of this, for each stores its own record with what it does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

RUNNING_MS = 30_000
"""How long an answer is waited for; after that who asked for it is taken for dead. No
request takes so long."""
KEPT_MS = 24 * 3600 * 1000
"""How long an answer is kept."""


class StillRunning(Exception):
    """The first request of this key has not been answered yet."""

    retry_after_seconds = 1


@dataclass(frozen=True, slots=True)
class Reply:
    """What a request was answered."""

    status: int
    body: str = field(repr=False)
    """As it was sent, for it may hold what is shown once."""
    is_final: bool = True
    """Whether it is the answer for good; one that says to come back is not."""
    is_repeated: bool = False
    """Whether it is the answer of an earlier request."""
    retry_after_seconds: int | None = None
    """When to come back, if it says so; never of one that is final."""


class Repetitions(Protocol):
    """The answers of requests that can be repeated."""

    def once(self, key: str, fingerprint: str, act: Callable[[], Reply]) -> Reply:
        """What ``act`` answers; or, with ``is_repeated``, what it answered before.

        ``key`` is the sender's own, in its own scope, and ``fingerprint`` a hash of the
        request. An answer that is not final is forgotten, and so is one that was an
        exception. Raises `CommandReused` if the key came with another request,
        `StillRunning`, or `Unavailable`, before anything is done.
        """
