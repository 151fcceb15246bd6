"""The media stack is the wiring's containers, and permits them no more than it says."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra import wiring
from infra.components import container
from infra.components.audio_door import ORIGIN_HEADER
from infra.components.scaling import load_metric
from infra.parts import Container
from infra.wiring import ROOT
from tests.infra.synthesis import Resource, Synthesis, synthesise_below

STACK = "ParleyMedia"
CONTAINERS = pytest.mark.parametrize(
    "wired", wiring.CONTAINERS, ids=lambda one: str(one.name)
)
CERTIFICATE = "123456789012:certificate/12345678-1234-1234-1234-123456789012"
CONTEXT = {
    "domain": "example.com",
    "hosted_zone_id": "Z0123456789",
    "certificate_arn": f"arn:aws:acm:eu-central-1:{CERTIFICATE}",
    "edge_certificate_arn": f"arn:aws:acm:us-east-1:{CERTIFICATE}",
    "workers": "5",
    "most_workers": "50",
    "worker_architecture": "x86_64",
    "worker_variables": '{"PARLEY_SIP_PEERS": "192.0.2.0/24", "PARLEY_CAPACITY": "90"}',
    "worker_secrets": "TURN_SECRET, SIP_WEBHOOK_SECRET",
    "recording_days": "30",
}


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """With a domain of the operators', and all that the fleet can be told."""
    return synthesise_below(tmp_path_factory.mktemp("named"), "aws", **CONTEXT)


def task_of(aws: Synthesis, wired: Container) -> Resource:
    tasks = aws.of_type("AWS::ECS::TaskDefinition", STACK).values()
    (found,) = (
        one for one in tasks if one["ContainerDefinitions"][0]["Name"] == wired.name
    )
    return found


def container_of(aws: Synthesis, wired: Container) -> Resource:
    (found,) = task_of(aws, wired)["ContainerDefinitions"]
    return dict(found)


def service_of(aws: Synthesis, wired: Container) -> Resource:
    services = aws.of_type("AWS::ECS::Service", STACK).values()
    (found,) = (one for one in services if one["ServiceName"] == wired.name)
    return found


def variables_of(aws: Synthesis, wired: Container) -> dict[str, Any]:
    found = container_of(aws, wired)["Environment"]
    return {one["Name"]: one["Value"] for one in found}


def permitted(aws: Synthesis, wired: Container, role: str) -> dict[str, str]:
    """Action -> what it is permitted on."""
    statements = aws.statements({"Role": task_of(aws, wired)[role]})
    return {
        action: json.dumps(statement["Resource"])
        for statement in statements
        for action in (
            [statement["Action"]]
            if isinstance(statement["Action"], str)
            else statement["Action"]
        )
    }


