"""Log groups."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from constructs import Construct

RETENTION = logs.RetentionDays.ONE_MONTH


def log_group(scope: Construct, construct_id: str) -> logs.LogGroup:
    """A log group whose lines expire and which goes with its stack."""
    return logs.LogGroup(
        scope,
        construct_id,
        retention=RETENTION,
        removal_policy=RemovalPolicy.DESTROY,
    )
