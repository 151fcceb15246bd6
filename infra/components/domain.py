"""Names of one's own: what a deployment may be told of a domain, and what it makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

DOMAIN = "domain"
HOSTED_ZONE_ID = "hosted_zone_id"
CERTIFICATE_ARN = "certificate_arn"
EDGE_CERTIFICATE_ARN = "edge_certificate_arn"
DOMAIN_KEYS = (DOMAIN, HOSTED_ZONE_ID, CERTIFICATE_ARN, EDGE_CERTIFICATE_ARN)
"""The context, all of it or none."""

EDGE_REGION = "us-east-1"
"""Where CloudFront looks for its certificates."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+[a-z]{{2,63}}")
_ZONE = re.compile(r"Z[A-Z0-9]{1,31}")
_CERTIFICATE = re.compile(
    r"arn:aws[a-z-]*:acm:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:certificate/[0-9a-f-]{36}"
)
LONGEST_DOMAIN = 200
"""Of a domain name's 253 characters, for names stand before it."""


class InvalidDeployment(ValueError):
    """The context asks for what cannot be deployed: one sentence."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain of the operators', its zone in Route 53, and its certificates."""

    name: str
    """``example.com``: everything is one label below it."""
    hosted_zone_id: str
    certificate_arn: str
    """Of the stacks' own region, for the APIs and the workers' balancer."""
    edge_certificate_arn: str
    """Of us-east-1, for CloudFront."""

    @classmethod
    def parse(cls, context: Mapping[str, str]) -> Self | None:
        """None without any of `DOMAIN_KEYS`; raises `InvalidDeployment`."""
        given = {key: context[key] for key in DOMAIN_KEYS if context.get(key)}
        if not given:
            return None
        if missing := [key for key in DOMAIN_KEYS if key not in given]:
            raise InvalidDeployment(
                f"{DOMAIN} needs {', '.join(missing)} too: all four or none."
            )
        name = given[DOMAIN]
        if len(name) > LONGEST_DOMAIN or not _DOMAIN.fullmatch(name):
            raise InvalidDeployment(
                f"{DOMAIN} is not a domain name in lower case: {name!r}."
            )
        if not _ZONE.fullmatch(given[HOSTED_ZONE_ID]):
            raise InvalidDeployment(
                f"{HOSTED_ZONE_ID} is not the id of a zone of Route 53: "
                f"{given[HOSTED_ZONE_ID]!r}."
            )
        for key in (CERTIFICATE_ARN, EDGE_CERTIFICATE_ARN):
            if not _CERTIFICATE.fullmatch(given[key]):
                raise InvalidDeployment(
                    f"{key} is not the ARN of a certificate of ACM: {given[key]!r}."
                )
        if _region_of(given[EDGE_CERTIFICATE_ARN]) != EDGE_REGION:
            raise InvalidDeployment(
                f"{EDGE_CERTIFICATE_ARN} is of another region than {EDGE_REGION}, "
                "where CloudFront looks for it."
            )
        return cls(*(given[key] for key in DOMAIN_KEYS))

    def host(self, label: str) -> str:
        """``label`` as one of its names: ``api`` is api.example.com."""
        return f"{label}.{self.name}"


def _region_of(certificate_arn: str) -> str:
    found = _CERTIFICATE.fullmatch(certificate_arn)
    assert found is not None
    return found[1]
