"""RTP packets (RFC 3550) and what shares their port (RFC 7983)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.rtp import packet
from mediaworker.rtp.packet import Kind, MalformedPacket, RtpPacket, header, kind_of

SOUND = b"\xff" * 160
PLAIN = header(0, True, 17, 160, 0xDEADBEEF) + SOUND


def test_read_what_was_written() -> None:
    assert packet.parse(PLAIN) == RtpPacket(0, True, 17, 160, 0xDEADBEEF, SOUND)


@given(
    st.integers(0, 127),
    st.booleans(),
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 40),
    st.integers(0, (1 << 32) - 1),
    st.binary(max_size=40),
)
def test_go_both_ways(
    kind: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes
) -> None:
    read = packet.parse(header(kind, marker, sequence, timestamp, ssrc) + payload)
    wrapped = sequence % (1 << 16), timestamp % (1 << 32)
    assert read == RtpPacket(kind, marker, *wrapped, ssrc, payload)


def test_leave_out_sources_extension_and_padding() -> None:
    """RFC 3550 sections 5.1 and 5.3.1."""
    head = bytes([0xB2]) + PLAIN[1:12]
    sources, extension = bytes(8), b"\xbe\xde\x00\x02" + bytes(8)
    whole = head + sources + extension + b"sound" + b"\x00\x00\x03"
    assert packet.parse(whole).payload == b"sound"
    assert packet.parse(bytes([0x82]) + whole[1:20] + b"x").payload == b"x"
    for size in range(12 + 8 + 12):
        with pytest.raises(MalformedPacket):
            packet.parse(whole[:size])


@pytest.mark.parametrize("padding", [b"\x00", b"\x05", b"\xff"])
def test_refuse_padding_that_cannot_be(padding: bytes) -> None:
    with pytest.raises(MalformedPacket, match="padding"):
        packet.parse(bytes([0xA0]) + PLAIN[1:12] + b"abc" + padding)


def test_refuse_padding_where_there_is_nothing_but_a_header() -> None:
    with pytest.raises(MalformedPacket, match="padding"):
        packet.parse(bytes([0xA0]) + PLAIN[1:11] + b"\x01")


@pytest.mark.parametrize("first", [0x00, 0x40, 0xC0])
def test_refuse_another_version(first: int) -> None:
    with pytest.raises(MalformedPacket, match="version"):
        packet.parse(bytes([first]) + PLAIN[1:])


@given(st.binary(max_size=64))
def test_read_or_refuse_whatever_comes(datagram: bytes) -> None:
    try:
        read = packet.parse(datagram)
    except MalformedPacket:
        return
    assert read.payload in datagram


@pytest.mark.parametrize(
    ("datagram", "kind"),
    [
        (b"", Kind.OTHER),
        (b"\x00\x01", Kind.STUN),
        (b"\x03", Kind.STUN),
        (b"\x04", Kind.OTHER),
        (b"\x13", Kind.OTHER),
        (b"\x14", Kind.DTLS),
        (b"\x3f", Kind.DTLS),
        (b"\x40\x00", Kind.OTHER),
        (b"\x7f", Kind.OTHER),
        (b"\x80", Kind.RTP),
        (b"\x80\xbf", Kind.RTP),
        (b"\x80\xc0", Kind.RTCP),
        (b"\x81\xc8", Kind.RTCP),
        (b"\xbf\xdf", Kind.RTCP),
        (b"\x80\xe0", Kind.RTP),
        (b"\xc0\xc8", Kind.OTHER),
    ],
)
def test_tell_apart_what_comes_to_one_port(datagram: bytes, kind: Kind) -> None:
    """RFC 7983 section 7, RFC 5761 section 4."""
    assert kind_of(datagram) is kind
