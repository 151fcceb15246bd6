"""The workers' network opens what the wiring opens, to whom it says."""

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest

from infra import wiring
from infra.components.deployment import Deployment, Target
from infra.components.fleet_options import FleetOptions
from infra.parts import Container, Door
from infra.stacks.network import NAMESPACE, NetworkStack
from infra.stacks.storage import StorageStack
from tests.infra.synthesis import Resource, Synthesis

STACK = "ParleyNetwork"
ANYWHERE = "0.0.0.0/0"
CONTAINERS = pytest.mark.parametrize(
    "wired", wiring.CONTAINERS, ids=lambda container: str(container.name)
)
Rule = tuple[str, str, int, int]
"""Whose, protocol, ports."""


def group_of(aws: Synthesis, name: str) -> str:
    groups = aws.of_type("AWS::EC2::SecurityGroup", STACK).items()
    (found,) = (
        key for key, one in groups if one["GroupDescription"] == f"Parley {name}"
    )
    return found


def name_of(aws: Synthesis, reference: Any) -> str:
    groups = aws.of_type("AWS::EC2::SecurityGroup", STACK)
    found = groups[reference["Fn::GetAtt"][0]]
    return str(found["GroupDescription"]).removeprefix("Parley ")


def rule_of(rule: Resource, whose: str) -> Rule:
    return (whose, rule["IpProtocol"], rule.get("FromPort", 0), rule.get("ToPort", 0))


def ingress(aws: Synthesis, name: str) -> set[Rule]:
    key = group_of(aws, name)
    group = aws.of_type("AWS::EC2::SecurityGroup", STACK)[key]
    inline = group.get("SecurityGroupIngress", [])
    rules = aws.of_type("AWS::EC2::SecurityGroupIngress", STACK).values()
    return {rule_of(rule, rule["CidrIp"]) for rule in inline} | {
        rule_of(rule, name_of(aws, rule["SourceSecurityGroupId"]))
        for rule in rules
        if rule["GroupId"] == {"Fn::GetAtt": [key, "GroupId"]}
    }


def egress(aws: Synthesis, name: str) -> set[Rule]:
    key = group_of(aws, name)
    group = aws.of_type("AWS::EC2::SecurityGroup", STACK)[key]
    inline = group.get("SecurityGroupEgress", [])
    rules = aws.of_type("AWS::EC2::SecurityGroupEgress", STACK).values()
    return {rule_of(rule, rule["CidrIp"]) for rule in inline} | {
        rule_of(rule, name_of(aws, rule["DestinationSecurityGroupId"]))
        for rule in rules
        if rule["GroupId"] == {"Fn::GetAtt": [key, "GroupId"]}
    }


def wired_rules(door: Door, whose: str) -> Rule:
    return (whose, door.transport.value, door.first, door.last)


@CONTAINERS
def test_container_is_open_to_whom_the_wiring_says_alone(
    aws: Synthesis, wired: Container
) -> None:
    expected = {
        wired_rules(door, caller)
        for door in wired.doors
        for caller in (door.callers or (ANYWHERE,))
    }
    assert ingress(aws, wired.name) == expected


def test_no_http_of_a_container_is_public(aws: Synthesis) -> None:
    for container in wiring.CONTAINERS:
        public = {rule for rule in ingress(aws, container.name) if rule[0] == ANYWHERE}
        for _, protocol, first, last in public:
            is_http = protocol == "tcp" and first <= container.http_port <= last
            assert not is_http


def test_edge_is_reached_through_its_balancer_and_by_workers(aws: Synthesis) -> None:
    callers = {rule[0] for rule in ingress(aws, wiring.EDGE.name)}
    assert callers == {wiring.SIP_BALANCER, wiring.WORKER.name}


def test_balancers_are_open_at_one_port_each(aws: Synthesis) -> None:
    assert ingress(aws, wiring.BALANCER) == {(ANYWHERE, "tcp", 80, 80)}
    assert ingress(aws, wiring.SIP_BALANCER) == {
        (ANYWHERE, "udp", 5060, 5060),
        (ANYWHERE, "tcp", 5060, 5060),
    }


def test_balancers_send_to_what_is_behind_them_alone(aws: Synthesis) -> None:
    assert egress(aws, wiring.BALANCER) == {("worker", "tcp", 8080, 8080)}
    assert egress(aws, wiring.SIP_BALANCER) == {
        ("edge", "tcp", 8080, 8080),
        ("edge", "udp", 5060, 5060),
        ("edge", "tcp", 5060, 5060),
    }


