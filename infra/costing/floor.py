"""What the stacks cost in a month in which nobody calls."""

from infra import wiring
from infra.costing.prices import (
    ADDRESS_HOUR,
    ALARM_MONTH,
    BALANCER_HOUR,
    DASHBOARD_MONTH,
    FARGATE_GB_HOUR,
    FARGATE_VCPU_HOUR,
    INSTANCE_MONTH,
    KEY_MONTH,
    LAMBDA_GB_SECOND,
    LAMBDA_REQUEST,
    METRIC_MONTH,
    NAT_HOUR,
    READ_UNIT,
    SECRET_MONTH,
    ZONE_MONTH,
)
from infra.costing.tally import Line

HOURS = 730
"""Of a month, as AWS counts."""
ZONES = 2
"""Availability zones, each with an address of each load balancer."""
BALANCERS = 2
"""An ALB for HTTP and WebSockets, an NLB for SIP."""
GATEWAYS = 1
"""Of NAT, for what sits in the network without an address."""
ALARMS = 13
"""Of the control plane."""
MEDIA_ALARMS = 7
"""Of the workers, the edge and what is before them."""
SCALING_ALARMS = 4
"""Target tracking's own, two for each policy: AWS makes them, no template has them."""
DASHBOARDS = 1
METRICS = 11
"""Of `Parley`: seven that the control plane writes, the lanes' age, which is made of
its log, and three of the workers'."""
SECRETS = 1
MEDIA_SECRETS = 1
"""The header by which the load balancer knows CloudFront, where there is no domain."""
KEYS = 1
MEDIA_KEYS = 1
"""Of the recordings."""

SWEEPS = 30 * 24 * 60 // wiring.SCHEDULES[0].every_minutes
SWEEP_SECONDS = 0.1
"""Sixteen queries of an empty index, four at a time, and one of workers: assumed."""
SWEEP_READ_UNITS = 16 * 0.5 + 1

FLOOR = (
    Line(ALARM_MONTH, "alarms", ALARMS),
    Line(DASHBOARD_MONTH, "dashboards", DASHBOARDS),
    Line(METRIC_MONTH, "metrics", METRICS),
    Line(SECRET_MONTH, "secrets", SECRETS),
    Line(KEY_MONTH, "keys", KEYS),
    Line(LAMBDA_REQUEST, "sweeps", SWEEPS),
    Line(
        LAMBDA_GB_SECOND,
        "sweeps",
        SWEEPS * SWEEP_SECONDS * wiring.SWEEP.memory_mb / 1024,
    ),
    Line(READ_UNIT, "sweeps", SWEEPS * SWEEP_READ_UNITS),
)
"""Of the control plane: calls whose media LiveKit, TRTC or the clients carry."""

TASKS = sum(one.least for one in wiring.CONTAINERS)
VCPUS = sum(one.least * one.vcpus for one in wiring.CONTAINERS)
MEMORY_GB = sum(one.least * one.memory_mb for one in wiring.CONTAINERS) / 1024
ADDRESSES = TASKS + BALANCERS * ZONES + GATEWAYS

MEDIA_FLOOR = (
    Line(FARGATE_VCPU_HOUR, "workers and edges", VCPUS * HOURS),
    Line(FARGATE_GB_HOUR, "workers and edges", MEMORY_GB * HOURS),
    Line(ADDRESS_HOUR, "public IPv4 addresses", ADDRESSES * HOURS),
    Line(NAT_HOUR, "NAT gateway", GATEWAYS * HOURS),
    Line(BALANCER_HOUR, "load balancers", BALANCERS * HOURS),
    Line(ZONE_MONTH, "private zone", 1),
    Line(INSTANCE_MONTH, "registered tasks", TASKS),
    Line(ALARM_MONTH, "alarms", MEDIA_ALARMS + SCALING_ALARMS),
    Line(SECRET_MONTH, "secrets", MEDIA_SECRETS),
    Line(KEY_MONTH, "keys", MEDIA_KEYS),
)
"""Of the network and of the workers, where Parley carries media itself."""

BILLED_BY_TIME = (
    "AWS::ApplicationAutoScaling::",
    "AWS::CloudFront::",
    "AWS::CloudWatch::",
    "AWS::EC2::",
    "AWS::ECS::",
    "AWS::ElastiCache::",
    "AWS::ElasticLoadBalancingV2::",
    "AWS::GlobalAccelerator::",
    "AWS::KMS::",
    "AWS::RDS::",
    "AWS::Route53::",
    "AWS::SecretsManager::",
    "AWS::ServiceDiscovery::",
    "AWS::WAFv2::",
)
"""Services of which each type of resource needs a place in the next two."""

COUNTED = {
    "AWS::CloudWatch::Alarm": ALARMS + MEDIA_ALARMS,
    "AWS::CloudWatch::Dashboard": DASHBOARDS,
    "AWS::EC2::EIP": ZONES + GATEWAYS,
    "AWS::EC2::NatGateway": GATEWAYS,
    "AWS::ECS::Service": len(wiring.CONTAINERS),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": BALANCERS,
    "AWS::KMS::Key": KEYS + MEDIA_KEYS,
    "AWS::SecretsManager::Secret": SECRETS + MEDIA_SECRETS,
    "AWS::ServiceDiscovery::PrivateDnsNamespace": 1,
}
"""Resources that have a line, and how many of them it is for."""

FREE = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::ApplicationAutoScaling::ScalingPolicy",
        "AWS::CloudFront::CachePolicy",
        "AWS::CloudFront::Distribution",
        "AWS::CloudFront::Function",
        "AWS::CloudFront::OriginAccessControl",
        "AWS::CloudFront::OriginRequestPolicy",
        "AWS::CloudFront::ResponseHeadersPolicy",
        "AWS::CloudFront::VpcOrigin",
        "AWS::EC2::FlowLog",
        "AWS::EC2::InternetGateway",
        "AWS::EC2::Route",
        "AWS::EC2::RouteTable",
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::SecurityGroupEgress",
        "AWS::EC2::SecurityGroupIngress",
        "AWS::EC2::Subnet",
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::EC2::VPC",
        "AWS::EC2::VPCEndpoint",
        "AWS::EC2::VPCGatewayAttachment",
        "AWS::ECS::Cluster",
        "AWS::ECS::TaskDefinition",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::ListenerRule",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::KMS::Alias",
        "AWS::Route53::RecordSet",
        "AWS::ServiceDiscovery::Service",
    }
)
"""Resources that cost nothing while nobody calls; flow logs, recordings, images and
what CloudFront serves are billed by the gigabyte. VPC endpoints are gateways, which
are free: an interface would cost by the hour."""
