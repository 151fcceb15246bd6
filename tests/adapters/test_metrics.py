"""Metrics as lines of a log, in CloudWatch's embedded format."""

import json

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.metrics import NAMESPACE, EmfMeter, Unmeasured, unit_of
from chalicelib.bootstrap import meters
from chalicelib.services.measures import Measure, Meter

LONGEST_LINE = 230
"""Of one measure; each byte is paid for."""


def test_print_one_line_that_cloudwatch_reads(
    capsys: pytest.CaptureFixture[str],
) -> None:
    EmfMeter().tell({Measure.LEASE_AGE: 4_000, Measure.LOAD: 60.5, Measure.WORKERS: 3})
    (line,) = capsys.readouterr().out.splitlines()
    told = json.loads(line)
    (directive,) = told["_aws"]["CloudWatchMetrics"]
    assert told["_aws"]["Timestamp"] > 1_700_000_000_000
    assert directive["Namespace"] == NAMESPACE == "Parley"
    assert directive["Dimensions"] == [["service"]]
    assert told["service"] == "parley"
    assert {one["Name"]: one["Unit"] for one in directive["Metrics"]} == {
        "LeaseAge": "Milliseconds",
        "Load": "Percent",
        "Workers": "Count",
    }
    assert told["LeaseAge"] == [4_000]
    assert told["Load"] == [60.5]


@pytest.mark.parametrize("measure", Measure)
def test_print_a_short_line(
    measure: Measure, capsys: pytest.CaptureFixture[str]
) -> None:
    EmfMeter().tell({measure: 123_456})
    assert len(capsys.readouterr().out) <= LONGEST_LINE
    assert unit_of(measure).value in {"Milliseconds", "Percent", "Count"}


def test_keep_what_one_meter_is_told_from_the_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for measure in (Measure.WORKERS, Measure.SESSIONS):
        EmfMeter().tell({measure: 1})
    first, second = capsys.readouterr().out.splitlines()
    assert "Sessions" not in first
    assert "Workers" not in second


def test_never_raise(caplog: pytest.LogCaptureFixture) -> None:
    EmfMeter().tell({})
    assert "not measured" in caplog.text


@pytest.mark.parametrize(
    ("value", "kind"), [("emf", EmfMeter), ("", Unmeasured), ("statsd", Unmeasured)]
)
def test_measure_where_the_environment_asks_for_it(
    value: str, kind: type[Meter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_METRICS", value)
    meters.meter.cache_clear()
    try:
        assert type(bootstrap.meter()) is kind
        Unmeasured().tell({Measure.LOAD: 1})
    finally:
        meters.meter.cache_clear()
