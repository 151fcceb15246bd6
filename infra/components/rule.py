"""EventBridge rules."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.components.deployment import construct_id
from infra.components.function import ParleyFunction
from infra.wiring import EVENT_SOURCE, Rule


def add_rule(
    scope: Construct,
    wired: Rule,
    *,
    bus: events.IEventBus,
    function: ParleyFunction,
    dead_letters: sqs.IQueue,
) -> events.Rule:
    """Send what matches to ``function``; what cannot be sent, to ``dead_letters``.

    EventBridge is content when Lambda has queued the event: a function that fails
    is Lambda's to call again, and its failures end in the same queue.
    """
    age = cdk.Duration.seconds(wired.max_event_age_seconds)
    function.function.configure_async_invoke(
        max_event_age=age,
        retry_attempts=2,
        on_failure=destinations.SqsDestination(dead_letters),
    )
    rule = events.Rule(
        scope,
        f"{construct_id(wired.name)}Rule",
        event_bus=bus,
        event_pattern=events.EventPattern(source=[EVENT_SOURCE]),
        targets=[
            targets.LambdaFunction(
                function.function,
                dead_letter_queue=dead_letters,
                retry_attempts=wired.retry_attempts,
                max_event_age=age,
            )
        ],
    )
    # EventPattern knows no content filters beside its own Match objects; the
    # resource takes the wiring's pattern as it is.
    resource = rule.node.default_child
    assert isinstance(resource, events.CfnRule)
    resource.event_pattern = wired.pattern
    return rule
