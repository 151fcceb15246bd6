"""One page that shows how it goes: calls, webhooks, workers, the API, the cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_dynamodb as ddb
from aws_cdk import aws_lambda as lam
from constructs import Construct

from chalicelib.services.measures import Measure
from infra import wiring
from infra.components.metrics import (
    FRAMES_DROPPED,
    LANE_AGE,
    TICK_LATENESS,
    measured,
    of_workers,
)

WIDTH, HEIGHT = 8, 6
"""Of a graph: three stand beside each other."""
SHORT, LONG = cdk.Duration.minutes(1), cdk.Duration.hours(1)


@dataclass(frozen=True, slots=True)
class Shown:
    """What of AWS's own metrics is looked at."""

    api: gateway.HttpApi
    table: ddb.ITable
    functions: Mapping[str, lam.IFunction]
    """By their names in the wiring."""
    dead_letters: Sequence[cloudwatch.IMetric]
    alarms: Sequence[cloudwatch.IAlarm]


class OperationsDashboard(Construct):
    """Everything by the minute, but what it costs by the hour."""

    def __init__(self, scope: Construct, construct_id: str, shown: Shown) -> None:
        super().__init__(scope, construct_id)
        page = cloudwatch.Dashboard(
            self, "Dashboard", default_interval=cdk.Duration.hours(6)
        )
        alarms = cloudwatch.AlarmStatusWidget(
            title="Alarms", alarms=list(shown.alarms), width=3 * WIDTH, height=3
        )
        page.add_widgets(alarms)
        for row in (_calls(shown), _webhooks(shown), _fleet(), _api(shown)):
            page.add_widgets(*row)
        page.add_widgets(*_cost(shown))
        self.page = page


def _calls(shown: Shown) -> tuple[cloudwatch.IWidget, ...]:
    invocations = [
        _of(shown, name, "Invocations", "sum")
        for name in (wiring.OUTBOX.name, wiring.NOTIFY.name, wiring.WAKE.name)
    ]
    return (
        _graph("Calls: what changes them, tells of them, wakes them", invocations),
        _graph(
            "Rings: how late they are missed (ms)",
            [
                measured(Measure.RING_LATENESS, "max"),
                measured(Measure.RING_LATENESS, "p50"),
            ],
        ),
        _graph(
            "Commit to push (ms)",
            [
                measured(Measure.COMMIT_TO_PUSH, "max"),
                measured(Measure.COMMIT_TO_PUSH, "p50"),
                _of(shown, wiring.OUTBOX.name, "IteratorAge", "max"),
            ],
        ),
    )


def _webhooks(shown: Shown) -> tuple[cloudwatch.IWidget, ...]:
    names = (wiring.DELIVER.name, wiring.REDELIVER.name)
    return (
        _graph(
            "Webhooks: delivered, and tried again",
            [_of(shown, name, "Invocations", "sum") for name in names],
        ),
        _graph(
            "Webhooks: how long those that fail have waited (ms)",
            [measured(LANE_AGE, "max"), measured(LANE_AGE, "sample count")],
        ),
        _graph("Dead letters", shown.dead_letters),
    )


def _fleet() -> tuple[cloudwatch.IWidget, ...]:
    return (
        _graph(
            "Workers and sessions",
            [
                measured(Measure.WORKERS, "max"),
                measured(Measure.WORKERS_DRAINING, "max"),
            ],
            right=[measured(Measure.SESSIONS, "max")],
        ),
        _graph(
            "Load (%)",
            [measured(Measure.LOAD, "max"), of_workers("Load", "max")],
            right=[measured(Measure.LEASE_AGE, "max")],
        ),
        _graph(
            "Tick lateness (ms, p99 of the worst worker), frames dropped",
            [of_workers(TICK_LATENESS, "max")],
            right=[of_workers(FRAMES_DROPPED, "sum")],
        ),
    )


def _api(shown: Shown) -> tuple[cloudwatch.IWidget, ...]:
    api = shown.api
    return (
        _graph(
            "HTTP API: latency (ms)",
            [
                api.metric_latency(period=SHORT, statistic="p50"),
                api.metric_latency(period=SHORT, statistic="p99"),
            ],
        ),
        _graph(
            "HTTP API: errors",
            [
                api.metric_client_error(period=SHORT, statistic="sum"),
                api.metric_server_error(period=SHORT, statistic="sum"),
            ],
        ),
        _graph(
            "Functions: errors and throttles",
            [
                _of(shown, name, metric, "sum")
                for name in shown.functions
                for metric in ("Errors", "Throttles")
            ],
        ),
    )


def _cost(shown: Shown) -> tuple[cloudwatch.IWidget, ...]:
    """What `make cost` counts, as it goes by."""
    return (
        _graph(
            "Cost: requests an hour",
            [shown.api.metric_count(period=LONG, statistic="sum")],
            right=[_of(shown, name, "Invocations", "sum", LONG) for name in FREQUENT],
        ),
        _graph(
            "Cost: units of the table an hour",
            [
                shown.table.metric_consumed_write_capacity_units(
                    period=LONG, statistic="sum"
                ),
                shown.table.metric_consumed_read_capacity_units(
                    period=LONG, statistic="sum"
                ),
            ],
        ),
        _graph(
            "Cost: milliseconds of functions an hour",
            [_of(shown, name, "Duration", "sum", LONG) for name in FREQUENT],
        ),
    )


FREQUENT = (
    wiring.API.name,
    wiring.OUTBOX.name,
    wiring.NOTIFY.name,
    wiring.DELIVER.name,
)
"""Functions that run with every call."""


def _of(
    shown: Shown,
    name: str,
    metric: str,
    statistic: str,
    period: cdk.Duration = SHORT,
) -> cloudwatch.Metric:
    function = shown.functions[name]
    label = f"{name} {metric.lower()}"
    return function.metric(metric, period=period, statistic=statistic, label=label)


def _graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    right: Sequence[cloudwatch.IMetric] = (),
) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=list(left), right=list(right), width=WIDTH, height=HEIGHT
    )
