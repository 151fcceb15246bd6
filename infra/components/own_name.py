"""Names of one's own for what AWS has named: records in Route 53, and their targets."""

from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_route53_targets as targets
from constructs import Construct

from infra.components.domain import Domain


def alias(
    scope: Construct,
    construct_id: str,
    domain: Domain,
    label: str,
    target: route53.IAliasRecordTarget,
    *,
    has_ipv6: bool = False,
) -> str:
    """Have ``label`` below the domain lead to ``target``; the whole name."""
    place = Construct(scope, construct_id)
    zone = route53.HostedZone.from_hosted_zone_attributes(
        place, "Zone", hosted_zone_id=domain.hosted_zone_id, zone_name=domain.name
    )
    host = domain.host(label)
    kinds = (route53.ARecord, route53.AaaaRecord) if has_ipv6 else (route53.ARecord,)
    for kind in kinds:
        kind(
            place,
            kind.__name__,
            zone=zone,
            # Whole, for the zone may be of a domain above this one.
            record_name=f"{host}.",
            target=route53.RecordTarget.from_alias(target),
        )
    return host


def name_api(
    scope: Construct,
    domain: Domain,
    label: str,
    api: gateway.IApi,
    stage: gateway.IStage,
) -> str:
    """A name for a stage of an API of API Gateway, without a path; the name."""
    place = Construct(scope, "OwnName")
    certificate = acm.Certificate.from_certificate_arn(
        place, "Certificate", domain.certificate_arn
    )
    name = gateway.DomainName(
        place,
        "Name",
        domain_name=domain.host(label),
        certificate=certificate,
        security_policy=gateway.SecurityPolicy.TLS_1_2,
    )
    gateway.ApiMapping(place, "Mapping", api=api, domain_name=name, stage=stage)
    target = targets.ApiGatewayv2DomainProperties(
        name.regional_domain_name, name.regional_hosted_zone_id
    )
    return alias(place, "Alias", domain, label, target)
