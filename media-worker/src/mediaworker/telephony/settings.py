"""What telephony takes from the worker's environment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from chalicelib.protocol.claims import TENANT
from chalicelib.protocol.url_policy import ForbiddenUrl, UrlPolicy
from chalicelib.protocol.vocabulary import DEFAULT_TENANT
from mediaworker.telephony.defences import Network
from mediaworker.telephony.outbound import Caps, Destination, destinations_of

SIP_PORT = 5_060
RTP_PORTS = "12000-42000"
MOST_URLS = 16


class BadPhoneSetting(ValueError):
    """One sentence that says which variable is wrong, and why."""


@dataclass(frozen=True, slots=True)
class PhoneSettings:
    """See README's table of variables for what each means to an operator."""

    port: int = 0
    """Of UDP and TCP; 0: no SIP."""
    is_port_asked_for: bool = False
    """Otherwise another will do."""
    rtp_ports: range = range(12_000, 42_001)
    media_host: str | None = None
    """Where RTP is bound to; None: where the worker is."""
    tenant: str = DEFAULT_TENANT
    webhook_urls: tuple[str, ...] = field(default=(), repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    peers: tuple[Network, ...] = ()
    destinations: tuple[Destination, ...] = ()
    caps: Caps = Caps()
    ring_seconds: int = 30

    @classmethod
    def parse(
        cls, environment: Mapping[str, str], *, is_development: bool
    ) -> "PhoneSettings":
        """Raises `BadPhoneSetting`; a variable that is empty counts as absent."""
        given = {name: text for name, text in environment.items() if text.strip()}
        secret = given.get("SIP_WEBHOOK_SECRET")
        urls = _urls(given, UrlPolicy(allows_loopback=is_development))
        if urls and secret is None and not is_development:
            raise BadPhoneSetting(
                "SIP_WEBHOOK_SECRET is needed with SIP_WEBHOOK_URL: "
                "only in development calls are told unsigned."
            )
        default = SIP_PORT if is_development else 0
        return cls(
            _whole(given, "PARLEY_SIP_PORT", default, 0, 65_535),
            "PARLEY_SIP_PORT" in given,
            _ports(given),
            given.get("PARLEY_MEDIA_BIND"),
            _tenant(given),
            urls,
            secret,
            _networks(given),
            _destinations(given),
            Caps(
                _whole(
                    given, "PARLEY_SIP_RATE", 50 if is_development else 1, 1, 10_000
                ),
                _whole(given, "PARLEY_SIP_CONCURRENT", 250, 1, 100_000),
                _whole(given, "PARLEY_SIP_DAILY", 10_000, 1, 100_000_000),
            ),
            _whole(given, "PARLEY_RING_SECONDS", 30, 1, 3_600),
        )


def _list(given: Mapping[str, str], name: str) -> list[str]:
    return list(filter(None, map(str.strip, given.get(name, "").split(","))))


def _whole(
    given: Mapping[str, str], name: str, default: int, low: int, high: int
) -> int:
    text = given.get(name, str(default)).strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 10
    if not is_number or not low <= int(text) <= high:
        raise BadPhoneSetting(f"{name} is from {low} to {high}, not {text!r}.")
    return int(text)


def _ports(given: Mapping[str, str]) -> range:
    name = "PARLEY_RTP_PORTS"
    low, _, high = given.get(name, RTP_PORTS).strip().partition("-")
    is_range = all(text.isascii() and text.isdigit() for text in (low, high))
    if not is_range or len(low) > 5 or len(high) > 5:
        raise BadPhoneSetting(f"{name} is a range of ports like {RTP_PORTS}.")
    ports = range(int(low), int(high) + 1)
    if not 1_024 <= ports.start <= ports.stop - 2 <= 65_534:
        raise BadPhoneSetting(f"{name} is a range of ports from 1024 to 65535.")
    return ports


def _tenant(given: Mapping[str, str]) -> str:
    tenant = given.get("PARLEY_SIP_TENANT", DEFAULT_TENANT)
    if not TENANT.match(tenant):
        raise BadPhoneSetting("PARLEY_SIP_TENANT is a tenant's name.")
    return tenant


def _urls(given: Mapping[str, str], policy: UrlPolicy) -> tuple[str, ...]:
    urls = _list(given, "SIP_WEBHOOK_URL")
    if len(urls) > MOST_URLS:
        raise BadPhoneSetting(f"SIP_WEBHOOK_URL has at most {MOST_URLS} URLs.")
    try:
        for url in urls:
            policy.target(url)
    except ForbiddenUrl as reason:
        raise BadPhoneSetting(f"SIP_WEBHOOK_URL: {reason}.") from None
    return tuple(urls)


def _networks(given: Mapping[str, str]) -> tuple[Network, ...]:
    try:
        return tuple(map(ip_network, _list(given, "PARLEY_SIP_PEERS")))
    except ValueError:
        sentence = "PARLEY_SIP_PEERS is addresses and networks, by commas."
        raise BadPhoneSetting(sentence) from None


def _destinations(given: Mapping[str, str]) -> tuple[Destination, ...]:
    try:
        return destinations_of(_list(given, "PARLEY_SIP_DESTINATIONS"))
    except ValueError as reason:
        raise BadPhoneSetting(f"PARLEY_SIP_DESTINATIONS: {reason}.") from None
