"""A service of containers in Fargate, as the wiring has it."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.components.deployment import Deployment, construct_id
from infra.components.findings import accept
from infra.components.logs import log_group
from infra.components.worker_image import ARCHITECTURES
from infra.parts import Container

USER = "10001:10001"
SCRATCH = "/scratch"
"""The one folder that may be written to: for what is cached, recorded, unpacked."""
HEALTH = ("python", "-IS", "/opt/parley/app/mediaworker/health.py")
STOP_SECONDS = 120
"""From SIGTERM to SIGKILL, the longest in Fargate: a worker takes 100 s to say BYE."""
GRACE_SECONDS = 120
"""To load models, before anybody's opinion of its health counts."""
DISCOVERY_SECONDS = 10

PROTECT_ACTIONS = ("ecs:GetTaskProtection", "ecs:UpdateTaskProtection")
SPEECH_ACTIONS = (
    "polly:SynthesizeSpeech",
    "transcribe:StartStreamTranscription",
    "transcribe:StartStreamTranscriptionWebSocket",
)
RECORD_ACTIONS = (
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)
SEAL_ACTIONS = ("kms:GenerateDataKey", "kms:Decrypt")
"""S3 opens the parts of an upload again to put them together."""


class ContainerService(Construct):
    """Each permission is the task's alone; ECS itself pulls, logs and reads secrets by
    a role of its own."""

    def __init__(
        self,
        scope: Construct,
        wired: Container,
        deployment: Deployment,
        image: assets.DockerImageAsset,
        *,
        variables: Mapping[str, str],
        secret: secrets.ISecret,
        more_secrets: Sequence[str] = (),
    ) -> None:
        """``variables`` are beside the wiring's, and in place of them."""
        super().__init__(scope, construct_id(wired.name))
        self.wired = wired
        self.task = _task(self, wired, deployment)
        self.task.add_volume(name="scratch")
        linux = ecs.LinuxParameters(self, "Linux", init_process_enabled=True)
        linux.drop_capabilities(ecs.Capability.ALL)
        container = self.task.add_container(
            wired.name,
            container_name=wired.name,
            image=ecs.ContainerImage.from_docker_image_asset(image),
            entry_point=["python", "-m"],
            command=[wired.module],
            user=USER,
            readonly_root_filesystem=True,
            linux_parameters=linux,
            environment={
                **wired.environment,
                **variables,
                "PARLEY_ENV": deployment.environment,
                "PARLEY_RELEASE": image.asset_hash,
            },
            secrets={
                name: ecs.Secret.from_secrets_manager(secret, name)
                for name in (*wired.secrets, *more_secrets)
            },
            stop_timeout=cdk.Duration.seconds(STOP_SECONDS),
            health_check=_health_check(wired),
            logging=_log_driver(self, wired),
        )
        container.add_mount_points(
            ecs.MountPoint(
                container_path=SCRATCH, source_volume="scratch", read_only=False
            )
        )
        self._map_ports(container)
        self._accept_findings()

    def start(
        self,
        cluster: ecs.ICluster,
        group: ec2.ISecurityGroup,
        count: int | None = None,
    ) -> ecs.FargateService:
        """Make the service; without a ``count`` that is the business of a scaling."""
        self.service = ecs.FargateService(
            self,
            "Service",
            # In the tasks' ARNs, by which rules and permissions know them.
            service_name=self.wired.name,
            cluster=cluster,
            task_definition=self.task,
            desired_count=count,
            assign_public_ip=True,
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PUBLIC),
            security_groups=[group],
            # First the new ones: the old ones go when nobody is left on them.
            min_healthy_percent=100,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            health_check_grace_period=cdk.Duration.seconds(GRACE_SECONDS),
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
            cloud_map_options=ecs.CloudMapOptions(
                name=self.wired.name,
                dns_ttl=cdk.Duration.seconds(DISCOVERY_SECONDS),
            ),
        )
        return self.service

    def permit(self, actions: Sequence[str], resources: Sequence[str]) -> None:
        """The task itself, whatever runs in it."""
        self.task.add_to_task_role_policy(
            iam.PolicyStatement(actions=list(actions), resources=list(resources))
        )

    def _map_ports(self, container: ecs.ContainerDefinition) -> None:
        """What balancers send to. A container has an address of its own, at which all
        ports are open that its group opens; and a service whose containers map a port
        twice, for UDP and TCP, is refused by ECS."""
        by_number: dict[int, ecs.Protocol] = {}
        for door in self.wired.doors:
            if door.first == door.last:
                by_number.setdefault(
                    door.first, ecs.Protocol[door.transport.value.upper()]
                )
        for port, protocol in by_number.items():
            container.add_port_mappings(
                ecs.PortMapping(container_port=port, protocol=protocol)
            )

    def _accept_findings(self) -> None:
        accept(
            self,
            "ECS2",
            "They are no secrets: those come from Secrets Manager, when a task starts.",
        )
        accept(
            self,
            "IAM5[Resource::*]",
            "A token to pull images by has no resource to name.",
        )


def _task(
    scope: Construct, wired: Container, deployment: Deployment
) -> ecs.FargateTaskDefinition:
    return ecs.FargateTaskDefinition(
        scope,
        "Task",
        cpu=int(wired.vcpus * 1024),
        memory_limit_mib=wired.memory_mb,
        runtime_platform=ecs.RuntimePlatform(
            operating_system_family=ecs.OperatingSystemFamily.LINUX,
            cpu_architecture=ARCHITECTURES[deployment.fleet.architecture],
        ),
    )


def _health_check(wired: Container) -> ecs.HealthCheck:
    return ecs.HealthCheck(
        command=["CMD", *HEALTH, wired.health_path],
        interval=cdk.Duration.seconds(30),
        timeout=cdk.Duration.seconds(5),
        retries=3,
        start_period=cdk.Duration.seconds(GRACE_SECONDS),
    )


def _log_driver(scope: Construct, wired: Container) -> ecs.LogDriver:
    """Lines are lost before a tick is late."""
    return ecs.LogDrivers.aws_logs(
        stream_prefix=wired.name,
        log_group=log_group(scope, "Logs"),
        mode=ecs.AwsLogDriverMode.NON_BLOCKING,
        max_buffer_size=cdk.Size.mebibytes(4),
    )
