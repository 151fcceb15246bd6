"""Which addresses outgoing requests may go to."""

import ipaddress
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy
from tests.protocol.hostile_urls import RESOLVED, TARGETS

PUBLIC = UrlPolicy()
DEVELOPMENT = UrlPolicy(allows_loopback=True)

GOOD = (
    ("https://shop.example/hook", Target("https", "shop.example", 443, "/hook")),
    ("http://shop.example", Target("http", "shop.example", 80, "/")),
    ("http://shop.example?x=1", Target("http", "shop.example", 80, "/?x=1")),
    ("http://a.example:81/h?x=1", Target("http", "a.example", 81, "/h?x=1")),
    ("HTTPS://Shop.EXAMPLE/Hook", Target("https", "shop.example", 443, "/Hook")),
    ("https://a.example:65535/", Target("https", "a.example", 65535, "/")),
    ("https://a.example:00443/", Target("https", "a.example", 443, "/")),
    ("https://93.184.216.34/h", Target("https", "93.184.216.34", 443, "/h")),
    ("http://8.8.8.8:53/", Target("http", "8.8.8.8", 53, "/")),
    ("https://[2606:4700::1111]/h", Target("https", "2606:4700::1111", 443, "/h")),
    ("http://[2606:4700:0::0:1111]", Target("http", "2606:4700::1111", 80, "/")),
    ("http://[::ffff:8.8.8.8]/", Target("http", "::ffff:808:808", 80, "/")),
    ("http://[64:ff9b::8.8.8.8]/", Target("http", "64:ff9b::808:808", 80, "/")),
    (
        "https://xn--mnchen-3ya.example/",
        Target("https", "xn--mnchen-3ya.example", 443, "/"),
    ),
    ("https://my_shop.example/", Target("https", "my_shop.example", 443, "/")),
    ("https://1and1.example/", Target("https", "1and1.example", 443, "/")),
    ("https://4chan.3com", Target("https", "4chan.3com", 443, "/")),
    ("https://127.0.0.1.nip.io/", Target("https", "127.0.0.1.nip.io", 443, "/")),
    ("https://localhost.example/", Target("https", "localhost.example", 443, "/")),
    ("https://internal.example/", Target("https", "internal.example", 443, "/")),
    ("https://shop.example/@ana", Target("https", "shop.example", 443, "/@ana")),
    ("https://shop.example//a//b", Target("https", "shop.example", 443, "//a//b")),
    (
        "https://shop.example/a?u=http://b/",
        Target("https", "shop.example", 443, "/a?u=http://b/"),
    ),
    ("https://shop.example/%0d%0a", Target("https", "shop.example", 443, "/%0d%0a")),
    (
        "https://shop.example/grüße",
        Target("https", "shop.example", 443, "/gr%C3%BC%C3%9Fe"),
    ),
    (
        "https://shop.example/你?好",
        Target("https", "shop.example", 443, "/%E4%BD%A0?%E5%A5%BD"),
    ),
    (
        'https://shop.example/{a|"b"}',
        Target("https", "shop.example", 443, "/%7Ba%7C%22b%22%7D"),
    ),
    (f"https://{'a' * 63}.example/", Target("https", f"{'a' * 63}.example", 443, "/")),
)


@pytest.mark.parametrize(("url", "target"), GOOD)
def test_target_of_a_web_url(url: str, target: Target) -> None:
    assert PUBLIC.target(url) == target


@pytest.mark.parametrize("url", TARGETS, ids=lambda url: ascii(url)[:60])
def test_target_of_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenUrl) as refusal:
        PUBLIC.target(url)
    assert 5 < len(str(refusal.value)) < 80


def test_there_are_hundreds_of_hostile_urls() -> None:
    assert len(set(TARGETS)) >= 300


