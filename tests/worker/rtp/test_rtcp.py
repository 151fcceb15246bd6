"""RTCP (RFC 3550 section 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediaworker.rtp import rtcp
from mediaworker.rtp.rtcp import (
    Goodbye,
    MalformedRtcp,
    ReceiverReport,
    ReportBlock,
    RtcpPacket,
    SenderReport,
    SourceDescription,
    SourceName,
)

WORDS = st.integers(0, (1 << 32) - 1)
TEXTS = st.text(max_size=50)
BLOCKS = st.lists(
    st.builds(
        ReportBlock,
        WORDS,
        st.integers(0, 255),
        st.integers(-(1 << 23), (1 << 23) - 1),
        WORDS,
        WORDS,
        WORDS,
        WORDS,
    ),
    max_size=31,
).map(tuple)
NAMES = st.lists(st.builds(SourceName, WORDS, st.none() | TEXTS), max_size=5).map(tuple)
PACKETS = st.one_of(
    st.builds(
        SenderReport, WORDS, st.integers(0, (1 << 64) - 1), WORDS, WORDS, WORDS, BLOCKS
    ),
    st.builds(ReceiverReport, WORDS, BLOCKS),
    st.builds(SourceDescription, NAMES),
    st.builds(Goodbye, st.lists(WORDS, max_size=31).map(tuple), TEXTS),
)
BLOCK = ReportBlock(7, 12, -3, 70_000, 40, 0x12345678, 65_536)
REPORT = SenderReport(5, rtcp.ntp_of(1_000.5), 160, 50, 8_000, (BLOCK,))
NAME = SourceDescription((SourceName(5, "parley"),))
WHOLE = rtcp.render([REPORT, NAME, Goodbye((5,), "over")])


@given(st.lists(PACKETS, min_size=1, max_size=4))
def test_go_both_ways(packets: list[RtcpPacket]) -> None:
    datagram = rtcp.render(packets)
    assert len(datagram) % 4 == 0
    assert rtcp.parse(datagram) == packets


def test_refuse_a_compound_cut_within_a_packet() -> None:
    ends = {0, len(rtcp.render([REPORT])), len(rtcp.render([REPORT, NAME]))} - {0}
    for size in range(len(WHOLE)):
        if size in ends:
            assert rtcp.parse(WHOLE[:size])
        else:
            with pytest.raises(MalformedRtcp):
                rtcp.parse(WHOLE[:size])


@given(st.binary(max_size=120))
def test_read_or_refuse_whatever_comes(data: bytes) -> None:
    """With a right first header, so that something is read at all."""
    for kind in range(200, 208):
        for count in (0, 1, 2):
            body = data[: len(data) // 4 * 4]
            head = bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2)
            try:
                assert len(rtcp.parse(head + body)) <= 1
            except MalformedRtcp as error:
                assert "\n" not in str(error)


@pytest.mark.parametrize("kind", [199, 204, 205, 206, 207, 223])
def test_skip_packets_of_other_types(kind: int) -> None:
    """APP, RTPFB and PSFB (RFC 4585), XR (RFC 3611), and what is not known."""
    other = bytes([0x8F, kind, 0, 3]) + bytes(12)
    assert rtcp.parse(other + rtcp.render([NAME]) + other) == [NAME]
    with pytest.raises(MalformedRtcp):
        rtcp.parse(other[:-1])


def test_leave_out_a_profile_s_extension_and_other_items() -> None:
    report = bytes([0x80, 201, 0, 3]) + bytes(4) + b"extended"
    assert rtcp.parse(report) == [ReceiverReport(0)]
    items = b"\x02\x01N" + b"\x01\x02cn" + b"\x06\x00" + b"\x00\x00\x00"
    chunk = b"\x00\x00\x00\x09" + items
    head = bytes([0x81, 202, 0, len(chunk) // 4])
    assert rtcp.parse(head + chunk) == [SourceDescription((SourceName(9, "cn"),))]


def test_take_padding_off_the_last_packet() -> None:
    """RFC 3550 section 6.4.1."""
    padded = bytes([0xA1, 203, 0, 2]) + bytes(4) + b"\x00\x00\x00\x04"
    assert rtcp.parse(padded) == [Goodbye((0,))]
    for wrong in (0, 3, 12):
        with pytest.raises(MalformedRtcp, match="padding"):
            rtcp.parse(padded[:-1] + bytes([wrong]))
    with pytest.raises(MalformedRtcp, match="padding"):
        rtcp.parse(padded + rtcp.render([NAME]))
    with pytest.raises(MalformedRtcp, match="padding"):
        rtcp.parse(b"\xa0\xcb\x00\x00")


def test_refuse_another_version() -> None:
    with pytest.raises(MalformedRtcp, match="version"):
        rtcp.parse(bytes([0x41]) + WHOLE[1:])


def test_keep_the_loss_within_its_bits() -> None:
    """RFC 3550 section 6.4.1: 24 bits, with a sign."""
    for lost, told in ((1 << 30, (1 << 23) - 1), (-(1 << 30), -(1 << 23))):
        block = ReportBlock(1, 0, lost, 0, 0)
        (read,) = rtcp.parse(rtcp.render([ReceiverReport(2, (block,))]))
        assert isinstance(read, ReceiverReport)
        assert read.blocks[0].packets_lost == told


def test_render_no_more_than_a_packet_can_hold() -> None:
    with pytest.raises(ValueError, match="31"):
        rtcp.render([Goodbye(tuple(range(32)))])
    with pytest.raises(ValueError):
        rtcp.render([SourceDescription((SourceName(1, "x" * 256),))])


def test_tell_the_time_since_1900() -> None:
    """RFC 3550 section 4."""
    assert rtcp.ntp_of(0.0) == 2_208_988_800 << 32
    assert rtcp.ntp_of(0.5) & 0xFFFFFFFF == 1 << 31
    assert rtcp.middle_of(0x0123456789ABCDEF) == 0x456789AB
    assert rtcp.ntp_of(1e10) < 1 << 64
