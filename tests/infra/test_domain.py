"""Names of one's own: what may be asked for, and what comes of it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra import wiring
from infra.components.console_options import ConsoleOptions
from infra.components.domain import Domain, InvalidDeployment
from tests.infra.synthesis import Synthesis, synthesise_below
from tests.infra.test_console_stack import config_of, policy_of

CERTIFICATE = "certificate/12345678-1234-1234-1234-123456789012"
GOOD = {
    "domain": "calls.example.com",
    "hosted_zone_id": "Z0123456789ABC",
    "certificate_arn": f"arn:aws:acm:eu-central-1:123456789012:{CERTIFICATE}",
    "edge_certificate_arn": f"arn:aws:acm:us-east-1:123456789012:{CERTIFICATE}",
}
ACL = (
    "arn:aws:wafv2:us-east-1:123456789012:global/webacl/own/"
    "12345678-1234-1234-1234-123456789012"
)


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Synthesis:
    """What is deployed to AWS with a domain, and with a web ACL."""
    more = {"price_class": "all", "web_acl_arn": ACL}
    return synthesise_below(tmp_path_factory.mktemp("named"), "aws", **GOOD, **more)


def test_take_a_domain_or_none() -> None:
    domain = Domain.parse(GOOD)
    assert domain is not None
    assert domain.host("api") == "api.calls.example.com"
    assert Domain.parse({}) is None
    assert Domain.parse(dict.fromkeys(GOOD, "")) is None


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"hosted_zone_id": ""}, "domain needs hosted_zone_id too: all four or none."),
        (
            {"domain": ""},
            "domain needs domain too: all four or none.",
        ),
        (
            {"domain": "Example.com"},
            "domain is not a domain name in lower case: 'Example.com'.",
        ),
        ({"domain": "localhost"}, "domain is not a domain name in lower case"),
        ({"domain": "a." * 99 + "example"}, "domain is not a domain name"),
        ({"domain": "-a.example.com"}, "domain is not a domain name"),
        (
            {"hosted_zone_id": "/hostedzone/Z1"},
            "hosted_zone_id is not the id of a zone of Route 53: '/hostedzone/Z1'.",
        ),
        (
            {"certificate_arn": "arn:aws:iam::1:server-certificate/x"},
            "certificate_arn is not the ARN of a certificate of ACM: ",
        ),
        (
            {"edge_certificate_arn": GOOD["certificate_arn"]},
            "edge_certificate_arn is of another region than us-east-1, where "
            "CloudFront looks for it.",
        ),
    ],
)
def test_say_what_is_wrong_with_a_domain(
    changes: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidDeployment) as refusal:
        Domain.parse({**GOOD, **changes})
    assert str(refusal.value).startswith(sentence)
    assert str(refusal.value).endswith(".")


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.text(max_size=300)))
def test_any_other_context_is_refused_in_a_sentence(given: dict[str, str]) -> None:
    try:
        Domain.parse(given)
    except InvalidDeployment as refusal:
        assert str(refusal).endswith(".")


def test_take_what_the_console_is_told() -> None:
    assert ConsoleOptions.parse({}) == ConsoleOptions("100", "")
    told = {"price_class": "200", "web_acl_arn": ACL}
    assert ConsoleOptions.parse(told) == ConsoleOptions("200", ACL)
    with pytest.raises(InvalidDeployment, match=r"price_class is one of 100, 200, all"):
        ConsoleOptions.parse({"price_class": "300"})
    with pytest.raises(InvalidDeployment, match="web_acl_arn is not the ARN"):
        ConsoleOptions.parse({"web_acl_arn": ACL.replace("global", "regional")})


def names(synthesis: Synthesis) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record in synthesis.of_type("AWS::Route53::RecordSet").values():
        found.setdefault(record["Name"].rstrip("."), set()).add(record["Type"])
    return found


def test_everything_has_its_name(named: Synthesis) -> None:
    found = names(named)
    assert found.pop("console.calls.example.com") == {"A", "AAAA"}
    for label in ("api", "clients", "applications", "media"):
        assert found.pop(f"{label}.calls.example.com") == {"A"}
    apis = named.of_type("AWS::ApiGatewayV2::DomainName").values()
    assert {api["DomainName"] for api in apis} == {
        f"{label}.calls.example.com" for label in ("api", "clients", "applications")
    }
    for api in apis:
        (config,) = api["DomainNameConfigurations"]
        assert config["SecurityPolicy"] == "TLS_1_2"
        assert config["CertificateArn"] == GOOD["certificate_arn"]
    mappings = named.of_type("AWS::ApiGatewayV2::ApiMapping").values()
    assert len(mappings) == len(apis)
    assert not any(mapping.get("ApiMappingKey") for mapping in mappings)


def test_cloudfront_has_its_certificate_and_tls_1_2(named: Synthesis) -> None:
    (found,) = named.of_type("AWS::CloudFront::Distribution").values()
    config = found["DistributionConfig"]
    assert config["Aliases"] == ["console.calls.example.com"]
    assert config["ViewerCertificate"] == {
        "AcmCertificateArn": GOOD["edge_certificate_arn"],
        "MinimumProtocolVersion": "TLSv1.2_2021",
        "SslSupportMethod": "sni-only",
    }
    assert config["PriceClass"] == "PriceClass_All"
    assert config["WebACLId"] == ACL
    # The workers have a name, and a certificate, of their own.
    assert "CacheBehaviors" not in config


def test_pages_follow_the_names(named: Synthesis) -> None:
    config, values = config_of(named)
    assert values == []
    assert config == {
        "apiUrl": "https://api.calls.example.com",
        "clientsUrl": "wss://clients.calls.example.com",
        "sessionsUrl": "wss://media.calls.example.com",
    }
    assert (
        "connect-src 'self' https://api.calls.example.com "
        "wss://clients.calls.example.com wss://applications.calls.example.com "
        "https://media.calls.example.com wss://media.calls.example.com;"
    ) in policy_of(named)


def test_functions_post_to_sockets_by_the_name_that_aws_gave(named: Synthesis) -> None:
    for function in named.functions.values():
        for name in (wiring.Variable.CLIENTS_URL, wiring.Variable.CONNECTIONS_URL):
            url = function["Environment"]["Variables"].get(name)
            if url is not None:
                assert "example.com" not in json.dumps(url)
                assert "execute-api" in json.dumps(url)


def test_workers_let_the_console_ask_them(named: Synthesis) -> None:
    definitions = named.of_type("AWS::ECS::TaskDefinition").values()
    given = [
        one["Value"]
        for definition in definitions
        for container in definition["ContainerDefinitions"]
        for one in container.get("Environment", ())
        if one["Name"] == "PARLEY_CORS_ORIGINS"
    ]
    assert given == ["https://console.calls.example.com"]


def test_nag_finds_nothing(named: Synthesis) -> None:
    report = json.loads((named.folder / "validation-report.json").read_text())
    assert [one["violations"] for one in report["pluginReports"]] in ([], [[]])


def test_context_that_cannot_be_stops_the_synthesis(tmp_path: Path) -> None:
    with pytest.raises(InvalidDeployment, match="hosted_zone_id"):
        synthesise_below(tmp_path, "aws", domain="example.com")
