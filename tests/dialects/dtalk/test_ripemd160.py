"""The hash is the one of its paper, whatever is hashed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.dialects.dtalk import ripemd160

PUBLISHED = [
    (b"", "9c1185a5c5e9fc54612808977ee8f548b2258d31"),
    (b"a", "0bdc9d2d256b3ee9daae347be6f4dc835a467ffe"),
    (b"abc", "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc"),
    (b"message digest", "5d0689ef49d2fae572b881b123a85ffa21595f36"),
    (b"1234567890" * 8, "9b752e45573d4b39f4dbd3323cab82bf63326bfb"),
]


HAS_ORACLE = "ripemd160" in hashlib.algorithms_available


@pytest.mark.parametrize(("data", "digest"), PUBLISHED)
def test_digest_is_the_published_one(data: bytes, digest: str) -> None:
    assert ripemd160.digest(data).hex() == digest


@pytest.mark.skipif(not HAS_ORACLE, reason="this OpenSSL has put it away")
@given(data=st.binary(max_size=200))
def test_digest_is_openssls(data: bytes) -> None:
    expected = hashlib.new("ripemd160", data).digest()
    assert ripemd160.digest(data) == expected
