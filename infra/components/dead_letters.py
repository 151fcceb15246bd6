"""Queues that hold what could not be delivered, each with its alarm."""

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import alarms
from infra.components.alarm import add_alarm
from infra.components.deployment import construct_id
from infra.components.findings import accept
from infra.parts import Queue
from infra.wiring import RULE_DEAD_LETTERS, WEBHOOK_DEAD_LETTERS

RAISED = {
    RULE_DEAD_LETTERS.name: alarms.RULE_DEAD_LETTERS,
    WEBHOOK_DEAD_LETTERS.name: alarms.WEBHOOK_DEAD_LETTERS,
}
"""By the queue in which the first message raises it."""


def dead_letter_queue(scope: Construct, wired: Queue, topic: sns.ITopic) -> sqs.Queue:
    """The queue, and an alarm for the first message in it."""
    queue = sqs.Queue(
        scope,
        construct_id(wired.name),
        retention_period=cdk.Duration.days(wired.retention_days),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )
    accept(queue, "SQS3", "This queue is where dead letters end.")
    add_alarm(
        queue,
        "Alarm",
        alarm=RAISED[wired.name],
        metric=queue.metric_approximate_number_of_messages_visible(
            period=cdk.Duration.minutes(1), statistic="max"
        ),
        topic=topic,
    )
    return queue
