"""The balancer by which applications' WebSockets reach the workers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secrets
from constructs import Construct

from infra.components.bucket import BALANCER_LOGS
from infra.components.deployment import Deployment
from infra.components.findings import accept
from infra.components.security_groups import HTTP, HTTPS
from infra.wiring import WORKER, WORKER_PATHS

LABEL = "media"
"""Of its name, where there is a domain."""
ORIGIN_HEADER = "X-Parley-Origin"
"""By which CloudFront is known to a balancer without a certificate."""
IDLE_SECONDS = 4_000
"""How long a socket may be silent, the longest there is; sessions ping more often."""
DRAIN_SECONDS = 3_600
"""The longest there is: a worker is retired before it is stopped, and with its last
socket the wait is over."""
VALUES_IN_A_RULE = 5


@dataclass(frozen=True, slots=True)
class Origin:
    """How CloudFront reaches the balancer."""

    host: str
    is_tls: bool
    headers: Mapping[str, str]
    """That it must send; values are resolved at deployment."""


class AudioDoor(Construct):
    """TLS by the deployment's certificate; without one, CloudFront is before it."""

    def __init__(
        self,
        scope: Construct,
        vpc: ec2.IVpc,
        group: ec2.ISecurityGroup,
        logs: s3.IBucket,
        deployment: Deployment,
    ) -> None:
        super().__init__(scope, "AudioDoor")
        self._domain = deployment.domain
        self.balancer = elb.ApplicationLoadBalancer(
            self,
            "Balancer",
            vpc=vpc,
            internet_facing=True,
            security_group=group,
            idle_timeout=cdk.Duration.seconds(IDLE_SECONDS),
            drop_invalid_header_fields=True,
        )
        self._log_to(logs)
        self.targets = _targets(self, vpc)
        self._headers: dict[str, str] = {}
        listener = self._tls() if self._domain else self._plain()
        for number, paths in enumerate(_shares(WORKER_PATHS), start=1):
            conditions = [elb.ListenerCondition.path_patterns(paths)]
            for name, value in self._headers.items():
                conditions.append(elb.ListenerCondition.http_header(name, [value]))
            listener.add_action(
                f"Workers{number}",
                action=elb.ListenerAction.forward([self.targets]),
                conditions=conditions,
                priority=number,
            )

    @property
    def origin(self) -> Origin:
        host = (
            self._domain.host(LABEL)
            if self._domain
            else self.balancer.load_balancer_dns_name
        )
        return Origin(host, self._domain is not None, dict(self._headers))

    def _tls(self) -> elb.ApplicationListener:
        assert self._domain is not None
        certificate = acm.Certificate.from_certificate_arn(
            self, "Certificate", self._domain.certificate_arn
        )
        return self.balancer.add_listener(
            "Https",
            port=HTTPS,
            protocol=elb.ApplicationProtocol.HTTPS,
            certificates=[certificate],
            ssl_policy=elb.SslPolicy.RECOMMENDED_TLS,
            open=False,
            default_action=elb.ListenerAction.fixed_response(404),
        )

    def _plain(self) -> elb.ApplicationListener:
        """Between CloudFront and a region nothing leaves Amazon's own network."""
        secret = secrets.Secret(
            self,
            "OriginSecret",
            description=f"Parley: what CloudFront sends to workers as {ORIGIN_HEADER}",
            generate_secret_string=secrets.SecretStringGenerator(
                password_length=48, exclude_punctuation=True
            ),
        )
        accept(
            secret,
            "SMG4",
            "It opens a door behind which each has to bring a token: to turn it is a "
            "deployment, for CloudFront and the balancer have it from there.",
        )
        self._headers[ORIGIN_HEADER] = secret.secret_value.unsafe_unwrap()
        return self.balancer.add_listener(
            "Http",
            port=HTTP,
            protocol=elb.ApplicationProtocol.HTTP,
            open=False,
            default_action=elb.ListenerAction.fixed_response(403),
        )

    def _log_to(self, logs: s3.IBucket) -> None:
        """The bucket permits it already; CDK's own way wants to know the region."""
        for key, value in (
            ("enabled", "true"),
            ("bucket", logs.bucket_name),
            ("prefix", BALANCER_LOGS),
        ):
            self.balancer.set_attribute(f"access_logs.s3.{key}", value)


def _targets(scope: Construct, vpc: ec2.IVpc) -> elb.ApplicationTargetGroup:
    return elb.ApplicationTargetGroup(
        scope,
        "Targets",
        vpc=vpc,
        port=WORKER.http_port,
        protocol=elb.ApplicationProtocol.HTTP,
        target_type=elb.TargetType.IP,
        # A socket is one request for as long as it is open.
        load_balancing_algorithm_type=(
            elb.TargetGroupLoadBalancingAlgorithmType.LEAST_OUTSTANDING_REQUESTS
        ),
        deregistration_delay=cdk.Duration.seconds(DRAIN_SECONDS),
        health_check=elb.HealthCheck(
            path="/health",
            interval=cdk.Duration.seconds(10),
            timeout=cdk.Duration.seconds(5),
            healthy_threshold_count=2,
            unhealthy_threshold_count=5,
        ),
    )


def _shares(paths: tuple[str, ...]) -> Iterator[list[str]]:
    """As many as a rule takes beside a header's value."""
    most = VALUES_IN_A_RULE - 1
    for start in range(0, len(paths), most):
        yield list(paths[start : start + most])