def test_relay_speaks_to_workers_and_by_tls_and_hears_nobody(aws: Synthesis) -> None:
    assert ingress(aws, "relay") == set()
    assert egress(aws, "relay") == {
        ("worker", "tcp", 8080, 8080),
        (ANYWHERE, "tcp", 443, 443),
    }
    seat = aws.function(wiring.RELAY.handler)["VpcConfig"]
    assert "RelayGroup" in json.dumps(seat["SecurityGroupIds"])
    assert json.dumps(seat["SubnetIds"]).count("private") == 2


def test_list_of_cloudfront_s_addresses_shuts_out_all_others(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path / "cdk.out"), analytics_reporting=False)
    deployment = Deployment(
        Target.AWS, tmp_path, fleet=FleetOptions(cloudfront_prefix_list="pl-3b927c52")
    )
    NetworkStack(app, deployment, StorageStack(app, deployment))
    app.synth()
    path = tmp_path / "cdk.out" / f"{STACK}.template.json"
    resources = json.loads(path.read_text())["Resources"]
    (key,) = (
        key
        for key, one in resources.items()
        if one["Properties"].get("GroupDescription") == f"Parley {wiring.BALANCER}"
    )
    assert "SecurityGroupIngress" not in resources[key]["Properties"]
    (rule,) = (
        one["Properties"]
        for one in resources.values()
        if one["Type"] == "AWS::EC2::SecurityGroupIngress"
        and one["Properties"]["GroupId"] == {"Fn::GetAtt": [key, "GroupId"]}
    )
    assert (rule["SourcePrefixListId"], rule["FromPort"]) == ("pl-3b927c52", 80)


def test_every_group_is_of_the_wiring(aws: Synthesis) -> None:
    found = {
        one["GroupDescription"].removeprefix("Parley ")
        for one in aws.of_type("AWS::EC2::SecurityGroup").values()
    }
    assert found == set(wiring.SECURITY_GROUPS)


def test_network_has_two_zones_one_way_out_and_short_ways_to_data(
    aws: Synthesis,
) -> None:
    assert len(aws.of_type("AWS::EC2::Subnet")) == 4
    assert len(aws.of_type("AWS::EC2::NatGateway")) == 1
    endpoints = aws.of_type("AWS::EC2::VPCEndpoint").values()
    assert {one["VpcEndpointType"] for one in endpoints} == {"Gateway"}
    services = sorted(json.dumps(one["ServiceName"]) for one in endpoints)
    assert [".dynamodb" in one for one in services] == [True, False]
    for one in endpoints:
        assert len(one["RouteTableIds"]) == 4


def test_flows_are_logged(aws: Synthesis) -> None:
    (flows,) = aws.of_type("AWS::EC2::FlowLog").values()
    assert flows["TrafficType"] == "ALL"
    assert "AccessLogs" in json.dumps(flows["LogDestination"])


def test_workers_have_names_inside(aws: Synthesis) -> None:
    (namespace,) = aws.of_type("AWS::ServiceDiscovery::PrivateDnsNamespace").values()
    assert namespace["Name"] == NAMESPACE


def test_retirement_sees_the_workers_and_nothing_else(aws: Synthesis) -> None:
    found = {
        statement["Action"]: json.dumps(statement["Resource"])
        for statement in aws.statements(aws.function(wiring.RETIRE.handler))
        if str(statement["Action"]).startswith("ecs:")
    }
    assert set(found) == {"ecs:DescribeServices", "ecs:DescribeTasks"}
    assert ":service/" in found["ecs:DescribeServices"]
    assert found["ecs:DescribeServices"].endswith('"/worker"]]}')
    assert ":task/" in found["ecs:DescribeTasks"]
    assert all("ClusterEB" in resource for resource in found.values())


def test_emulated_cloud_has_no_network(ministack: Synthesis) -> None:
    absent = {"ParleyNetwork", "ParleyMedia", "ParleyStorage"}
    assert not absent & set(ministack.templates)
    kinds = {
        one["Type"]
        for template in ministack.templates.values()
        for one in template["Resources"].values()
    }
    assert not any(kind.startswith(("AWS::EC2::", "AWS::ECS::")) for kind in kinds)
