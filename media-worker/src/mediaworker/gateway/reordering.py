"""Numbered messages that came side by side, put in a row again. No clock, no socket."""

from dataclasses import dataclass, field

GAP_SECONDS = 0.5
"""How long a message waits for those before it."""
MOST_AHEAD = 64
"""How far a number may be ahead of the one that is awaited."""


@dataclass(frozen=True, slots=True)
class Missing:
    """These numbers will not be waited for."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class TooFar:
    """A number so far ahead that its message is not kept."""

    cseq: int


Item = str | Missing | TooFar


@dataclass(slots=True)
class Reordering:
    """Of one connection, whose numbers begin with 1."""

    _next: int = 1
    _waiting: dict[int, tuple[str, float]] = field(default_factory=dict)
    """By number: the text, and until when it waits."""

    def push(self, cseq: int, text: str, now: float) -> tuple[Item, ...]:
        """What can be told now; what has been told before is nothing."""
        if cseq - self._next > MOST_AHEAD:
            return (TooFar(cseq),)
        if cseq >= self._next:
            self._waiting.setdefault(cseq, (text, now + GAP_SECONDS))
        return tuple(self._row())

    def deadline(self) -> float | None:
        """When to `expire`; None while nothing waits."""
        return min((until for _, until in self._waiting.values()), default=None)

    def expire(self, now: float) -> tuple[Item, ...]:
        """Give up the numbers that a message has waited for long enough."""
        items: list[Item] = []
        while (deadline := self.deadline()) is not None and deadline <= now:
            first = min(self._waiting)
            items.append(Missing(self._next, first - 1))
            self._next = first
            items += self._row()
        return tuple(items)

    def _row(self) -> list[str]:
        row = []
        while self._next in self._waiting:
            row.append(self._waiting.pop(self._next)[0])
            self._next += 1
        return row
