"""The console's pages in a bucket, and CloudFront before them."""

from collections.abc import Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53_targets as targets
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct

from infra import page_headers
from infra.components.audio_door import Origin
from infra.components.console_options import ConsoleOptions
from infra.components.domain import Domain
from infra.components.findings import accept
from infra.components.logs import log_group
from infra.components.own_name import alias
from infra.wiring import ROOT, WORKER_PATHS

PAGES = ROOT / "console"
INDEX = "index.html"
CONFIG = "config.json"
LABEL = "console"
"""Of its name, where there is a domain."""

PRICE_CLASSES = {
    "100": cloudfront.PriceClass.PRICE_CLASS_100,
    "200": cloudfront.PriceClass.PRICE_CLASS_200,
    "all": cloudfront.PriceClass.PRICE_CLASS_ALL,
}
REMEMBERED = cdk.Duration.days(365)
"""How long browsers come by TLS alone."""

_READS = "CDK's function reads what CDK has put into its own bucket of assets."
_FILLS = "It fills one bucket, with whatever files there are."
ACCEPTED_OF_THE_FILLER = {
    "Action::s3:GetObject*": _READS,
    "Action::s3:GetBucket*": _READS,
    "Action::s3:List*": _READS,
    "Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-"
    "<AWS::Region>/*": _READS,
    "Action::s3:DeleteObject*": _FILLS,
    "Action::s3:Abort*": _FILLS,
    "Resource::<Bucket83908E77.Arn>/*": _FILLS,
}


class PagesBucket(s3.Bucket):
    """Nobody but CloudFront reads it; it can be filled again at any time."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(
            scope,
            construct_id,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        accept(
            self,
            "S1",
            "It holds what everybody may read, and CloudFront alone asks it for that.",
        )


class ConsoleDistribution(Construct):
    """CloudFront before the pages, and before the workers where it is their door."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        bucket: s3.IBucket,
        options: ConsoleOptions,
        domain: Domain | None,
        *,
        connect: Sequence[str],
        workers: Origin,
    ) -> None:
        """``connect`` are the origins that the pages speak to. Where ``workers`` have
        no certificate, it is their door too."""
        super().__init__(scope, construct_id)
        through = None if workers.is_tls else _origin(workers)
        behaviors = {path: _to(through) for path in WORKER_PATHS} if through else {}
        self.distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment="Parley: console",
            default_root_object=INDEX,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(bucket),
                viewer_protocol_policy=(
                    cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS
                ),
                cache_policy=_revalidating(self),
                response_headers_policy=_headers(self, connect),
                compress=True,
            ),
            additional_behaviors=behaviors,
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
            price_class=PRICE_CLASSES[options.price_class],
            web_acl_id=options.web_acl_arn or None,
            domain_names=[domain.host(LABEL)] if domain else None,
            certificate=_certificate(self, domain),
            minimum_protocol_version=cloudfront.SecurityPolicyProtocol.TLS_V1_2_2021,
        )
        self.host = self.distribution.distribution_domain_name
        if domain is not None:
            target = targets.CloudFrontTarget(self.distribution)
            self.host = alias(self, "Alias", domain, LABEL, target, has_ipv6=True)
        self._accept(options, domain)

    def _accept(self, options: ConsoleOptions, domain: Domain | None) -> None:
        one = self.distribution
        accept(one, "CFR1", "Calls are held with people in any country.")
        if not options.web_acl_arn:
            accept(
                one,
                "CFR2",
                "The pages are static, and the workers limit who asks them; an "
                "operator's own web ACL is named by the context.",
            )
        accept(
            one,
            "CFR3",
            "CloudFront's log has query strings, and sockets bear their tokens there; "
            "who has asked for a static page is of no use to anybody.",
        )
        if domain is None:
            accept(
                one,
                "CFR5",
                "Without a domain the workers' balancer has no certificate; CloudFront "
                "goes to it within Amazon's network, with a secret header.",
            )
            accept(
                one,
                "CFR4",
                "CloudFront's own certificate comes with its own policy; a domain's "
                "has TLS 1.2 at least.",
            )


