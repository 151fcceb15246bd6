"""The webhook endpoints that an operator names in the environment's variables."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from chalicelib.domain.endpoints import Endpoint
from chalicelib.protocol.vocabulary import CONTRACT_EVENTS, FILTERS

LIST = "BUSINESS_WEBHOOK_ENDPOINTS"
TIMEOUT = "BUSINESS_WEBHOOK_TIMEOUT"
LONGEST_SECONDS = 30


class InvalidEndpoints(ValueError):
    """A variable has a value that it cannot have."""


def parse(variables: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """From ``BUSINESS_WEBHOOK_ENDPOINTS``, else ``BUSINESS_WEBHOOK_URLS``.

    Raises `InvalidEndpoints` with the name of the variable and what it needs.
    """
    timeout = _timeout(variables)
    text = variables.get(LIST, "").strip()
    if text:
        return tuple(_endpoint(value, timeout) for value in _listed(text))
    secret = variables.get("BUSINESS_WEBHOOK_SECRET", "")
    urls = variables.get("BUSINESS_WEBHOOK_URLS", "").split(",")
    return tuple(
        Endpoint(_id(url), url, secret, timeout, is_of_environment=True)
        for url in map(str.strip, urls)
        if url
    )


def _listed(text: str) -> list[Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise InvalidEndpoints(f"{LIST} must be a JSON list")
    return found


def _endpoint(value: Any, timeout: int) -> Endpoint:
    fields = value if isinstance(value, dict) else {}
    url, secret = fields.get("url"), fields.get("secret", "")
    seconds = fields.get("timeout") or timeout
    if not isinstance(url, str) or not url or not isinstance(secret, str):
        raise InvalidEndpoints(f"{LIST}: each needs url and secret")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise InvalidEndpoints(f"{LIST}: timeout is in seconds")
    if not 0 < seconds <= LONGEST_SECONDS:
        raise InvalidEndpoints(f"{LIST}: timeout is at most {LONGEST_SECONDS}")
    return Endpoint(
        _id(url), url, secret, seconds, _events(fields), is_of_environment=True
    )


def _events(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Names, or all of a kind; what nobody ever tells is a mistake."""
    events = fields.get("events")
    if events is None:
        return CONTRACT_EVENTS
    if not isinstance(events, list) or not all(
        isinstance(name, str) and name in FILTERS for name in events
    ):
        raise InvalidEndpoints(f"{LIST}: events knows " + ", ".join(sorted(FILTERS)))
    return tuple(events)


def _id(url: str) -> str:
    """The same for the same URL, whatever stands beside it."""
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def _timeout(variables: Mapping[str, str]) -> int:
    text = variables.get(TIMEOUT, "").strip()
    if not text:
        return 10
    if not text.isdecimal() or not 1 <= int(text) <= LONGEST_SECONDS:
        raise InvalidEndpoints(f"{TIMEOUT} must be a number from 1 to 30")
    return int(text)
