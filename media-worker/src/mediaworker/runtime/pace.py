"""When slots begin, and which are given up."""

from dataclasses import dataclass

SLOT_SECONDS = 0.020
TOO_LATE_SECONDS = 0.040
"""A slot that comes later than this is skipped, never made up for in a burst."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One turn of the tick."""

    number: int
    begins_at: float
    skipped: int = 0
    """How many slots before it were given up."""

    @property
    def ends_at(self) -> float:
        return self.begins_at + SLOT_SECONDS


@dataclass(frozen=True, slots=True)
class Pace:
    """Slots of 20 ms from an instant on, whatever happens between them."""

    origin: float

    def first(self) -> Slot:
        return Slot(0, self.origin)

    def after(self, slot: Slot, now: float) -> Slot:
        """The slot that follows, or the first that is not too late by now."""
        number = slot.number + 1
        if now - self._begins_at(number) > TOO_LATE_SECONDS:
            number = int((now - self.origin) / SLOT_SECONDS)
        return Slot(number, self._begins_at(number), number - slot.number - 1)

    def _begins_at(self, number: int) -> float:
        return self.origin + number * SLOT_SECONDS
