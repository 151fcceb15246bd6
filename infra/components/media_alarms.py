"""Alarms of what the media stack has: balancers, edges, deployments."""

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import alarms
from infra.components.alarm import add_alarm

MINUTE = cdk.Duration.minutes(1)


def watch_balancer(
    scope: Construct,
    balancer: elb.ApplicationLoadBalancer,
    workers: elb.ApplicationTargetGroup,
    topic: sns.ITopic,
) -> None:
    """Alarms of the workers' balancer, and of the workers behind it."""
    add_alarm(
        scope,
        "BalancerErrors",
        alarm=alarms.BALANCER_ERRORS,
        metric=balancer.metrics.http_code_elb(
            elb.HttpCodeElb.ELB_5XX_COUNT, period=MINUTE
        ),
        topic=topic,
    )
    add_alarm(
        scope,
        "UnhealthyWorkers",
        alarm=alarms.UNHEALTHY_WORKERS,
        metric=workers.metrics.unhealthy_host_count(period=MINUTE, statistic="max"),
        topic=topic,
    )


def watch_edge(
    scope: Construct,
    construct_id: str,
    edges: elb.NetworkTargetGroup,
    topic: sns.ITopic,
) -> None:
    """The alarm of the SIP edges behind one listener."""
    add_alarm(
        scope,
        construct_id,
        alarm=alarms.UNHEALTHY_EDGE,
        metric=edges.metrics.un_healthy_host_count(period=MINUTE, statistic="max"),
        topic=topic,
    )


def watch_deployments(
    scope: Construct, cluster: ecs.ICluster, topic: sns.ITopic
) -> None:
    """Tell of each deployment in the cluster that ECS has given up: CloudWatch has no
    metric of them, so a rule sends what an alarm would."""
    message = events.RuleTargetInput.from_object(
        {
            "AlarmName": alarms.FAILED_DEPLOYMENT.name,
            "AlarmDescription": alarms.FAILED_DEPLOYMENT.description,
            "NewStateReason": events.EventField.from_path("$.detail.reason"),
            "Services": events.EventField.from_path("$.resources"),
        }
    )
    role = iam.Role(
        scope,
        "FailedDeploymentsRole",
        assumed_by=iam.ServicePrincipal("events.amazonaws.com"),
    )
    # A topic's own policy may have no conditions for EventBridge, so a role it is.
    topic.grant_publish(role)
    events.Rule(
        scope,
        "FailedDeployments",
        description=alarms.FAILED_DEPLOYMENT.name,
        event_pattern=events.EventPattern(
            source=["aws.ecs"],
            detail_type=["ECS Deployment State Change"],
            detail={"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
            resources=events.Match.prefix(_services_of(cluster)),
        ),
        targets=[
            targets.SnsTopic(
                topic, message=message, role=role, authorize_using_role=True
            )
        ],
    )


def _services_of(cluster: ecs.ICluster) -> str:
    """How the ARNs of its services begin."""
    return cdk.Stack.of(cluster).format_arn(
        service="ecs", resource="service", resource_name=f"{cluster.cluster_name}/"
    )
