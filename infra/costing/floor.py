"""What the stacks cost in a month in which nobody calls."""

from infra import wiring
from infra.costing.prices import (
    ALARM_MONTH,
    KEY_MONTH,
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    READ_UNIT,
    SECRET_MONTH,
)
from infra.costing.tally import Line

ALARMS = 4 + sum(map(len, (wiring.QUEUES, wiring.STREAM_MAPPINGS, wiring.WEB_SOCKETS)))
"""Server errors of the API, failed rings, failed takeovers, the sweeper's errors, each
queue of dead letters, each mapping's age, the errors behind each WebSocket API."""

SWEEPS = 30 * 24 * 60 // wiring.SCHEDULES[0].every_minutes
SWEEP_SECONDS = 0.1
"""Sixteen queries of an empty index, four at a time, and one of workers: assumed."""
SWEEP_READ_UNITS = 16 * 0.5 + 1

FLOOR = (
    Line(ALARM_MONTH, "alarms", ALARMS),
    Line(SECRET_MONTH, "secrets", 1),
    Line(KEY_MONTH, "keys", 1),
    Line(LAMBDA_REQUEST, "sweeps", SWEEPS),
    Line(
        LAMBDA_GB_SECOND,
        "sweeps",
        SWEEPS * SWEEP_SECONDS * wiring.SWEEP.memory_mb / 1024,
    ),
    Line(READ_UNIT, "sweeps", SWEEPS * SWEEP_READ_UNITS),
)

BILLED_BY_TIME = (
    "AWS::ApplicationAutoScaling::",
    "AWS::CloudFront::",
    "AWS::EC2::",
    "AWS::ECS::",
    "AWS::ElastiCache::",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::GlobalAccelerator::",
    "AWS::RDS::",
    "AWS::Route53::",
    "AWS::WAFv2::",
)
"""Resources that need a line in `FLOOR` as soon as a stack has them."""

TO_COME = "media worker (Fargate, VPC, load balancers): in no stack yet"
