"""Names of the workers' balancers in the operators' domain."""

from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as aliases
from constructs import Construct

from infra.components.audio_door import LABEL, AudioDoor
from infra.components.domain import Domain
from infra.components.phone_door import PhoneDoor
from infra.wiring import SIP_PORT

SIP_LABEL = "sip"


def name_media(
    scope: Construct, domain: Domain, audio: AudioDoor, phones: PhoneDoor
) -> None:
    """``media.`` for applications, ``sip.`` for phones, and where SIP looks first."""
    zone = route53.HostedZone.from_hosted_zone_attributes(
        scope, "Zone", hosted_zone_id=domain.hosted_zone_id, zone_name=domain.name
    )
    for label, target in (
        (LABEL, aliases.LoadBalancerTarget(audio.balancer)),
        (SIP_LABEL, aliases.LoadBalancerTarget(phones.balancer)),
    ):
        route53.ARecord(
            scope,
            f"{label.capitalize()}Name",
            zone=zone,
            record_name=domain.host(label),
            target=route53.RecordTarget.from_alias(target),
        )
    for transport in ("udp", "tcp"):
        route53.SrvRecord(
            scope,
            f"Sip{transport.capitalize()}Service",
            zone=zone,
            record_name=domain.host(f"_sip._{transport}"),
            values=[
                route53.SrvRecordValue(
                    host_name=domain.host(SIP_LABEL),
                    port=SIP_PORT,
                    priority=10,
                    weight=10,
                )
            ],
        )
