"""Parley's own metrics, as its log lines name them."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_logs as logs
from constructs import Construct

from chalicelib.adapters.metrics import NAMESPACE, SERVICE
from chalicelib.services.measures import Measure

DIMENSION = "service"
WORKER_SERVICE = "media-worker"
"""As workers name themselves."""
LANE_AGE = "LaneAge"
"""Milliseconds that a webhook has waited which is tried again."""
TICK_LATENESS, WORKER_LOAD, FRAMES_DROPPED = "TickLateness", "Load", "FramesDropped"
ATTEMPT_MESSAGE, ATTEMPT_LAG = "webhook attempt", "lag_ms"
"""The log line of each attempt at a webhook, and its field."""


def measured(
    measure: Measure | str, statistic: str, *, minutes: int = 1
) -> cloudwatch.Metric:
    """Of the control plane."""
    return _metric(str(measure), SERVICE, statistic, minutes)


def of_workers(name: str, statistic: str, *, minutes: int = 1) -> cloudwatch.Metric:
    """Of all workers together: none is told from another."""
    return _metric(name, WORKER_SERVICE, statistic, minutes)


def measure_lanes(scope: Construct, log_group: logs.ILogGroup) -> None:
    """`LANE_AGE` by what the function that tries again logs anyway: not one byte more,
    and nothing as long as every webhook is taken at once."""
    logs.MetricFilter(
        scope,
        f"{LANE_AGE}Lines",
        log_group=log_group,
        filter_pattern=logs.FilterPattern.string_value(
            "$.message", "=", ATTEMPT_MESSAGE
        ),
        metric_namespace=NAMESPACE,
        metric_name=LANE_AGE,
        metric_value=f"$.{ATTEMPT_LAG}",
        unit=cloudwatch.Unit.MILLISECONDS,
        dimensions={DIMENSION: f"$.{DIMENSION}"},
    )


def _metric(name: str, service: str, statistic: str, minutes: int) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=NAMESPACE,
        metric_name=name,
        dimensions_map={DIMENSION: service},
        statistic=statistic,
        period=cdk.Duration.minutes(minutes),
    )
