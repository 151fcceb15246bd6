"""What a measure hands back, and how many numbers become one."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Any, Self

Progress = Callable[[str], None]
"""Hears what a measure is at, for who watches."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """All that one measure found."""

    values: Mapping[str, float]
    """Slug -> the row's number."""
    details: Sequence[str] = ()
    """Lines for who wants to know more than the rows."""
    raw: Mapping[str, Any] = field(default_factory=dict)
    """Every number that the rows were made from."""
    why_not: str = ""
    """Why a row that it should have is missing."""

    def render(self) -> dict[str, Any]:
        # Not asdict, which cannot copy a Counter.
        return {
            "values": self.values,
            "details": self.details,
            "raw": self.raw,
            "why_not": self.why_not,
        }

    @classmethod
    def parse(cls, value: Mapping[str, Any]) -> Self:
        return cls(**value)


Measure = Callable[[Progress], Measurement]


def percentile(numbers: Iterable[float], percent: float) -> float:
    """The smallest number that so many percent of all do not exceed."""
    ordered = sorted(numbers)
    place = ceil(percent / 100 * len(ordered))
    return ordered[max(0, place - 1)]


def summary(numbers: Sequence[float]) -> str:
    """Spread in a line."""
    parts = {
        "min": min(numbers),
        "p50": percentile(numbers, 50),
        "p99": percentile(numbers, 99),
        "max": max(numbers),
    }
    texts = (f"{name} {value:.4g}" for name, value in parts.items())
    return f"{', '.join(texts)} (n={len(numbers)})"


def median_of_runs(
    runs: Sequence[Sequence[float]], statistic: Callable[[Sequence[float]], float]
) -> float:
    """One slow run, for reasons outside of it, has no say."""
    return median(statistic(run) for run in runs)


class Refused(Exception):
    """Who was asked has no room now."""
