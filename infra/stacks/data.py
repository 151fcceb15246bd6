"""What outlives a deployment: the table, the secret, the key, the operators' topic."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as ddb
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.components.alarm import AlarmTopic
from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept
from infra.parts import Index
from infra.wiring import TABLE

SIGNING_SECRET = "PARLEY_JWT_SECRET"


class DataStack(cdk.Stack):
    """Kept when the stack is deleted, except in the emulated cloud."""

    def __init__(self, scope: Construct, deployment: Deployment) -> None:
        super().__init__(scope, "ParleyData", description="Parley: table and secret")
        own = _table(self, deployment)
        self.table: ddb.ITable = own
        """What everything uses: the stack's own, or the one that it was restored to."""
        if deployment.table_stream_arn:
            self.table = _restored(self, deployment.table_stream_arn, own)
        self.secret = _secret(self, deployment)
        self.key = _key(self, deployment)
        self.alarms = AlarmTopic(self, "Alarms")
        cdk.CfnOutput(self, "TableName", value=self.table.table_name)
        cdk.CfnOutput(self, "SecretArn", value=self.secret.secret_arn)
        cdk.CfnOutput(self, "AlarmTopicArn", value=self.alarms.topic_arn)


def _table(scope: Construct, deployment: Deployment) -> ddb.Table:
    """The older resource on purpose: emulators do not read global tables."""
    table = ddb.Table(
        scope,
        construct_id(TABLE.name),
        partition_key=_string(TABLE.partition_key),
        sort_key=_string(TABLE.sort_key),
        time_to_live_attribute=TABLE.ttl_attribute,
        billing_mode=ddb.BillingMode.PAY_PER_REQUEST,
        stream=ddb.StreamViewType.NEW_AND_OLD_IMAGES,
        point_in_time_recovery_specification=ddb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        deletion_protection=not deployment.is_emulated,
        removal_policy=deployment.removal_policy,
    )
    for index in TABLE.indexes:
        _add_index(table, index)
    return table


def _restored(stack: cdk.Stack, stream_arn: str, own: ddb.Table) -> ddb.ITable:
    """A table that point-in-time recovery has made beside the stack's own.

    What the other stacks import of the own one is exported on, for an export cannot go
    before those who use it have been deployed.
    """
    for value in (own.table_arn, own.table_name, own.table_stream_arn):
        if value is not None:
            stack.export_value(value)
    return ddb.Table.from_table_attributes(
        stack,
        "Restored",
        table_arn=stream_arn.partition("/stream/")[0],
        table_stream_arn=stream_arn,
        global_indexes=[index.name for index in TABLE.indexes],
    )


def _add_index(table: ddb.Table, index: Index) -> None:
    table.add_global_secondary_index(
        index_name=index.name,
        partition_key=_string(index.partition_key),
        sort_key=ddb.Attribute(name=index.sort_key, type=ddb.AttributeType.NUMBER),
        projection_type=ddb.ProjectionType.KEYS_ONLY,
    )


def _key(scope: Construct, deployment: Deployment) -> kms.Key:
    """Seals what requests bring of secrets before the table has them."""
    return kms.Key(
        scope,
        "Seals",
        description="Parley: seals the secrets of webhook endpoints in the table",
        enable_key_rotation=True,
        removal_policy=deployment.removal_policy,
    )


def _string(name: str) -> ddb.Attribute:
    return ddb.Attribute(name=name, type=ddb.AttributeType.STRING)


def _secret(scope: Construct, deployment: Deployment) -> secrets.Secret:
    """One JSON for the environment; its keys are names of environment variables."""
    secret = secrets.Secret(
        scope,
        "Environment",
        description="Parley's environment: a JSON of variables that nobody may read",
        generate_secret_string=secrets.SecretStringGenerator(
            secret_string_template="{}",
            generate_string_key=SIGNING_SECRET,
            password_length=64,
            exclude_punctuation=True,
        ),
        removal_policy=deployment.removal_policy,
    )
    accept(
        secret,
        "SMG4",
        "A new signing secret voids every token in use: operators turn it together "
        "with the servers that mint tokens, not on a timer.",
    )
    return secret
