"""The table's stream into a function, and a bucket for what it cannot take."""

import aws_cdk as cdk
import jsii
from aws_cdk import aws_dynamodb as ddb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.deployment import Deployment
from infra.components.findings import accept
from infra.components.function import ParleyFunction
from infra.parts import StreamMapping


class FailureBucket(s3.Bucket):
    """Batches that stayed poisonous after every retry, whole, for a month."""

    def __init__(
        self, scope: Construct, construct_id: str, deployment: Deployment
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=deployment.removal_policy,
            lifecycle_rules=[s3.LifecycleRule(expiration=cdk.Duration.days(30))],
        )
        accept(
            self,
            "S1",
            "Lambda alone writes here and only operators read; a second bucket of "
            "access logs would be larger than this one.",
        )


@jsii.implements(lam.IEventSourceDlq)
class _KeepIn:
    """CDK's own S3 destination would let the function read and delete as well."""

    def __init__(self, bucket: s3.IBucket) -> None:
        self._bucket = bucket

    def bind(
        self, target: lam.IEventSourceMapping, target_handler: lam.IFunction
    ) -> lam.DlqDestinationConfig:
        bucket = self._bucket
        target_handler.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"], resources=[bucket.bucket_arn]
            )
        )
        target_handler.add_to_role_policy(
            iam.PolicyStatement(
                actions=["s3:PutObject"], resources=[bucket.arn_for_objects("*")]
            )
        )
        return lam.DlqDestinationConfig(destination=bucket.bucket_arn)


def map_stream(
    table: ddb.ITable,
    function: ParleyFunction,
    wired: StreamMapping,
    failures: FailureBucket,
) -> lam.EventSourceMapping:
    """Feed the table's changes that match the filters to ``function``."""
    _permit_reading(table, function)
    mapping = lam.EventSourceMapping(
        function,
        "Stream",
        target=function.function,
        event_source_arn=table.table_stream_arn,
        starting_position=lam.StartingPosition.TRIM_HORIZON,
        batch_size=wired.batch_size,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        retry_attempts=wired.retry_attempts,
        max_record_age=cdk.Duration.seconds(wired.max_record_age_seconds),
        filters=[lam.FilterCriteria.filter(pattern) for pattern in wired.filters],
        on_failure=_KeepIn(failures),
    )
    # Lambda tries the role's permissions when the mapping is made.
    mapping.node.add_dependency(function.node.find_child("Role"))
    return mapping


def _permit_reading(table: ddb.ITable, function: ParleyFunction) -> None:
    function.function.add_to_role_policy(
        iam.PolicyStatement(
            actions=[
                "dynamodb:DescribeStream",
                "dynamodb:GetRecords",
                "dynamodb:GetShardIterator",
            ],
            resources=[str(table.table_stream_arn)],
        )
    )
    function.function.add_to_role_policy(
        iam.PolicyStatement(
            actions=["dynamodb:ListStreams"],
            resources=[f"{table.table_arn}/stream/*"],
        )
    )
