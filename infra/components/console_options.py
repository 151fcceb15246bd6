"""How the console is distributed, as the context asks for it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from infra.components.domain import EDGE_REGION, InvalidDeployment

PRICE_CLASS = "price_class"
WEB_ACL_ARN = "web_acl_arn"
PRICE_CLASSES = ("100", "200", "all")
"""CloudFront's, the cheapest first: North America and Europe; without South America
and Oceania; everywhere."""

_WEB_ACL = re.compile(
    rf"arn:aws[a-z-]*:wafv2:{EDGE_REGION}:\d{{12}}:global/webacl/[^/]+/[0-9a-f-]{{36}}"
)


@dataclass(frozen=True, slots=True)
class ConsoleOptions:
    """What CloudFront is told beside where the pages are."""

    price_class: str = PRICE_CLASSES[0]
    """One of `PRICE_CLASSES`."""
    web_acl_arn: str = ""
    """Of WAF, for all of CloudFront; empty for none."""

    @classmethod
    def parse(cls, context: Mapping[str, str]) -> Self:
        """Raises `InvalidDeployment`."""
        price_class = context.get(PRICE_CLASS) or PRICE_CLASSES[0]
        if price_class not in PRICE_CLASSES:
            raise InvalidDeployment(
                f"{PRICE_CLASS} is one of {', '.join(PRICE_CLASSES)}: {price_class!r}."
            )
        web_acl_arn = context.get(WEB_ACL_ARN) or ""
        if web_acl_arn and not _WEB_ACL.fullmatch(web_acl_arn):
            raise InvalidDeployment(
                f"{WEB_ACL_ARN} is not the ARN of a web ACL for CloudFront: "
                f"{web_acl_arn!r}."
            )
        return cls(price_class, web_acl_arn)
