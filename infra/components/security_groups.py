"""Who may send what to whom in the workers' network, as the wiring's doors say."""

from collections.abc import Mapping

from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra import wiring
from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept, accept_warning
from infra.parts import Container, Door, Transport

HTTP, HTTPS = 80, 443
ANYONE = ec2.Peer.any_ipv4()

SENDS_ANYWHERE = frozenset(one.name for one in wiring.CONTAINERS)
"""Trunks, browsers and what applications have played are wherever they are."""

OPEN = {
    "worker": (
        "Media never crosses a balancer, and later requests of a phone call come to "
        "the worker's own address: who may call is PARLEY_SIP_PEERS' to say, RTP is "
        "taken from the first source alone, ICE from who knows its password."
    ),
    wiring.BALANCER: (
        "Applications are wherever they are; each has to bring a token, and without "
        "a certificate here CloudFront's secret header too."
    ),
    wiring.SIP_BALANCER: (
        "Phones' trunks are wherever they are: the workers take calls from those in "
        "PARLEY_SIP_PEERS alone."
    ),
}
"""Groups that are open to all, and why."""

Groups = Mapping[str, ec2.SecurityGroup]


def security_groups(
    scope: Construct, vpc: ec2.IVpc, deployment: Deployment
) -> dict[str, ec2.SecurityGroup]:
    """All of the wiring's, by their names, with their rules."""
    groups = {name: _group(scope, vpc, name) for name in wiring.SECURITY_GROUPS}
    for container in wiring.CONTAINERS:
        for door in container.doors:
            _open(groups, container, door)
    _open_balancers(groups, deployment)
    # Whoever the relay asks beside workers has a public address and TLS.
    groups[wiring.RELAY.name].add_egress_rule(
        ANYONE, ec2.Port.tcp(HTTPS), "AWS and issuers of tokens"
    )
    return groups


def _group(scope: Construct, vpc: ec2.IVpc, name: str) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        scope,
        f"{construct_id(name)}Group",
        vpc=vpc,
        description=f"Parley {name}",
        allow_all_outbound=name in SENDS_ANYWHERE,
    )
    if name in OPEN:
        accept(group, "EC23", OPEN[name])
    if name == wiring.WORKER.name:
        accept_warning(
            group, "W2508", "Databases' ports are among those of RTP; none is there."
        )
    return group


def _open(groups: Groups, container: Container, door: Door) -> None:
    group, ports = groups[container.name], _ports(door)
    if door.is_public:
        group.add_ingress_rule(ANYONE, ports, door.purpose)
    for name in door.callers:
        caller = groups[name]
        group.add_ingress_rule(caller, ports, f"{door.purpose} of {name}")
        if name not in SENDS_ANYWHERE:
            caller.add_egress_rule(group, ports, f"{door.purpose} of {container.name}")


def _ports(door: Door) -> ec2.Port:
    if door.transport is Transport.TCP:
        return ec2.Port.tcp_range(door.first, door.last)
    return ec2.Port.udp_range(door.first, door.last)


def _open_balancers(groups: Groups, deployment: Deployment) -> None:
    prefix_list = deployment.fleet.cloudfront_prefix_list
    if deployment.domain:
        peer, port = ANYONE, ec2.Port.tcp(HTTPS)
    else:
        peer = ec2.Peer.prefix_list(prefix_list) if prefix_list else ANYONE
        port = ec2.Port.tcp(HTTP)
    groups[wiring.BALANCER].add_ingress_rule(peer, port, "applications")
    for port in (ec2.Port.udp(wiring.SIP_PORT), ec2.Port.tcp(wiring.SIP_PORT)):
        groups[wiring.SIP_BALANCER].add_ingress_rule(ANYONE, port, "SIP")
