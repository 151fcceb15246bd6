"""Which addresses a URL of a user's choosing may lead to.

Pure: the caller resolves the name once, asks here about every address that came
back, and connects to one of those and to no other.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in ("169.254.169.254", "169.254.170.2", "fd00:ec2::254")
)
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class ForbiddenUrl(ValueError):
    """The URL, or an address behind it, is not one that Parley may call."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a permitted URL leads, before its name is resolved."""

    scheme: str
    host: str
    port: int
    path: str
    """With its query."""


@dataclass(frozen=True, slots=True)
class UrlPolicy:
    """What is allowed besides public addresses over HTTP and HTTPS."""

    allows_loopback: bool = False
    """In development, where every endpoint is on the same machine."""

    def target(self, url: str) -> Target:
        """Raises `ForbiddenUrl` for a URL that is not a plain, absolute web URL."""
        if any(ord(char) <= 0x20 or ord(char) == 0x7F for char in url):
            raise ForbiddenUrl("a URL has no spaces or control characters")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ForbiddenUrl("not a URL") from error
        if parts.scheme not in ("http", "https"):
            raise ForbiddenUrl("only http and https are allowed")
        if not parts.hostname or "\\" in parts.netloc:
            raise ForbiddenUrl("a URL names a host")
        if parts.username is not None or parts.password is not None:
            raise ForbiddenUrl("a URL carries no credentials")
        default = 443 if parts.scheme == "https" else 80
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, parts.hostname, port or default, path)

    def check(self, address: str) -> None:
        """Raises `ForbiddenUrl` unless the resolved address may be connected to."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError as error:
            raise ForbiddenUrl("not an address") from error
        real = _embedded(parsed)
        if real in METADATA:
            raise ForbiddenUrl("the address is one of the cloud's own")
        if real.is_loopback and self.allows_loopback:
            return
        if not real.is_global or real.is_multicast or real.is_reserved:
            raise ForbiddenUrl("the address is not a public one")


def _embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that only wraps it."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo and teredo[1]) or address
