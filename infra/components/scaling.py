"""How many workers there are."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ecs as ecs

from infra.components.fleet_options import FleetOptions

LOAD_PERCENT = 60
"""Of what all workers can carry: with one of three gone the others carry it."""
CPU_PERCENT = 70
"""What calls cost more than they were reckoned at: voices and recognition at work."""
OUT_SECONDS = 60
IN_SECONDS = 900
"""Between two steps down: a worker that goes has to be empty first."""


def load_metric() -> cloudwatch.Metric:
    """Percent; the sweep tells it every minute."""
    return cloudwatch.Metric(
        namespace="Parley",
        metric_name="Load",
        dimensions_map={"service": "parley"},
        period=cdk.Duration.minutes(1),
        statistic="Average",
    )


def scale(service: ecs.FargateService, options: FleetOptions) -> None:
    """As many as the load asks for; those that have calls are not stopped for it, for
    they protect themselves."""
    scaling = service.auto_scale_task_count(
        min_capacity=options.workers, max_capacity=options.most_workers
    )
    scaling.scale_to_track_custom_metric(
        "Load",
        metric=load_metric(),
        target_value=LOAD_PERCENT,
        scale_out_cooldown=cdk.Duration.seconds(OUT_SECONDS),
        scale_in_cooldown=cdk.Duration.seconds(IN_SECONDS),
    )
    scaling.scale_on_cpu_utilization(
        "Cpu",
        target_utilization_percent=CPU_PERCENT,
        scale_out_cooldown=cdk.Duration.seconds(OUT_SECONDS),
        scale_in_cooldown=cdk.Duration.seconds(IN_SECONDS),
    )
