"""Alarms, each of which says what to do."""

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.alarms import Alarm

_COMPARISON = cloudwatch.ComparisonOperator


class AlarmTopic(sns.Topic):
    """What operators subscribe to."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id, enforce_ssl=True)
        # A policy of our own (TLS only) displaces the default one, by which the
        # account's alarms could publish.
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[self.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}
                },
            )
        )


def add_alarm(
    scope: Construct,
    construct_id: str,
    *,
    alarm: Alarm,
    metric: cloudwatch.IMetric,
    topic: sns.ITopic,
) -> cloudwatch.Alarm:
    """Raise ``alarm`` by ``metric``, whose period is a minute; no data is no alarm."""
    made = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=alarm.threshold,
        evaluation_periods=alarm.minutes,
        comparison_operator=(
            _COMPARISON.LESS_THAN_OR_EQUAL_TO_THRESHOLD
            if alarm.is_floor
            else _COMPARISON.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
        ),
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=alarm.description,
    )
    made.add_alarm_action(actions.SnsAction(topic))
    return made
