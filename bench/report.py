"""Rows as lines, and a whole run as a record."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.goals import GOALS, Goal
from bench.machine import Machine
from bench.measurement import Measurement

REACHED, MISSED, NOT_RUN = "REACHED", "MISSED", "NOT-RUN"
NOT_CHOSEN = "not chosen"
FAILED = "its measure failed"


@dataclass(frozen=True, slots=True)
class Row:
    """A goal, and how far it was come to."""

    goal: Goal
    value: float | None
    why_not: str = ""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return NOT_RUN
        return REACHED if self.goal.is_reached(self.value) else MISSED

    def __str__(self) -> str:
        value = "-" if self.value is None else f"{_rounded(self.value):g}"
        goal = self.goal
        return f"ROW {goal.slug} {value} {goal.unit} goal {goal} {self.verdict}"

    def render(self) -> dict[str, Any]:
        return {
            "slug": self.goal.slug,
            "measured": self.value,
            "unit": self.goal.unit,
            "goal": str(self.goal),
            "verdict": self.verdict,
            "why_not": self.why_not,
        }


def rows_of(measurements: Mapping[str, Measurement | None]) -> list[Row]:
    """Every row there is; None stands for a measure that failed."""
    return [_row(goal, measurements) for goal in GOALS]


def text_of(
    machine: Machine, measurements: Mapping[str, Measurement | None], note: str = ""
) -> str:
    """For people; its last lines are the rows."""
    return "\n".join(_lines(machine, measurements, note)) + "\n"


def record(
    folder: Path,
    machine: Machine,
    measurements: Mapping[str, Measurement | None],
    note: str,
) -> None:
    """Keep the text, the rows, and every number behind them."""
    folder.mkdir(parents=True, exist_ok=True)
    text = text_of(machine, measurements, note)
    (folder / "report.txt").write_text(text, encoding="utf-8")
    summary = {
        "note": note,
        "machine": machine.render(),
        "rows": [row.render() for row in rows_of(measurements)],
    }
    _write(folder / "report.json", summary, indent=1)
    for name, found in measurements.items():
        if found is not None:
            _write(folder / f"{name}.json", _shortened(found.render()))


def _row(goal: Goal, measurements: Mapping[str, Measurement | None]) -> Row:
    if not goal.measure:
        return Row(goal, None, goal.why_not)
    if goal.measure not in measurements:
        return Row(goal, None, NOT_CHOSEN)
    found = measurements[goal.measure]
    if found is None:
        return Row(goal, None, FAILED)
    return Row(goal, found.values.get(goal.slug), found.why_not)


def _lines(
    machine: Machine, measurements: Mapping[str, Measurement | None], note: str
) -> Iterator[str]:
    load = ", ".join(f"{value:.2f}" for value in machine.load_average)
    yield f"{machine.cpu}, {machine.cores} cores, {machine.memory_gb:g} GB"
    yield f"{machine.system}, Python {machine.python}, load before {load}"
    yield ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    if note:
        yield note
    for name, found in measurements.items():
        yield ""
        yield name
        if found is None:
            yield f"  {FAILED}"
        else:
            yield from (f"  {line}" for line in found.details)
    rows = rows_of(measurements)
    yield ""
    yield from _reasons(rows)
    yield ""
    yield from map(str, rows)


def _reasons(rows: Iterable[Row]) -> Iterator[str]:
    """Why rows were not measured, each reason once."""
    slugs: dict[str, list[str]] = {}
    for row in rows:
        if row.value is None:
            slugs.setdefault(row.why_not, []).append(row.goal.slug)
    for why_not, those in slugs.items():
        yield f"NOT-RUN, {why_not}: {' '.join(those)}"


def _rounded(value: float) -> float:
    """To what a measurement can tell."""
    return round(value, 4) if abs(value) < 10 else round(value, 1)


def _shortened(value: Any) -> Any:
    """Milliseconds to the microsecond: the rest is noise, and fills pages."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: _shortened(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_shortened(one) for one in value]
    return value


def _write(path: Path, value: Any, indent: int | None = None) -> None:
    path.write_text(json.dumps(value, indent=indent) + "\n", encoding="utf-8")
