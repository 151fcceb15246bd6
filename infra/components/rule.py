"""EventBridge rules."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.components.deployment import construct_id
from infra.components.function import ParleyFunction
from infra.parts import Rule, Schedule
from infra.wiring import EVENT_SOURCE

DEPLOYMENTS = "ECS Deployment State Change"


def add_rule(
    scope: Construct,
    wired: Rule,
    *,
    bus: events.IEventBus | None,
    target: ParleyFunction | sfn.StateMachine,
    dead_letters: sqs.IQueue,
    service_arn: str | None = None,
    cluster_arn: str | None = None,
) -> events.Rule:
    """Send what matches to ``target``; what cannot be sent, to ``dead_letters``.

    Without a ``bus`` it is the account's default one. What is told of a container is
    heard of its service in our cluster alone, where there is one.
    """
    rule = events.Rule(
        scope,
        f"{construct_id(wired.name)}Rule",
        event_bus=bus,
        event_pattern=events.EventPattern(source=[EVENT_SOURCE]),
        targets=[
            _function(target, wired, dead_letters)
            if isinstance(target, ParleyFunction)
            else _machine(scope, target, wired, dead_letters)
        ],
    )
    # EventPattern knows no content filters beside its own Match objects; the
    # resource takes the wiring's pattern as it is.
    resource = rule.node.default_child
    assert isinstance(resource, events.CfnRule)
    resource.event_pattern = wired.pattern
    if wired.container and service_arn and cluster_arn:
        resource.event_pattern = narrowed(wired, service_arn, cluster_arn)
    return rule


def narrowed(wired: Rule, service_arn: str, cluster_arn: str) -> dict[str, object]:
    """The rule's pattern, of one service: events of tasks name their cluster and, as
    a group, their service; events of deployments are about a service."""
    if wired.pattern["detail-type"] == [DEPLOYMENTS]:
        return {**wired.pattern, "resources": [service_arn]}
    detail = wired.pattern["detail"]
    assert isinstance(detail, dict)
    group = f"service:{wired.container}"
    return {
        **wired.pattern,
        "detail": {**detail, "clusterArn": [cluster_arn], "group": [group]},
    }


def add_schedule(
    scope: Construct, wired: Schedule, function: ParleyFunction
) -> events.Rule:
    """Invoke ``function`` again and again; a run that fails is the next one's to mend.

    What is late by a whole period is dropped, and no run is ever repeated.
    """
    period = cdk.Duration.minutes(wired.every_minutes)
    function.function.configure_async_invoke(max_event_age=period, retry_attempts=0)
    return events.Rule(
        scope,
        f"{construct_id(wired.name)}Schedule",
        schedule=events.Schedule.rate(period),
        targets=[
            targets.LambdaFunction(
                function.function,
                event=events.RuleTargetInput.from_object({}),
                retry_attempts=0,
                max_event_age=period,
            )
        ],
    )


def _function(
    function: ParleyFunction, wired: Rule, dead_letters: sqs.IQueue
) -> targets.LambdaFunction:
    """EventBridge is content when Lambda has queued the event: a function that fails
    is Lambda's to call again, and its failures end in the same queue.
    """
    age = cdk.Duration.seconds(wired.max_event_age_seconds)
    function.function.configure_async_invoke(
        max_event_age=age,
        retry_attempts=2,
        on_failure=destinations.SqsDestination(dead_letters),
    )
    return targets.LambdaFunction(
        function.function,
        dead_letter_queue=dead_letters,
        retry_attempts=wired.retry_attempts,
        max_event_age=age,
    )


def _machine(
    scope: Construct, machine: sfn.StateMachine, wired: Rule, dead_letters: sqs.IQueue
) -> targets.SfnStateMachine:
    """Started by a role of this rule alone; what becomes of it is not the rule's."""
    return targets.SfnStateMachine(
        machine,
        role=iam.Role(
            scope,
            f"{construct_id(wired.name)}RuleRole",
            assumed_by=iam.ServicePrincipal("events.amazonaws.com"),
        ),
        dead_letter_queue=dead_letters,
        retry_attempts=wired.retry_attempts,
        max_event_age=cdk.Duration.seconds(wired.max_event_age_seconds),
    )
