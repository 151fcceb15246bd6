"""What the edge takes from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from mediaworker.settings import LOG_LEVELS, LOOPBACK, MIN_SECRET_BYTES, BadSetting
from mediaworker.telephony.defences import Network

SIP_PORT = 5_060
HTTP_PORT = 8_080
DRAIN_SECONDS = 60
LONGEST_DRAIN_SECONDS = 110
"""What a container is given to end in has to be longer."""
ECS = "ecs"


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """See README's table of variables for what each means to an operator."""

    host: str
    """That all ports are bound to."""
    port: int
    """Of SIP, UDP and TCP."""
    http_port: int
    control_url: str
    jwt_secret: str = field(repr=False)
    log_level: str = "INFO"
    advertised_host: str | None = None
    """What stands in Via; None: the machine's own address."""
    peers: tuple[Network, ...] = ()
    """Who may say as much as they like."""
    drain_seconds: int = DRAIN_SECONDS

    @classmethod
    def parse(cls, environment: Mapping[str, str]) -> "EdgeSettings":
        """Raises `BadSetting`; a variable that is empty counts as absent."""
        given = {name: text for name, text in environment.items() if text.strip()}
        return cls(
            given.get("PARLEY_BIND", LOOPBACK).strip(),
            _whole(given, "PARLEY_EDGE_PORT", SIP_PORT, 1, 65_535),
            _whole(given, "PARLEY_WORKER_PORT", HTTP_PORT, 1, 65_535),
            _control_url(given),
            _secret(given),
            _log_level(given),
            _advertised(given),
            _networks(given),
            _whole(
                given,
                "PARLEY_EDGE_DRAIN_SECONDS",
                DRAIN_SECONDS,
                0,
                LONGEST_DRAIN_SECONDS,
            ),
        )


def _whole(
    given: Mapping[str, str], name: str, default: int, low: int, high: int
) -> int:
    text = given.get(name, str(default)).strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or not low <= int(text) <= high:
        raise BadSetting(f"{name} is from {low} to {high}, not {text!r}.")
    return int(text)


def _control_url(given: Mapping[str, str]) -> str:
    text = given.get("PARLEY_CONTROL_URL", "").strip()
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_url = False
    if not is_url:
        raise BadSetting(
            "PARLEY_CONTROL_URL is an http or https URL: "
            "without a control plane the edge knows of no worker."
        )
    return text


def _secret(given: Mapping[str, str]) -> str:
    secret = given.get("PARLEY_JWT_SECRET", "")
    if len(secret.encode()) < MIN_SECRET_BYTES:
        raise BadSetting(
            "PARLEY_JWT_SECRET is the secret that the workers have too, of at least "
            f"{MIN_SECRET_BYTES} bytes."
        )
    return secret


def _log_level(given: Mapping[str, str]) -> str:
    text = given.get("PARLEY_LOG_LEVEL", "INFO").strip()
    if text.upper() not in LOG_LEVELS:
        levels = ", ".join(LOG_LEVELS)
        raise BadSetting(f"PARLEY_LOG_LEVEL is one of {levels}, not {text}.")
    return text.upper()


def _advertised(given: Mapping[str, str]) -> str | None:
    """An address alone: the port is that of SIP."""
    name = "PARLEY_ADVERTISED_ADDRESS"
    text = given.get(name, ECS).strip()
    if text.lower() == ECS:
        return None
    try:
        return str(ip_address(text.removeprefix("[").removesuffix("]")))
    except ValueError:
        sentence = f"{name} of an edge is an IP address or {ECS}, not {text!r}."
        raise BadSetting(sentence) from None


def _networks(given: Mapping[str, str]) -> tuple[Network, ...]:
    name = "PARLEY_SIP_PEERS"
    texts = filter(None, map(str.strip, given.get(name, "").split(",")))
    try:
        return tuple(map(ip_network, texts))
    except ValueError:
        raise BadSetting(f"{name} is addresses and networks, by commas.") from None
