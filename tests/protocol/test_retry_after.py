"""RFC 9110 section 10.2.3: Retry-After."""

import email.utils

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.protocol import retry_after

NOW = 784_111_777
"""Sun, 06 Nov 1994 08:49:37 GMT, of RFC 9110 section 5.6.7."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7\t", 7),
        ("0000000007", 7),
        ("9999999999", 9_999_999_999),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("Sunday, 06-Nov-94 08:50:37 GMT", 60),
        ("Sun Nov  6 09:49:37 1994", 3_600),
        ("Sun Nov 06 09:49:37 1994", 3_600),
        ("Sat, 05 Nov 1994 08:49:37 GMT", 0),
        ("Sat, 31 Dec 1994 23:59:60 GMT", 4_806_623),
        ("Wednesday, 06-Nov-44 08:49:37 GMT", 1_577_923_200),
        ("Monday, 06-Nov-45 08:49:37 GMT", 0),
    ],
)
def test_parse_seconds_and_dates(text: str, seconds: int) -> None:
    assert retry_after.parse(text, NOW) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "1_0",
        "①",
        "٣",
        "1, 2",
        "12345678901",
        "9" * 10_000,
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:00:61 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
        "1994-11-06T08:49:37Z",
    ],
)
def test_parse_anything_else_as_nothing(text: str) -> None:
    assert retry_after.parse(text, NOW) is None


@given(st.integers(0, 4_000_000_000), st.integers(0, 4_000_000_000))
def test_parse_what_is_sent(at_seconds: int, now_seconds: int) -> None:
    sent = email.utils.formatdate(at_seconds, usegmt=True)
    assert retry_after.parse(sent, now_seconds) == max(0, at_seconds - now_seconds)


@given(st.text(), st.integers(0, 4_000_000_000))
def test_parse_never_fails(text: str, now_seconds: int) -> None:
    seconds = retry_after.parse(text, now_seconds)
    assert seconds is None or seconds >= 0
