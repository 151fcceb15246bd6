"""Session descriptions (RFC 8866)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.rtp import sdp
from mediaworker.rtp.sdp import (
    Attribute,
    MalformedSdp,
    Media,
    Origin,
    SessionDescription,
)
from tests.worker.rtp.descriptions import NAMES, described, text_of

HEAD = "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\n"
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)
NAMES_OF_ATTRIBUTES = st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True)
TEXTS = st.text(
    st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), max_size=30
).map(str.rstrip)
ADDRESSES = st.sampled_from(["192.0.2.1", "2001:db8::1", "pbx.example.com", "0.0.0.0"])
BANDWIDTHS = st.lists(TEXTS, max_size=2).map(tuple)
ATTRIBUTES = st.lists(
    st.builds(Attribute, NAMES_OF_ATTRIBUTES, st.none() | TEXTS), max_size=6
).map(tuple)
MEDIA = st.builds(
    Media,
    WORDS,
    st.integers(0, 65_535),
    WORDS,
    st.lists(WORDS, min_size=1, max_size=4).map(tuple),
    st.integers(1, 9),
    st.none() | ADDRESSES,
    BANDWIDTHS,
    ATTRIBUTES,
)
DESCRIPTIONS = st.builds(
    SessionDescription,
    st.builds(Origin, WORDS, WORDS, WORDS, ADDRESSES),
    TEXTS,
    st.none() | ADDRESSES,
    BANDWIDTHS,
    ATTRIBUTES,
    st.lists(MEDIA, max_size=4).map(tuple),
)


@given(DESCRIPTIONS)
def test_go_both_ways(description: SessionDescription) -> None:
    text = sdp.render(description)
    assert sdp.parse(text) == description
    assert sdp.parse(text.replace("\r\n", "\n")) == description


@pytest.mark.parametrize("name", NAMES)
def test_read_or_refuse_a_real_one_cut_anywhere(name: str) -> None:
    text = text_of(name)
    whole = sdp.parse(text)
    assert sdp.parse(sdp.render(whole)) == whole
    for size in range(len(text)):
        try:
            sdp.parse(text[:size])
        except MalformedSdp as error:
            assert len(str(error)) < 100


@given(st.text(st.sampled_from("vomcas=0 1/:IN\r\n\0é\ud800"), max_size=60))
def test_read_or_refuse_whatever_comes(text: str) -> None:
    for start in ("", HEAD):
        try:
            sdp.render(sdp.parse(start + text)).encode()
        except MalformedSdp as error:
            assert len(str(error)) < 100


def test_read_every_line_that_counts() -> None:
    read = described("static_types")
    assert read.origin == Origin("Cisco Systems", "8000", "8000", "2001:db8::5")
    assert (read.name, read.connection) == ("SIP Call", "2001:db8::5")
    assert read.bandwidths == ("AS:4064",)
    (media,) = read.media
    assert (media.port, media.port_count) == (20_000, 2)
    assert media.formats == ("8", "0", "9", "13")


def test_tolerate_what_phones_get_wrong() -> None:
    """Blanks at the ends of lines, no ``t=``, what is no line, a ``c=`` too many."""
    text = "\n\nv=0 \no=- 1 2 IN IP4 h \nhello\n=\nq=1\nm=audio 9  RTP/AVP 0 \na=x \n"
    read = sdp.parse(text + "c=IN IP4 224.2.1.1/127/3\nc=IN IP4 192.0.2.1\na=:\na=\n")
    (media,) = read.media
    assert read.name == "-"
    assert media.formats == ("0",)
    assert media.connection == "224.2.1.1"
    assert media.attributes == (Attribute("x"), Attribute("", ""), Attribute(""))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o=- 1 2 IN IP4 h\r\n",
        "v=1\r\no=- 1 2 IN IP4 h\r\n",
        "s=-\r\nv=0\r\no=- 1 2 IN IP4 h\r\n",
        "v=0\r\ns=-\r\n",
        "v=0\r\no=- 1 2 IN IP4\r\n",
        HEAD + "m=audio 9 RTP/AVP\r\n",
        HEAD + "m=audio x RTP/AVP 0\r\n",
        HEAD + "m=audio 65536 RTP/AVP 0\r\n",
        HEAD + "m=audio -1 RTP/AVP 0\r\n",
        HEAD + "m=audio ١ RTP/AVP 0\r\n",
        HEAD + "m=audio 00000000009 RTP/AVP 0\r\n",
        HEAD + "m=audio 9/0 RTP/AVP 0\r\n",
        HEAD + "m=audio 9/ RTP/AVP 0\r\n",
        HEAD + "c=IN IP4\r\n",
        HEAD + "c=IN IP4 /3\r\n",
        HEAD + "a=\0\r\n",
        HEAD + "a=\udc80\r\n",
        HEAD + "a=" + "x" * sdp.MOST_LINE_BYTES + "\r\n",
        HEAD + "m=audio 9 RTP/AVP 0\r\n" * 33,
        HEAD + "a=\r\n" * sdp.MOST_LINES,
        HEAD + "a=x\r\n" * (sdp.MOST_BYTES // 5),
    ],
)
def test_refuse_what_is_no_description(text: str) -> None:
    with pytest.raises(MalformedSdp):
        sdp.parse(text)


def test_read_as_much_as_there_may_be() -> None:
    text = HEAD + "m=audio 9 RTP/AVP 0\r\n" * 32 + "a=é" + "x" * 8_000 + "\r\n"
    assert len(sdp.parse(text).media) == sdp.MOST_MEDIA