def put_pages(
    scope: Construct, bucket: s3.IBucket, config: Mapping[str, str]
) -> deployment.BucketDeployment:
    """Fill ``bucket`` with the pages and their ``config.json``, and with nothing else;
    what an earlier release had is removed."""
    role = iam.Role(
        scope,
        "FillerRole",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
    )
    logs = log_group(scope, "FillerLogs")
    logs.grant_write(role)
    for finding, reason in ACCEPTED_OF_THE_FILLER.items():
        accept(role, f"IAM5[{finding}]", reason)
    return deployment.BucketDeployment(
        scope,
        "Pages",
        sources=[
            deployment.Source.asset(str(PAGES)),
            deployment.Source.json_data(CONFIG, dict(config)),
        ],
        destination_bucket=bucket,
        cache_control=[
            deployment.CacheControl.from_string(page_headers.REVALIDATED),
        ],
        role=role,
        log_group=logs,
        memory_limit=256,
        output_object_keys=False,
        # With the stack goes the bucket, which must be empty then.
        retain_on_delete=False,
    )


def _origin(workers: Origin) -> cloudfront.IOrigin:
    return origins.HttpOrigin(
        workers.host,
        protocol_policy=cloudfront.OriginProtocolPolicy.HTTP_ONLY,
        custom_headers=dict(workers.headers),
        # A stream tells that it lives more often.
        read_timeout=cdk.Duration.seconds(60),
    )


def _to(workers: cloudfront.IOrigin) -> cloudfront.BehaviorOptions:
    """As it comes, whatever it is: nothing is kept, nothing is packed, so that streams
    flow; only ``Host`` is the balancer's."""
    policy = cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER
    return cloudfront.BehaviorOptions(
        origin=workers,
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
        origin_request_policy=policy,
        compress=False,
    )


def _revalidating(scope: Construct) -> cloudfront.CachePolicy:
    """As long as the files themselves allow: each is asked for again by its tag."""
    return cloudfront.CachePolicy(
        scope,
        "Revalidating",
        comment="Parley: pages are asked for again by their tag",
        min_ttl=cdk.Duration.seconds(0),
        default_ttl=cdk.Duration.seconds(0),
        max_ttl=cdk.Duration.days(1),
        enable_accept_encoding_gzip=True,
        enable_accept_encoding_brotli=True,
    )


def _headers(
    scope: Construct, connect: Sequence[str]
) -> cloudfront.ResponseHeadersPolicy:
    security = cloudfront.ResponseSecurityHeadersBehavior(
        content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
            content_security_policy=page_headers.content_policy(connect), override=True
        ),
        content_type_options=cloudfront.ResponseHeadersContentTypeOptions(
            override=True
        ),
        frame_options=cloudfront.ResponseHeadersFrameOptions(
            frame_option=cloudfront.HeadersFrameOption.DENY, override=True
        ),
        referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
            referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
        ),
        strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
            access_control_max_age=REMEMBERED, override=True
        ),
    )
    permissions = cloudfront.ResponseCustomHeader(
        header="Permissions-Policy", value=page_headers.PERMISSIONS, override=True
    )
    return cloudfront.ResponseHeadersPolicy(
        scope,
        "Headers",
        # Policies are of the account, and regions must not share one.
        response_headers_policy_name=f"ParleyConsole-{cdk.Aws.REGION}",
        comment="Parley: console",
        security_headers_behavior=security,
        custom_headers_behavior=cloudfront.ResponseCustomHeadersBehavior(
            custom_headers=[permissions]
        ),
    )


def _certificate(scope: Construct, domain: Domain | None) -> acm.ICertificate | None:
    if domain is None:
        return None
    arn = domain.edge_certificate_arn
    return acm.Certificate.from_certificate_arn(scope, "Certificate", arn)
