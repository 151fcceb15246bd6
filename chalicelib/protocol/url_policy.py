"""Which addresses a URL of a user's choosing may lead to.

Pure: the caller resolves the name once, asks here about every address that came
back, and connects to one of those and to no other. A URL that two programs might
read differently is refused: there is one spelling of an address, and of a name.
"""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote

MOST_CHARS = 8_192
MOST_HOST_CHARS = 253
"""RFC 1035 section 2.3.4, without the root's dot."""
WRITTEN_AS_IS = "/?%:@!$&'()*+,;=~[]"
"""Of a path and a query, beside letters and digits."""

URL = re.compile(r"(https?)://([^/?#]*)([^#]*)", re.ASCII | re.IGNORECASE | re.DOTALL)
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
"""As the last label of a host it makes the host an address, by WHATWG's URL."""

OWN_NAMES = ("internal", "local", "localdomain", "home.arpa", "onion")
"""Suffixes of names that mean something else on every network."""
METADATA_NAMES = frozenset({"metadata.goog", "instance-data", "metadata"})
METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "100.100.100.200",
        "168.63.129.16",
        "192.80.8.124",
    )
)
"""Those of several clouds; two of them look like any public address."""
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
UNICAST = ipaddress.IPv6Network("2000::/3")
"""All that has ever been given out of IPv6."""
ISATAP = (0x00005EFE, 0x02005EFE)
"""RFC 5214 section 6.1: the middle of an address with an IPv4 address inside."""

SPECIAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
        *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4"),
        *("240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16"),
        *("2620:4f:8000::/48", "3fff::/20"),
    )
)
"""IANA's special-purpose registries, where they are not UNICAST anyway: 2001::/23 has
Teredo, 2002::/16 is 6to4."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenUrl(ValueError):
    """The URL, or an address behind it, is not one that Parley may call."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a permitted URL leads, before its name is resolved."""

    scheme: str
    host: str
    """In lower case and ASCII; an address in its one spelling, without brackets."""
    port: int
    path: str
    """With its query, in ASCII, as it stands in a request's first line."""

    @property
    def is_secure(self) -> bool:
        return self.scheme == "https"

    @property
    def address(self) -> str | None:
        """The host where it is an address, which nobody need resolve."""
        is_address = ":" in self.host or self.host[-1].isdecimal()
        return self.host if is_address and _parsed(self.host) else None

    @property
    def host_header(self) -> str:
        """The name, whatever the address; the port where it is not the scheme's."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = 443 if self.is_secure else 80
        return host if self.port == default else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What is allowed besides public addresses over HTTP and HTTPS."""

    allows_loopback: bool = False
    """In development, where every endpoint is on the same machine."""

    def target(self, url: str) -> Target:
        """Raises `ForbiddenUrl` for a URL that is not a plain, absolute web URL.

        Where the host is an address it has been checked too.
        """
        if len(url) > MOST_CHARS:
            raise ForbiddenUrl(f"a URL has at most {MOST_CHARS} characters")
        if any(ord(char) <= 0x20 or 0x7F <= ord(char) < 0xA0 for char in url):
            raise ForbiddenUrl("a URL has no spaces or control characters")
        if "\\" in url:
            raise ForbiddenUrl("a URL has no backslashes")
        if "#" in url:
            raise ForbiddenUrl("a URL that is called has no fragment")
        found = URL.fullmatch(url)
        if found is None:
            raise ForbiddenUrl("only http and https are allowed")
        scheme, authority, rest = found[1].lower(), found[2], found[3]
        host, port = _authority(authority)
        target = Target(
            scheme,
            self._host(host),
            port or (443 if scheme == "https" else 80),
            _path(rest),
        )
        if target.address is not None:
            self.check(target.address)
        return target

    def check(self, address: str) -> None:
        """Raises `ForbiddenUrl` unless the resolved address may be connected to."""
        parsed = _parsed(address)
        if parsed is None:
            raise ForbiddenUrl("not an address")
        real = _embedded(parsed)
        if real in METADATA:
            raise ForbiddenUrl("the address is one of the cloud's own")
        if real.is_loopback and self.allows_loopback:
            return
        if not _is_public(real):
            raise ForbiddenUrl("the address is not a public one")

    def _host(self, text: str) -> str:
        """The host in its one spelling."""
        if text.startswith("["):
            return _ipv6(text)
        if not text.isascii():
            raise ForbiddenUrl("a host is written in ASCII, with xn-- where it is not")
        host = text.lower()
        labels = host.split(".")
        if len(host) > MOST_HOST_CHARS or not all(map(LABEL.fullmatch, labels)):
            raise ForbiddenUrl("the host is not a name")
        if NUMBER.fullmatch(labels[-1]):
            return _ipv4(host)
        self._check_name(host, labels)
        return host

    def _check_name(self, host: str, labels: list[str]) -> None:
        """Raises `ForbiddenUrl` for names that are not of the public network."""
        is_own = any(f".{host}".endswith(f".{suffix}") for suffix in OWN_NAMES)
        if is_own or host in METADATA_NAMES:
            raise ForbiddenUrl("the host's name is not a public one")
        is_here = len(labels) == 1 or labels[-1] == "localhost"
        if is_here and not self.allows_loopback:
            raise ForbiddenUrl("the host's name is not a public one")


def _authority(text: str) -> tuple[str, int | None]:
    """Host, still as it is written, and port."""
    if "@" in text:
        raise ForbiddenUrl("a URL carries no credentials")
    before, bracket, after = text.rpartition("]")
    host, colon, port = after.partition(":")
    host = before + bracket + host
    if not host:
        raise ForbiddenUrl("a URL names a host")
    if not colon:
        return host, None
    is_number = port.isascii() and port.isdigit() and len(port) <= 5
    if not is_number or not 0 < int(port) < 65_536:
        raise ForbiddenUrl("a port is a number from 1 to 65535")
    return host, int(port)


def _path(text: str) -> str:
    path = text if text.startswith("/") else f"/{text}"
    try:
        return quote(path, safe=WRITTEN_AS_IS)
    except UnicodeError:
        raise ForbiddenUrl("a URL is text") from None


def _ipv6(text: str) -> str:
    try:
        return str(ipaddress.IPv6Address(_unscoped(text[1:-1])))
    except ValueError:
        raise ForbiddenUrl("the host is not an address") from None


def _ipv4(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        sentence = "an address is written as four decimal numbers"
        raise ForbiddenUrl(sentence) from None


def _parsed(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(_unscoped(text))
    except ValueError:
        return None


def _unscoped(text: str) -> str:
    """An address of one network's own says so behind a %, and is for nobody else."""
    if "%" in text:
        raise ValueError("scoped")
    return text


def _embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        middle = int(address) >> 32 & 0xFFFFFFFF
        if address not in UNICAST or middle in ISATAP:
            return False
    return not any(address in network for network in SPECIAL)
