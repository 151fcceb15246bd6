"""Buckets of recordings, and of what balancers, buckets and networks log."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.components.deployment import Deployment
from infra.components.findings import accept

LOG_DAYS = 90
BALANCER_LOGS, FLOW_LOGS, RECORDING_LOGS = "balancer", "flows", "recordings"
"""Folders in the bucket of logs."""
RECORDINGS = "recordings"
"""Folder of what workers put into their bucket."""


class AccessLogs(s3.Bucket):
    """Who asked the balancer and the bucket of recordings for what, and who has sent
    to the network."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(
            scope,
            "AccessLogs",
            # The balancer writes to no bucket that has a key of its own.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=deployment.removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(expiration=cdk.Duration.days(LOG_DAYS)),
            ],
        )
        accept(self, "S1", "It holds the logs of others: its own would be of itself.")
        account = cdk.Stack.of(self).account
        self._let_put(
            "logdelivery.elasticloadbalancing", f"{BALANCER_LOGS}/AWSLogs/{account}/*"
        )
        self._let_put("logging.s3", f"{RECORDING_LOGS}/*")
        flows = self._let_put("delivery.logs", f"{FLOW_LOGS}/AWSLogs/{account}/*")
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[flows],
                actions=["s3:GetBucketAcl", "s3:ListBucket"],
                resources=[self.bucket_arn],
                conditions=_of_our(account),
            )
        )

    def _let_put(self, service: str, objects: str) -> iam.ServicePrincipal:
        principal = iam.ServicePrincipal(f"{service}.amazonaws.com")
        account = cdk.Stack.of(self).account
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[principal],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(objects)],
                conditions=_of_our(account),
            )
        )
        return principal


def _of_our(account: str) -> dict[str, dict[str, str]]:
    return {"StringEquals": {"aws:SourceAccount": account}}


class RecordingBucket(s3.Bucket):
    """Recordings of calls, under a key of their own.

    No versions: each has a name of its own, and who is erased is to be gone.
    """

    def __init__(
        self, scope: Construct, deployment: Deployment, logs: AccessLogs
    ) -> None:
        self.key = kms.Key(
            scope,
            "RecordingsKey",
            description="Parley: recordings of calls",
            enable_key_rotation=True,
            removal_policy=deployment.removal_policy,
        )
        days = deployment.fleet.recording_days
        super().__init__(
            scope,
            "Recordings",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            # One question to the key for many objects.
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            removal_policy=deployment.removal_policy,
            lifecycle_rules=[
                s3.LifecycleRule(
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(1),
                    expiration=cdk.Duration.days(days) if days else None,
                )
            ],
        )
        # CDK's own way would open the bucket of logs to access lists.
        resource = self.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=logs.bucket_name,
            log_file_prefix=f"{RECORDING_LOGS}/",
        )

    @property
    def url(self) -> str:
        """The value of ``PARLEY_RECORDINGS``."""
        return f"s3://{self.bucket_name}/{RECORDINGS}"
