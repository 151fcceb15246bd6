"""Which addresses outgoing requests may go to."""

import pytest

from chalicelib.protocol.url_policy import ForbiddenUrl, Target, UrlPolicy

PUBLIC = UrlPolicy()
DEVELOPMENT = UrlPolicy(allows_loopback=True)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://shop.example/hook", Target("https", "shop.example", 443, "/hook")),
        ("http://shop.example", Target("http", "shop.example", 80, "/")),
        ("http://a.example:81/h?x=1", Target("http", "a.example", 81, "/h?x=1")),
        ("https://[2001:db8::1]/h", Target("https", "2001:db8::1", 443, "/h")),
    ],
)
def test_target_of_a_web_url(url: str, target: Target) -> None:
    assert PUBLIC.target(url) == target


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hook",
        "/hook",
        "ftp://shop.example/",
        "file:///etc/passwd",
        "http://",
        "http:///path",
        "http://user:secret@shop.example/",
        "http://user@shop.example/",
        "http://shop.example:99999/",
        "http://shop.example:port/",
        "http://[::1/",
        "http://shop.example/\r\nX-Injected: 1",
        "http://shop example/",
        "http://shop.example\\@internal/",
        "http://shop.example/\x7f",
    ],
)
def test_target_of_anything_else_is_refused(url: str) -> None:
    with pytest.raises(ForbiddenUrl):
        PUBLIC.target(url)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1"])
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
        "2001:0:4136:e378:8000:63bf:f5ff:fffe",
        "not-an-address",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ForbiddenUrl):
        PUBLIC.check(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_allowed_in_development(address: str) -> None:
    DEVELOPMENT.check(address)


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "10.0.0.1",
    ],
)
def test_the_clouds_own_addresses_are_refused_even_in_development(
    address: str,
) -> None:
    with pytest.raises(ForbiddenUrl):
        DEVELOPMENT.check(address)
