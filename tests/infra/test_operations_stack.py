"""Alarms: each stands in the table, is raised by a stack, and tells somebody."""

import json
import logging
import re
from typing import Any

import pytest

from chalicelib.adapters.memory import MemoryCalls, Store
from chalicelib.adapters.metrics import NAMESPACE, EmfMeter
from chalicelib.services.calls import CallService
from chalicelib.services.measures import Measure
from chalicelib.services.webhooks.delivery import DeliveryService
from infra import alarms, wiring
from infra.components import metrics
from tests.builders import FakeClock, FakeDraws, create
from tests.infra.synthesis import Resource, Synthesis
from tests.services.deliverers import SHOP, FakePoster, ports

STACK = "ParleyOperations"
LAG_MS = 7_000
BY_NAME = {alarm.name: alarm for alarm in alarms.ALARMS}


def raised(aws: Synthesis) -> list[tuple[str, Resource]]:
    """Every alarm of CloudWatch, with its name in the table."""
    return [
        (str(one["AlarmDescription"]).partition(":")[0], one)
        for one in aws.of_type("AWS::CloudWatch::Alarm").values()
    ]


def ours(aws: Synthesis) -> list[dict[str, Any]]:
    """The metrics of our own that alarms look at."""
    found: list[dict[str, Any]] = []
    for _, alarm in raised(aws):
        within = [
            one["MetricStat"]["Metric"]
            for one in alarm.get("Metrics", ())
            if "MetricStat" in one
        ]
        found += [one for one in (alarm, *within) if one.get("Namespace") == NAMESPACE]
    return found


def test_table_names_each_alarm_once_and_says_what_to_do() -> None:
    assert len(BY_NAME) == len(alarms.ALARMS)
    declared = {one for one in vars(alarms).values() if isinstance(one, alarms.Alarm)}
    assert declared == set(alarms.ALARMS)
    for alarm in alarms.ALARMS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", alarm.name)
        assert not alarm.meaning.endswith(".")
        assert alarm.runbook.endswith(".")
        assert len(alarm.description) <= 1_024
        assert 1 <= alarm.minutes <= 60


def test_every_alarm_of_the_table_is_raised_by_a_stack_and_no_other(
    aws: Synthesis,
) -> None:
    names = {name for name, _ in raised(aws)}
    told = {
        rule["Description"] for rule in aws.of_type("AWS::Events::Rule", STACK).values()
    }
    assert names | told == set(BY_NAME)
    assert not names & told


def test_every_alarm_tells_operators_and_is_as_the_table_has_it(aws: Synthesis) -> None:
    for name, found in raised(aws):
        alarm = BY_NAME[name]
        assert found["AlarmDescription"] == alarm.description
        assert found["AlarmActions"]
        assert found["Threshold"] == alarm.threshold
        assert found["EvaluationPeriods"] == alarm.minutes
        assert found["TreatMissingData"] == "notBreaching"
        is_floor = found["ComparisonOperator"].startswith("LessThan")
        assert is_floor is alarm.is_floor
        periods = [found.get("Period")] + [
            one["MetricStat"]["Period"]
            for one in found.get("Metrics", ())
            if "MetricStat" in one
        ]
        assert set(periods) - {None} == {60}


def test_failed_deployment_is_sent_to_the_same_topic(aws: Synthesis) -> None:
    (rule,) = aws.of_type("AWS::Events::Rule", STACK).values()
    assert rule["EventPattern"]["detail"] == {
        "eventName": ["SERVICE_DEPLOYMENT_FAILED"]
    }
    (prefix,) = rule["EventPattern"]["resources"]
    assert set(prefix) == {"prefix"}
    (target,) = rule["Targets"]
    actions = [alarm["AlarmActions"] for _, alarm in raised(aws)]
    assert [target["Arn"]] in actions
    (statement,) = aws.statements({"Role": target["RoleArn"]})
    assert statement["Action"] == "sns:Publish"
    template = target["InputTransformer"]["InputTemplate"]
    assert json.dumps(alarms.FAILED_DEPLOYMENT.description)[1:-1] in template


def test_alarms_look_at_metrics_that_are_printed(
    aws: Synthesis, capsys: pytest.CaptureFixture[str]
) -> None:
    EmfMeter().tell(dict.fromkeys(Measure, 1.0))
    line = json.loads(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    printed = {(one["Name"], line["service"]) for one in directive["Metrics"]}
    printed |= {
        (metrics.LANE_AGE, "parley"),
        (metrics.TICK_LATENESS, metrics.WORKER_SERVICE),
    }
    looked_at = {
        (one["MetricName"], *(d["Value"] for d in one["Dimensions"]))
        for one in ours(aws)
    }
    assert looked_at <= printed
    assert len(looked_at) == 8


def test_lane_age_is_read_off_a_line_that_is_written_anyway(
    aws: Synthesis, caplog: pytest.LogCaptureFixture
) -> None:
    (found,) = aws.of_type("AWS::Logs::MetricFilter").values()
    assert "RedeliverLogs" in json.dumps(found["LogGroupName"])
    deliver_one(caplog)
    matched = re.fullmatch(r'\{ \$\.message = "(.+)" \}', found["FilterPattern"])
    assert matched
    (record,) = (one for one in caplog.records if one.message == matched[1])
    (change,) = found["MetricTransformations"]
    assert getattr(record, change["MetricValue"].removeprefix("$.")) == LAG_MS
    # Powertools' Logger puts it into each line: see tests/test_logs.py.
    assert change["Dimensions"] == [{"Key": "service", "Value": "$.service"}]


def deliver_one(caplog: pytest.LogCaptureFixture) -> None:
    """`LAG_MS` after the commit."""
    caplog.set_level(logging.INFO)
    store, clock, draws = Store(), FakeClock(), FakeDraws()
    calls = MemoryCalls(store)
    CallService(calls, clock, draws).act("default", "call-1", create())
    clock.pass_ms(LAG_MS)
    (event,) = calls.outbox("default", "call-1", 1)
    endpoints = {"default": (SHOP,)}
    world = ports(store, endpoints, FakePoster(clock=clock), clock, draws)
    DeliveryService(world).ring(event.doorbell)


def test_who_measures_is_told_to(aws: Synthesis) -> None:
    for function in wiring.FUNCTIONS:
        variables = aws.function(function.handler)["Environment"]["Variables"]
        is_told = variables.get(wiring.Variable.METRICS) == "emf"
        assert is_told is (function.name in {"wake", "sweep", "expired", "notify"})
    workers = wiring.WORKER.environment
    assert workers["PARLEY_METRICS"] == "emf"


def test_dashboard_shows_calls_webhooks_workers_the_api_and_the_cost(
    aws: Synthesis,
) -> None:
    (page,) = aws.of_type("AWS::CloudWatch::Dashboard").values()
    body = page["DashboardBody"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else "x" for part in body)
    widgets = json.loads(text)["widgets"]
    titles = [one["properties"]["title"] for one in widgets]
    for word in ("Alarms", "Calls", "Rings", "Webhooks", "Dead letters", "Workers"):
        assert any(title.startswith(word) for title in titles), word
    for word in ("Load", "Tick", "HTTP API: latency", "HTTP API: errors", "Cost"):
        assert any(title.startswith(word) for title in titles), word
    for measure in Measure:
        assert f'"{measure.value}"' in text
    assert all(one["x"] + one["width"] <= 24 for one in widgets)
