"""URLs of users' choosing: refused, or read as everybody else reads them.

And what servers say of when to come back.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from urllib3.util import parse_url
from yarl import URL

from chalicelib.protocol import retry_after
from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy

PUBLIC, DEVELOPMENT = UrlPolicy(), UrlPolicy(allows_loopback=True)
NOWS = (0, 784_111_777, 1_795_287_600, 4_102_444_800)
DEFAULT_PORTS = {"http": 80, "https": 443}


def one_input(data: bytes) -> None:
    for text in (data.decode("utf-8", "surrogateescape"), data.decode("latin-1")):
        for policy in (PUBLIC, DEVELOPMENT):
            _url(policy, text)
            _url(policy, f"http://{text}")
        _address(text)
        _instant(text)


def _url(policy: UrlPolicy, url: str) -> None:
    try:
        target = policy.target(url)
    except ForbiddenUrl as refusal:
        assert len(str(refusal)) < 100
        return
    assert target.path.isascii() and target.path.isprintable(), target
    assert " " not in target.path and target.path.startswith("/"), target
    again = f"{target.scheme}://{target.host_header}{target.path}"
    assert policy.target(again) == target
    _is_read_alike(url, target)
    if target.address is None:
        assert not _is_address(target.host), target
    else:
        policy.check(target.address)


def _is_read_alike(url: str, target: Target) -> None:
    """By the three parsers that a request might meet."""
    split, parsed, third = urlsplit(url), parse_url(url), URL(url, encoded=True)
    for scheme, host, port in (
        (split.scheme, split.hostname, split.port),
        (parsed.scheme, parsed.host, parsed.port),
        (third.scheme, third.host, third.explicit_port),
    ):
        assert scheme == target.scheme, url
        assert _same(host or "", target.host), url
        assert (port or DEFAULT_PORTS[target.scheme]) == target.port, url


def _same(host: str, other: str) -> bool:
    host = host.strip("[]").lower()
    if ":" in other:
        return ipaddress.ip_address(host) == ipaddress.ip_address(other)
    return host == other


def _is_address(host: str) -> bool:
    """By the system's own lenient reading."""
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def _address(text: str) -> None:
    try:
        PUBLIC.check(text)
    except ForbiddenUrl:
        return
    address = ipaddress.ip_address(text)
    assert address.is_global and not address.is_multicast, text


def _instant(text: str) -> None:
    for now_seconds in NOWS:
        seconds = retry_after.parse(text, now_seconds)
        assert seconds is None or 0 <= seconds < 1 << 40, text