def balancer(aws: Synthesis, kind: str) -> Resource:
    balancers = aws.of_type("AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    (found,) = (one for one in balancers if one["Type"] == kind)
    return found


def attributes(resource: Resource, field: str) -> dict[str, Any]:
    return {one["Key"]: one["Value"] for one in resource[field]}


def targets(aws: Synthesis, port: int) -> Resource:
    groups = aws.of_type("AWS::ElasticLoadBalancingV2::TargetGroup").values()
    (found,) = (one for one in groups if one["Port"] == port)
    return found


def test_services_are_the_wiring_s_containers(aws: Synthesis) -> None:
    services = aws.of_type("AWS::ECS::Service").values()
    assert {one["ServiceName"] for one in services} == {
        one.name for one in wiring.CONTAINERS
    }


@CONTAINERS
def test_container_runs_its_module_in_its_size(
    aws: Synthesis, wired: Container
) -> None:
    task, made = task_of(aws, wired), container_of(aws, wired)
    assert [*made["EntryPoint"], *made["Command"]] == ["python", "-m", wired.module]
    assert int(task["Cpu"]) == wired.vcpus * 1024
    assert int(task["Memory"]) == wired.memory_mb
    assert task["RuntimePlatform"]["CpuArchitecture"] == "ARM64"
    assert task["RequiresCompatibilities"] == ["FARGATE"]


def test_worker_has_whole_processors() -> None:
    assert wiring.WORKER.vcpus == int(wiring.WORKER.vcpus) >= 1


@CONTAINERS
def test_container_writes_to_its_scratch_folder_alone(
    aws: Synthesis, wired: Container
) -> None:
    made = container_of(aws, wired)
    assert made["ReadonlyRootFilesystem"] is True
    assert made["User"] == container.USER
    assert made["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
    (mount,) = made["MountPoints"]
    assert (mount["ContainerPath"], mount["ReadOnly"]) == (container.SCRATCH, False)
    (volume,) = task_of(aws, wired)["Volumes"]
    assert volume == {"Name": mount["SourceVolume"]}


def test_image_agrees_with_what_runs_it() -> None:
    lines = (ROOT / "media-worker" / "Dockerfile").read_text(encoding="utf-8")
    assert f"USER {container.USER}" in lines
    assert f"VOLUME {container.SCRATCH}" in lines
    assert f"CMD {json.dumps(list(container.HEALTH))}" in lines


@CONTAINERS
def test_container_is_asked_for_its_health_and_has_time_to_end(
    aws: Synthesis, wired: Container
) -> None:
    made = container_of(aws, wired)
    assert made["HealthCheck"]["Command"] == [
        "CMD",
        *container.HEALTH,
        wired.health_path,
    ]
    assert made["StopTimeout"] == 120
    assert made["LinuxParameters"]["InitProcessEnabled"] is True


@CONTAINERS
def test_log_never_makes_a_container_wait(aws: Synthesis, wired: Container) -> None:
    logged = container_of(aws, wired)["LogConfiguration"]
    assert logged["LogDriver"] == "awslogs"
    assert logged["Options"]["mode"] == "non-blocking"


@CONTAINERS
def test_variables_are_the_wiring_s_and_the_deployment_s(
    aws: Synthesis, wired: Container
) -> None:
    found = variables_of(aws, wired)
    assert wired.environment.items() <= found.items()
    deployed = {"PARLEY_ENV", "PARLEY_RELEASE", "PARLEY_CONTROL_URL"}
    deployed |= {"PARLEY_RECORDINGS"} if wired.records else set()
    assert set(found) == {*wired.environment, *deployed}
    assert found["PARLEY_ENV"] == "production"
    assert "HttpApi" in json.dumps(found["PARLEY_CONTROL_URL"])
    image = json.dumps(container_of(aws, wired)["Image"])
    assert found["PARLEY_RELEASE"] in image and len(found["PARLEY_RELEASE"]) == 64


@CONTAINERS
def test_secrets_come_from_the_environment_s_one_alone(
    aws: Synthesis, wired: Container
) -> None:
    made = container_of(aws, wired)
    assert [one["Name"] for one in made["Secrets"]] == list(wired.secrets)
    for one in made["Secrets"]:
        text = json.dumps(one["ValueFrom"])
        assert "ParleyData:" in text and f":{one['Name']}::" in text
    assert not set(variables_of(aws, wired)) & set(wired.secrets)


@CONTAINERS
def test_no_port_is_mapped_twice(aws: Synthesis, wired: Container) -> None:
    ports = [one["ContainerPort"] for one in container_of(aws, wired)["PortMappings"]]
    assert sorted(ports) == [wiring.SIP_PORT, wired.http_port]


TASK_ACTIONS = {
    "execute-api:ManageConnections": f"/{wiring.APPLICATIONS.stage}/*/@connections/*",
    "ecs:GetTaskProtection": ":task/",
    "ecs:UpdateTaskProtection": ":task/",
    "polly:SynthesizeSpeech": '"*"',
    "transcribe:StartStreamTranscription": '"*"',
    "transcribe:StartStreamTranscriptionWebSocket": '"*"',
    "s3:PutObject": "/recordings/*",
    "s3:AbortMultipartUpload": "/recordings/*",
    "s3:ListMultipartUploadParts": "/recordings/*",
    "kms:GenerateDataKey": "RecordingsKey",
    "kms:Decrypt": "RecordingsKey",
}
"""Of workers -> what is named in the resource."""


def test_worker_may_do_what_the_wiring_says_and_no_more(aws: Synthesis) -> None:
    found = permitted(aws, wiring.WORKER, "TaskRoleArn")
    assert set(found) == set(TASK_ACTIONS)
    assert all(part in found[action] for action, part in TASK_ACTIONS.items())
    assert "ClientsSocketsApi" not in found["execute-api:ManageConnections"]
    assert wiring.WORKER.posts_to == (wiring.APPLICATIONS.name,)


def test_edge_may_do_nothing_in_aws(aws: Synthesis) -> None:
    assert permitted(aws, wiring.EDGE, "TaskRoleArn") == {}


@CONTAINERS
def test_ecs_may_pull_log_and_read_the_secret(aws: Synthesis, wired: Container) -> None:
    found = permitted(aws, wired, "ExecutionRoleArn")
    assert {action.split(":")[0] for action in found} == {
        "ecr",
        "logs",
        "secretsmanager",
    }
    nameless = {action for action, resource in found.items() if resource == '"*"'}
    assert nameless == {"ecr:GetAuthorizationToken"}


@CONTAINERS
def test_service_is_replaced_without_a_gap_and_rolled_back(
    aws: Synthesis, wired: Container
) -> None:
    service = service_of(aws, wired)
    deployment = service["DeploymentConfiguration"]
    assert deployment["MinimumHealthyPercent"] == 100
    assert deployment["MaximumPercent"] == 200
    assert deployment["DeploymentCircuitBreaker"] == {"Enable": True, "Rollback": True}
    network = service["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "ENABLED"
    assert json.dumps(network["Subnets"]).count("public") == 2
    group = f"{wired.name.capitalize()}Group"
    assert group in json.dumps(network["SecurityGroups"])
    assert len(service["ServiceRegistries"]) == 1


def test_workers_are_as_many_as_their_load_asks_for(
    aws: Synthesis, named: Synthesis
) -> None:
    # A count in the template would undo the scaling with every deployment.
    assert "DesiredCount" not in service_of(aws, wiring.WORKER)
    assert service_of(aws, wiring.EDGE)["DesiredCount"] == wiring.EDGE.least
    for synthesis, least, most in ((aws, wiring.WORKER.least, 20), (named, 5, 50)):
        (target,) = synthesis.of_type(
            "AWS::ApplicationAutoScaling::ScalableTarget"
        ).values()
        assert (target["MinCapacity"], target["MaxCapacity"]) == (least, most)


def test_workers_scale_by_load_and_by_cpu_and_slowly_down(aws: Synthesis) -> None:
    policies = [
        one["TargetTrackingScalingPolicyConfiguration"]
        for one in aws.of_type("AWS::ApplicationAutoScaling::ScalingPolicy").values()
    ]
    load, cpu = policies
    metric = load_metric()
    assert load["CustomizedMetricSpecification"] == {
        "Dimensions": [{"Name": "service", "Value": "parley"}],
        "MetricName": metric.metric_name,
        "Namespace": "Parley",
        "Statistic": "Average",
    }
    specification = cpu["PredefinedMetricSpecification"]
    assert specification["PredefinedMetricType"] == "ECSServiceAverageCPUUtilization"
    for policy in policies:
        assert policy["ScaleInCooldown"] > 10 * policy["ScaleOutCooldown"]


def test_applications_enter_where_there_is_the_least_to_do(aws: Synthesis) -> None:
    group = targets(aws, wiring.HTTP_PORT)
    assert (group["Protocol"], group["TargetType"]) == ("HTTP", "ip")
    assert group["HealthCheckPath"] == "/health"
    found = attributes(group, "TargetGroupAttributes")
    algorithm = "load_balancing.algorithm.type"
    assert found[algorithm] == "least_outstanding_requests"
    assert found["deregistration_delay.timeout_seconds"] == "3600"
    (entry,) = service_of(aws, wiring.WORKER)["LoadBalancers"]
    assert (entry["ContainerName"], entry["ContainerPort"]) == ("worker", 8080)


def test_balancer_keeps_sockets_and_logs_who_came(aws: Synthesis) -> None:
    found = attributes(balancer(aws, "application"), "LoadBalancerAttributes")
    assert found["idle_timeout.timeout_seconds"] == "4000"
    assert found["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert found["access_logs.s3.enabled"] == "true"
    assert "AccessLogs" in json.dumps(found["access_logs.s3.bucket"])


def rules_of(aws: Synthesis) -> list[Resource]:
    return list(aws.of_type("AWS::ElasticLoadBalancingV2::ListenerRule").values())


def conditions(rule: Resource, field: str) -> list[Any]:
    return [one for one in rule["Conditions"] if one["Field"] == field]


def paths_of(aws: Synthesis) -> list[str]:
    return [
        path
        for rule in rules_of(aws)
        for one in conditions(rule, "path-pattern")
        for path in one["PathPatternConfig"]["Values"]
    ]


def test_outside_asks_for_the_wiring_s_paths_alone(
    aws: Synthesis, named: Synthesis
) -> None:
    for synthesis in (aws, named):
        assert paths_of(synthesis) == list(wiring.WORKER_PATHS)
    assert not any(
        path.startswith(("/internal", "/metrics", "/*", "*"))
        for path in wiring.WORKER_PATHS
    )


def listener(aws: Synthesis, port: int) -> Resource:
    found = aws.of_type("AWS::ElasticLoadBalancingV2::Listener").values()
    (one,) = (one for one in found if one["Port"] == port)
    return one


def test_without_a_certificate_only_cloudfront_is_let_in(aws: Synthesis) -> None:
    (default,) = listener(aws, 80)["DefaultActions"]
    assert default["FixedResponseConfig"]["StatusCode"] == "403"
    for rule in rules_of(aws):
        (header,) = conditions(rule, "http-header")
        asked = header["HttpHeaderConfig"]
        assert asked["HttpHeaderName"] == ORIGIN_HEADER
        assert "{{resolve:secretsmanager:" in json.dumps(asked["Values"])
    (secret,) = aws.of_type("AWS::SecretsManager::Secret", STACK).values()
    assert "SecretString" not in secret


def test_with_a_certificate_it_is_tls_and_nothing_else(named: Synthesis) -> None:
    found = named.of_type("AWS::ElasticLoadBalancingV2::Listener").values()
    assert {one["Port"] for one in found} == {443, wiring.SIP_PORT}
    secure = listener(named, 443)
    assert secure["Protocol"] == "HTTPS"
    assert "TLS13" in secure["SslPolicy"]
    assert secure["Certificates"] == [{"CertificateArn": CONTEXT["certificate_arn"]}]
    assert not any(conditions(rule, "http-header") for rule in rules_of(named))
    assert not named.of_type("AWS::SecretsManager::Secret", STACK)


def test_phones_enter_at_fixed_addresses_and_are_seen(aws: Synthesis) -> None:
    entry = balancer(aws, "network")
    addresses = aws.of_type("AWS::EC2::EIP", STACK)
    mapped = [one["AllocationId"]["Fn::GetAtt"][0] for one in entry["SubnetMappings"]]
    assert sorted(mapped) == sorted(addresses) and len(mapped) == 2
    assert "SipBalancerGroup" in json.dumps(entry["SecurityGroups"])
    assert listener(aws, wiring.SIP_PORT)["Protocol"] == "TCP_UDP"
    group = targets(aws, wiring.SIP_PORT)
    assert group["Protocol"] == "TCP_UDP"
    assert (group["HealthCheckProtocol"], group["HealthCheckPath"]) == (
        "HTTP",
        "/alive",
    )
    assert group["HealthCheckPort"] == str(wiring.EDGE.http_port)
    found = attributes(group, "TargetGroupAttributes")
    assert found["preserve_client_ip.enabled"] == "true"
    (served,) = service_of(aws, wiring.EDGE)["LoadBalancers"]
    assert (served["ContainerName"], served["ContainerPort"]) == ("edge", 5060)


def test_names_lead_to_both_balancers(named: Synthesis) -> None:
    records = named.of_type("AWS::Route53::RecordSet", STACK).values()
    assert {(one["Type"], one["Name"]) for one in records} == {
        ("A", "media.example.com."),
        ("A", "sip.example.com."),
        ("SRV", "_sip._udp.example.com."),
        ("SRV", "_sip._tcp.example.com."),
    }
    for one in records:
        if one["Type"] == "SRV":
            assert one["ResourceRecords"] == ["10 10 5060 sip.example.com"]


def test_deployment_tells_workers_what_it_was_told(named: Synthesis) -> None:
    found = variables_of(named, wiring.WORKER)
    assert found["PARLEY_SIP_PEERS"] == "192.0.2.0/24"
    assert found["PARLEY_CAPACITY"] == "90"
    assert found["PARLEY_WS_URL"] == "wss://media.example.com"
    secrets = [one["Name"] for one in container_of(named, wiring.WORKER)["Secrets"]]
    assert secrets == ["PARLEY_JWT_SECRET", "TURN_SECRET", "SIP_WEBHOOK_SECRET"]
    edge = variables_of(named, wiring.EDGE)
    assert edge["PARLEY_SIP_PEERS"] == "192.0.2.0/24"
    assert not {"PARLEY_WS_URL", "PARLEY_RECORDINGS"} & set(edge)
    assert [one["Name"] for one in container_of(named, wiring.EDGE)["Secrets"]] == [
        "PARLEY_JWT_SECRET"
    ]
    platform = task_of(named, wiring.WORKER)["RuntimePlatform"]
    assert platform["CpuArchitecture"] == "X86_64"


def test_recordings_are_sealed_closed_and_logged(
    aws: Synthesis, named: Synthesis
) -> None:
    bucket = aws.named("AWS::S3::Bucket", "Recordings")
    (sealing,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    default = sealing["ServerSideEncryptionByDefault"]
    assert default["SSEAlgorithm"] == "aws:kms" and sealing["BucketKeyEnabled"] is True
    assert "RecordingsKey" in json.dumps(default["KMSMasterKeyID"])
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["LoggingConfiguration"]["LogFilePrefix"] == "recordings/"
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert "ExpirationInDays" not in rule
    kept = named.named("AWS::S3::Bucket", "Recordings")
    (rule,) = kept["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 30


def test_buckets_of_the_media_refuse_what_is_not_tls(aws: Synthesis) -> None:
    policies = aws.of_type("AWS::S3::BucketPolicy", "ParleyStorage").values()
    assert len(policies) == 2
    for policy in policies:
        denied = [
            one
            for one in policy["PolicyDocument"]["Statement"]
            if one["Effect"] == "Deny"
        ]
        assert [one["Condition"] for one in denied] == [
            {"Bool": {"aws:SecureTransport": "false"}}
        ]


def test_logs_are_put_by_aws_for_this_account_alone(aws: Synthesis) -> None:
    policy = aws.named("AWS::S3::BucketPolicy", "AccessLogs")
    allowed = [
        one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"
    ]
    assert {one["Principal"]["Service"].split(".")[0] for one in allowed} == {
        "logdelivery",
        "logging",
        "delivery",
    }
    for one in allowed:
        assert one["Condition"] == {
            "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        }


def test_image_is_fingerprinted_not_built(aws: Synthesis) -> None:
    assets = json.loads((aws.folder / f"{STACK}.assets.json").read_text())
    (image,) = assets["dockerImages"].values()
    assert image["source"]["dockerFile"] == "media-worker/Dockerfile"
    assert image["source"]["platform"] == "linux/arm64"


def test_image_s_context_is_small_in_earnest() -> None:
    ignored = Path(ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
