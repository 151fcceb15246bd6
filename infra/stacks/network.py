"""The workers' network, and the cluster in it."""

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_servicediscovery as discovery
from constructs import Construct

from infra import wiring
from infra.components.bucket import FLOW_LOGS
from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept
from infra.components.security_groups import security_groups
from infra.stacks.storage import StorageStack

ZONES = 2
NAMESPACE = "parley.internal"
"""``worker.parley.internal`` is every worker's address: for who scrapes metrics."""
PUBLIC, PRIVATE = "public", "private"
SUBNET_BITS = 20
"""Four thousand addresses each."""


class NetworkStack(cdk.Stack):
    """Below what runs in it, so that the functions can know where the workers are.

    In no emulated cloud.
    """

    def __init__(
        self, scope: Construct, deployment: Deployment, storage: StorageStack
    ) -> None:
        super().__init__(
            scope, "ParleyNetwork", description="Parley: the workers' network"
        )
        self.vpc = _vpc(self)
        self.vpc.add_flow_log(
            "Flows",
            destination=ec2.FlowLogDestination.to_s3(storage.logs, FLOW_LOGS),
        )
        self._groups = security_groups(self, self.vpc, deployment)
        self.cluster = _cluster(self, self.vpc)
        cdk.CfnOutput(self, "ClusterName", value=self.cluster.cluster_name)

    @property
    def relay(self) -> ec2.ISecurityGroup:
        """Of the function that speaks to workers."""
        return self._groups[wiring.RELAY.name]

    def group(self, scope: Construct, name: str) -> ec2.ISecurityGroup:
        """One of the wiring's, to which nothing can be added."""
        return ec2.SecurityGroup.from_security_group_id(
            scope,
            f"{construct_id(name)}Group",
            self._groups[name].security_group_id,
            mutable=False,
        )

    def service_arn(self, container: str) -> str:
        """Of a container's service, which is made later."""
        return self.format_arn(
            service="ecs",
            resource="service",
            resource_name=f"{self.cluster.cluster_name}/{container}",
        )

    @property
    def tasks_arn(self) -> str:
        """Of all tasks in the cluster."""
        return self.format_arn(
            service="ecs",
            resource="task",
            resource_name=f"{self.cluster.cluster_name}/*",
        )


def _vpc(scope: Construct) -> ec2.Vpc:
    vpc = ec2.Vpc(
        scope,
        "Vpc",
        max_azs=ZONES,
        # Behind it is one function, whose calls have other doors.
        nat_gateways=1,
        restrict_default_security_group=False,
        subnet_configuration=[
            ec2.SubnetConfiguration(
                name=PUBLIC,
                subnet_type=ec2.SubnetType.PUBLIC,
                cidr_mask=SUBNET_BITS,
                # A task asks for its address itself.
                map_public_ip_on_launch=False,
            ),
            ec2.SubnetConfiguration(
                name=PRIVATE,
                subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS,
                cidr_mask=SUBNET_BITS,
            ),
        ],
    )
    for name, service in (
        ("Table", ec2.GatewayVpcEndpointAwsService.DYNAMODB),
        ("Buckets", ec2.GatewayVpcEndpointAwsService.S3),
    ):
        vpc.add_gateway_endpoint(name, service=service)
    return vpc


def _cluster(scope: Construct, vpc: ec2.IVpc) -> ecs.Cluster:
    cluster = ecs.Cluster(
        scope,
        "Cluster",
        vpc=vpc,
        container_insights_v2=ecs.ContainerInsights.DISABLED,
    )
    cluster.add_default_cloud_map_namespace(
        name=NAMESPACE, type=discovery.NamespaceType.DNS_PRIVATE, vpc=vpc
    )
    accept(
        cluster,
        "ECS4",
        "A service's CPU and memory are CloudWatch's without it; sessions, load and "
        "lateness are Parley's own metrics. What it adds costs more than it tells.",
    )
    return cluster
