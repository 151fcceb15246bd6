"""Collects cyclic garbage where it disturbs nobody: in what is left of a slot."""

import gc
from collections.abc import Callable
from dataclasses import dataclass, field

EVERY_SLOTS = (100, 1_000, 30_000)
"""How often each generation is due, from the youngest, in half slots."""
SLACK_SECONDS = (0.004, 0.004, 0.007)
"""How much of a half slot must be left for it."""


def settle() -> None:
    """All that lives now stays; the collector runs by itself no more."""
    gc.collect()
    gc.freeze()
    gc.disable()


@dataclass(slots=True)
class Collector:
    """Chooses the generation, and keeps account of the pauses."""

    clock: Callable[[], float]
    collect: Callable[[int], int] = gc.collect
    pauses: int = 0
    longest_seconds: float = 0.0
    _slots: int = 0
    _due: set[int] = field(default_factory=set)

    def run(self, slack_seconds: float) -> None:
        """Once a half slot, with what is left of it."""
        self._slots += 1
        for generation, every in enumerate(EVERY_SLOTS):
            if self._slots % every == 0:
                self._due.add(generation)
        allowed = {g for g in self._due if slack_seconds >= SLACK_SECONDS[g]}
        if not allowed:
            return
        generation = max(allowed)
        self._due -= set(range(generation + 1))
        began = self.clock()
        self.collect(generation)
        self.pauses += 1
        self.longest_seconds = max(self.longest_seconds, self.clock() - began)
