"""The console's pages in the cloud: who may read them, and what they may speak to."""

import json
from typing import Any

import pytest

from infra import page_headers, wiring
from infra.laptop import console_files
from tests.infra.synthesis import Resource, Synthesis

STACK = "ParleyConsole"
SOURCES = 4
"""Of ``connect-src`` without a domain: the pages' own, the API's, two of sockets."""


@pytest.fixture(scope="module")
def distribution(aws: Synthesis) -> Resource:
    (found,) = aws.of_type("AWS::CloudFront::Distribution").values()
    config: Resource = found["DistributionConfig"]
    return config


def headers_of(synthesis: Synthesis) -> Resource:
    (found,) = synthesis.of_type("AWS::CloudFront::ResponseHeadersPolicy").values()
    config: Resource = found["ResponseHeadersPolicyConfig"]
    return config


def policy_of(synthesis: Synthesis) -> str:
    """What is known at synthesis; names that AWS gives are in angle brackets."""
    policy = headers_of(synthesis)["SecurityHeadersConfig"]["ContentSecurityPolicy"]
    parts = policy["ContentSecurityPolicy"]
    if isinstance(parts, str):
        return parts
    return "".join(
        part if isinstance(part, str) else f"<{part['Fn::ImportValue']}>"
        for part in parts["Fn::Join"][1]
    )


def test_nobody_but_cloudfront_reads_the_bucket(aws: Synthesis) -> None:
    ((name, bucket),) = aws.of_type("AWS::S3::Bucket", STACK).items()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert bucket["OwnershipControls"]["Rules"] == [
        {"ObjectOwnership": "BucketOwnerEnforced"}
    ]
    (policy,) = aws.of_type("AWS::S3::BucketPolicy", STACK).values()
    denied, allowed = policy["PolicyDocument"]["Statement"]
    assert denied["Effect"] == "Deny"
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert allowed["Principal"] == {"Service": "cloudfront.amazonaws.com"}
    assert allowed["Action"] == "s3:GetObject"
    assert "AWS:SourceArn" in allowed["Condition"]["StringEquals"]
    (control,) = aws.of_type("AWS::CloudFront::OriginAccessControl").values()
    assert control["OriginAccessControlConfig"]["SigningBehavior"] == "always"
    assert name.startswith("Bucket")


def test_pages_come_by_tls_and_are_asked_for_again(
    aws: Synthesis, distribution: Resource
) -> None:
    pages = distribution["DefaultCacheBehavior"]
    assert pages["ViewerProtocolPolicy"] == "redirect-to-https"
    assert pages["Compress"] is True
    assert distribution["DefaultRootObject"] == "index.html"
    assert distribution["HttpVersion"] == "http2and3"
    assert distribution["PriceClass"] == "PriceClass_100"
    assert "WebACLId" not in distribution
    (policy,) = aws.of_type("AWS::CloudFront::CachePolicy").values()
    assert policy["CachePolicyConfig"]["MinTTL"] == 0
    assert policy["CachePolicyConfig"]["DefaultTTL"] == 0
    (filled,) = aws.of_type("Custom::CDKBucketDeployment").values()
    assert filled["SystemMetadata"] == {"cache-control": page_headers.REVALIDATED}
    assert filled["Prune"] is True


def test_policy_names_what_the_pages_speak_to_and_nothing_else(aws: Synthesis) -> None:
    rules = dict(rule.split(" ", 1) for rule in policy_of(aws).split("; "))
    connect = rules.pop("connect-src").split(" ")
    assert len(connect) == SOURCES
    assert connect[0] == "'self'"
    for source, stack in zip(
        connect[1:], ("ParleyApi", *["ParleySockets"] * 2), strict=True
    ):
        assert source.startswith(f"<{stack}:")
        assert source.endswith("ApiEndpoint" + source[-9:])
    assert rules == {
        "default-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


def test_cloud_and_laptop_tell_browsers_the_same(aws: Synthesis) -> None:
    laptop = console_files.HEADERS
    assert laptop["content-security-policy"] == page_headers.content_policy(
        console_files.LOOPBACK
    )
    without = [
        "; ".join(rule for rule in policy.split("; ") if "connect-src" not in rule)
        for policy in (policy_of(aws), laptop["content-security-policy"])
    ]
    assert without[0] == without[1]
    headers = headers_of(aws)
    (permissions,) = headers["CustomHeadersConfig"]["Items"]
    assert permissions["Header"].lower() == "permissions-policy"
    assert permissions["Value"] == laptop["permissions-policy"]
    security = headers["SecurityHeadersConfig"]
    assert security["ReferrerPolicy"]["ReferrerPolicy"] == laptop["referrer-policy"]
    assert security["ContentTypeOptions"] == {"Override": True}
    assert security["FrameOptions"]["FrameOption"] == "DENY"
    year = 365 * 24 * 3600
    assert security["StrictTransportSecurity"]["AccessControlMaxAgeSec"] == year


def test_workers_are_reached_through_it_unkept_and_unchanged(
    distribution: Resource,
) -> None:
    behaviors = distribution["CacheBehaviors"]
    assert [one["PathPattern"] for one in behaviors] == list(wiring.WORKER_PATHS)
    # CloudFront's own: caching disabled, and all of the viewer's but Host.
    disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
    all_but_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
    for one in behaviors:
        assert one["CachePolicyId"] == disabled
        assert one["OriginRequestPolicyId"] == all_but_host
        assert one["ViewerProtocolPolicy"] == "https-only"
        assert one["Compress"] is False
        assert "POST" in one["AllowedMethods"]
    (origin,) = (one for one in distribution["Origins"] if "OriginCustomHeaders" in one)
    assert {one["TargetOriginId"] for one in behaviors} == {origin["Id"]}
    (header,) = origin["OriginCustomHeaders"]
    assert "{{resolve:secretsmanager:" in json.dumps(header["HeaderValue"])


def test_workers_tell_the_outside_neither_orders_nor_metrics() -> None:
    for path in wiring.WORKER_PATHS:
        assert not path.startswith(("/internal", "/metrics", "/*"))
    # ``/call*`` would take calls.html, and call.js, from the pages.
    assert "/call*" not in wiring.WORKER_PATHS


def config_of(synthesis: Synthesis) -> tuple[dict[str, Any], list[Any]]:
    """``config.json`` as it is put, and what is filled into it at deployment."""
    (filled,) = synthesis.of_type("Custom::CDKBucketDeployment").values()
    key = filled["SourceObjectKeys"][1].removesuffix(".zip")
    text = (synthesis.folder / f"asset.{key}" / "config.json").read_text()
    markers = filled["SourceMarkers"][1]
    for marker in markers:
        text = text.replace(marker, json.dumps(f"{{{marker}}}"))
    return json.loads(text), list(markers.values())


def test_config_says_where_everything_is_and_signs_nobody_in(aws: Synthesis) -> None:
    config, values = config_of(aws)
    # Without a domain the workers are at the pages' own origin.
    assert set(config) == {"apiUrl", "clientsUrl"}
    assert "ParleyApi:" in json.dumps(values[0])
    assert "ParleySockets:" in json.dumps(values[1])
    assert f'/{wiring.DEVICES.stage}\\"' in json.dumps(values[1])


def test_emulated_cloud_leaves_it_out(ministack: Synthesis) -> None:
    assert STACK not in ministack.templates
    assert "ParleyOperations" not in ministack.templates