@pytest.mark.parametrize(("url", "addresses"), RESOLVED)
def test_a_hostile_name_is_refused_for_what_it_becomes(
    url: str, addresses: tuple[str, ...]
) -> None:
    assert PUBLIC.target(url).address is None
    with pytest.raises(ForbiddenUrl):
        for address in addresses:
            PUBLIC.check(address)


def test_a_giant_url_is_refused_at_once() -> None:
    began = time.monotonic()
    for piece in ("@", "[", "a.", ":", "%", "0x", "é"):
        with pytest.raises(ForbiddenUrl):
            PUBLIC.target("http://" + piece * 1_000_000)
        with pytest.raises(ForbiddenUrl):
            PUBLIC.target("http://" + piece * 3_000)
    assert time.monotonic() - began < 1


@given(st.text(alphabet="0123456789xabcdefABCDEF.[]:", min_size=1, max_size=24))
def test_nothing_that_the_system_reads_as_an_address_is_taken_for_a_name(
    host: str,
) -> None:
    try:
        target = PUBLIC.target(f"http://{host}/")
    except ForbiddenUrl:
        return
    if target.address is not None:
        assert ipaddress.ip_address(target.address)
        return
    with pytest.raises(OSError):
        socket.inet_aton(target.host)


@given(st.text(max_size=40), st.sampled_from(["", "http://", "https://a.example/"]))
def test_a_target_is_plain_ascii_and_the_same_again(text: str, before: str) -> None:
    try:
        target = DEVELOPMENT.target(before + text)
    except ForbiddenUrl:
        return
    assert target.path.isascii() and target.path.isprintable()
    assert target.path.startswith("/") and " " not in target.path
    again = f"{target.scheme}://{target.host_header}{target.path}"
    assert DEVELOPMENT.target(again) == target


@pytest.mark.parametrize(
    ("url", "header", "address"),
    [
        ("https://shop.example/", "shop.example", None),
        ("http://shop.example:443/", "shop.example:443", None),
        ("https://shop.example:80/", "shop.example:80", None),
        ("https://8.8.8.8:8443/", "8.8.8.8:8443", "8.8.8.8"),
        ("https://[2606:4700::1111]/", "[2606:4700::1111]", "2606:4700::1111"),
        ("http://[2606:4700::1111]:8/", "[2606:4700::1111]:8", "2606:4700::1111"),
    ],
)
def test_a_target_names_its_host(url: str, header: str, address: str | None) -> None:
    target = PUBLIC.target(url)
    assert (target.host_header, target.address) == (header, address)
    assert target.is_secure == url.startswith("https")


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"]
)
def test_public_addresses_are_allowed(address: str) -> None:
    PUBLIC.check(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "0.0.0.0",
        "::",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2002:808:808::",
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "not-an-address",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ForbiddenUrl):
        PUBLIC.check(address)


@given(st.ip_addresses())
def test_no_address_is_allowed_that_python_knows_to_be_private(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    try:
        PUBLIC.check(str(address))
    except ForbiddenUrl:
        return
    assert address.is_global and not address.is_multicast


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_allowed_in_development(address: str) -> None:
    DEVELOPMENT.check(address)


@pytest.mark.parametrize(
    "url",
    ["http://localhost:8000/", "http://127.0.0.1/", "http://[::1]:1/", "http://box"],
)
def test_names_of_this_machine_are_allowed_in_development(url: str) -> None:
    DEVELOPMENT.target(url)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "168.63.129.16",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "10.0.0.1",
        "0.0.0.0",
    ],
)
def test_the_clouds_own_addresses_are_refused_even_in_development(
    address: str,
) -> None:
    with pytest.raises(ForbiddenUrl):
        DEVELOPMENT.check(address)


@pytest.mark.parametrize("host", ["metadata", "metadata.google.internal", "0", "127.1"])
def test_tricks_are_refused_even_in_development(host: str) -> None:
    with pytest.raises(ForbiddenUrl):
        DEVELOPMENT.target(f"http://{host}/")
