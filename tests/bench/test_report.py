"""Rows are complete, and each line says what it has to."""

import json
import os
import platform
from collections import Counter
from pathlib import Path

import pytest

from bench import machine, report
from bench.__main__ import measure_of, parse
from bench.cost import total_usd
from bench.goals import CONTROL_PLANE, GOALS, MEASURES, Bound, Goal
from bench.measurement import Measurement, median_of_runs, percentile
from infra import wiring

ROW = Goal("zip_size", "MB", 16, "zip_size")


def test_every_measure_is_a_module_with_rows() -> None:
    folder = Path(report.__file__).parent
    assert all((folder / f"{name}.py").is_file() for name in MEASURES)
    assert {goal.measure for goal in GOALS} - {""} == set(MEASURES)


def test_slugs_are_unique_and_every_function_has_one() -> None:
    slugs = [goal.slug for goal in GOALS]
    assert len(set(slugs)) == len(slugs)
    assert {f"lambda_import_{one.name}" for one in wiring.FUNCTIONS} <= set(slugs)


@pytest.mark.parametrize(
    ("value", "bound", "verdict"),
    [
        (16.0, Bound.AT_MOST, "REACHED"),
        (16.1, Bound.AT_MOST, "MISSED"),
        (16.0, Bound.AT_LEAST, "REACHED"),
        (15.9, Bound.AT_LEAST, "MISSED"),
        (None, Bound.AT_MOST, "NOT-RUN"),
    ],
)
def test_row_says_what_became_of_its_goal(
    value: float | None, bound: Bound, verdict: str
) -> None:
    row = report.Row(Goal("slug", "ms", 16, bound=bound), value)
    measured = "-" if value is None else f"{value:g}"
    assert str(row) == f"ROW slug {measured} ms goal {bound}16 {verdict}"


def test_rows_are_all_told_whatever_was_measured() -> None:
    rows = report.rows_of(
        {
            "zip_size": Measurement({"zip_size": 7.0}),
            "ring_lateness": Measurement({}, why_not="no ring ended"),
            "cost": None,
        }
    )
    assert [row.goal for row in rows] == list(GOALS)
    said = {row.goal.slug: (row.verdict, row.why_not) for row in rows}
    assert said["zip_size"] == ("REACHED", "")
    assert said["ring_lateness_p99"] == ("NOT-RUN", "no ring ended")
    assert said["cost_per_1000_calls"] == ("NOT-RUN", report.FAILED)
    assert said["events_lost"] == ("NOT-RUN", report.NOT_CHOSEN)


def test_report_ends_with_the_rows_and_is_kept_with_its_numbers(
    tmp_path: Path,
) -> None:
    found: dict[str, Measurement | None] = {
        "zip_size": Measurement({"zip_size": 7.0}, ["a detail"], {"zip": [1.23456]})
    }
    report.record(tmp_path, machine.describe(), found, "a note")
    lines = (tmp_path / "report.txt").read_text().splitlines()
    assert lines[-len(GOALS) :] == [str(row) for row in report.rows_of(found)]
    assert {"a note", "  a detail"} <= set(lines)
    kept = json.loads((tmp_path / "zip_size.json").read_text())
    assert kept["raw"] == {"zip": [1.235]}


def test_measurement_survives_the_way_between_processes() -> None:
    raw = {"runs": [1.0, 2.0], "counted": Counter(GetItem=2)}
    found = Measurement({"a": 1.0}, ["detail"], raw, "why not")
    assert Measurement.parse(json.loads(json.dumps(found.render()))) == found


def test_row_is_chosen_by_its_slug_or_its_measure() -> None:
    assert measure_of("ring_earliest") == "ring_lateness"
    assert measure_of("ring_lateness") == "ring_lateness"
    assert parse(["cost", "zip_size"]).measures == ("zip_size", "cost")
    assert parse([]).measures == MEASURES


@pytest.mark.parametrize("row", ["nothing", "clone_to_first_call", ""])
def test_row_that_cannot_be_measured_is_refused(row: str) -> None:
    with pytest.raises(SystemExit):
        parse([row])


def test_rows_of_the_control_plane_have_a_measure_or_a_reason() -> None:
    assert all(bool(goal.measure) != bool(goal.why_not) for goal in CONTROL_PLANE)


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (50, 50), (99, 99), (100, 100)]
)
def test_percentile_is_one_of_the_numbers(percent: float, expected: float) -> None:
    assert percentile(range(1, 101), percent) == expected


def test_median_of_runs_does_not_listen_to_the_slow_one() -> None:
    assert median_of_runs([[1], [2], [1000]], max) == 2


def test_pinned_thread_is_given_back_its_cores() -> None:
    before = os.sched_getaffinity(0)
    with machine.pinned(machine.GENERATOR_CORE):
        assert os.sched_getaffinity(0) == {machine.GENERATOR_CORE}
    assert os.sched_getaffinity(0) == before


def test_machine_without_a_named_processor_is_told_by_its_kind() -> None:
    assert machine._cpu("model name\t: A Processor\n") == "A Processor"
    assert machine._cpu("Hardware\t: A Board\n") == platform.machine()


def test_cost_is_read_from_the_last_line_of_its_report() -> None:
    assert total_usd("goal 0.12\nTOTAL_USD_PER_1000_CALLS=0.1156\n") == 0.1156
    assert total_usd("the replay failed") is None
