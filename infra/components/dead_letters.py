"""Queues that hold what could not be delivered, each with its alarm."""

import aws_cdk as cdk
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.alarm import add_alarm
from infra.components.deployment import construct_id
from infra.components.findings import accept
from infra.parts import Queue
from infra.wiring import RULE_DEAD_LETTERS, WEBHOOK_DEAD_LETTERS

RUNBOOKS = {
    RULE_DEAD_LETTERS.name: (
        "a bus event could not be handled; find the error in its message or in the "
        "function's log, mend it, then send the events to the bus again: each only "
        "wakes its call's delivery lane, so a repeat harms nothing."
    ),
    WEBHOOK_DEAD_LETTERS.name: (
        "a business endpoint refused an event for good; look at its attempts in "
        "/api/v1/webhooks/logs, tell its owner, then replay the range."
    ),
}


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
        metric=queue.metric_approximate_number_of_messages_visible(
            period=cdk.Duration.minutes(1), statistic="max"
        ),
        threshold=1,
        runbook=RUNBOOKS[wired.name],
        topic=topic,
    )
    return queue
