"""The fixed addresses by which phones enter."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from infra.components.findings import accept
from infra.wiring import EDGE, EDGE_DRAIN_SECONDS, SIP_PORT


class PhoneDoor(Construct):
    """SIP by UDP and TCP at one port, an address in each zone; edges see who sends."""

    def __init__(
        self, scope: Construct, vpc: ec2.IVpc, group: ec2.ISecurityGroup
    ) -> None:
        super().__init__(scope, "PhoneDoor")
        self.addresses = [
            ec2.CfnEIP(self, f"Address{number}", domain="vpc")
            for number, _ in enumerate(vpc.public_subnets, start=1)
        ]
        self.balancer = elb.NetworkLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            cross_zone_enabled=True,
            security_groups=[group],
            subnet_mappings=_mappings(vpc.public_subnets, self.addresses),
        )
        accept(
            self.balancer,
            "ELB2",
            "A network balancer logs connections by TLS alone, and has none; the "
            "network's flow logs tell who has sent.",
        )
        self.targets = _targets(self, vpc)
        self.balancer.add_listener(
            "Sip",
            port=SIP_PORT,
            protocol=elb.Protocol.TCP_UDP,
            default_target_groups=[self.targets],
        )


def _mappings(
    subnets: Sequence[ec2.ISubnet], addresses: Sequence[ec2.CfnEIP]
) -> list[elb.SubnetMapping]:
    return [
        elb.SubnetMapping(subnet=subnet, allocation_id=address.attr_allocation_id)
        for subnet, address in zip(subnets, addresses, strict=True)
    ]


def _targets(scope: Construct, vpc: ec2.IVpc) -> elb.NetworkTargetGroup:
    return elb.NetworkTargetGroup(
        scope,
        "Targets",
        vpc=vpc,
        port=SIP_PORT,
        protocol=elb.Protocol.TCP_UDP,
        target_type=elb.TargetType.IP,
        preserve_client_ip=True,
        deregistration_delay=cdk.Duration.seconds(EDGE_DRAIN_SECONDS),
        # Or a trunk that sends without a pause would have the same edge for ever.
        connection_termination=True,
        health_check=elb.HealthCheck(
            protocol=elb.Protocol.HTTP,
            port=str(EDGE.http_port),
            path=EDGE.health_path,
            interval=cdk.Duration.seconds(10),
            timeout=cdk.Duration.seconds(5),
            healthy_threshold_count=2,
            unhealthy_threshold_count=2,
        ),
    )
