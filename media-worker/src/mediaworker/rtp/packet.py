"""RTP packets (RFC 3550 section 5.1), and what else shares their port (RFC 7983)."""

from enum import Enum
from struct import Struct
from typing import NamedTuple

_HEADER = Struct("!BBHII")
_EXTENSION = Struct("!HH")

HEADER_BYTES = 12
VERSION = 2
VERSION_BITS = 0x80
PADDING_BIT = 0x20
EXTENSION_BIT = 0x10
CSRC_MASK = 0x0F
MARKER_BIT = 0x80
TYPE_MASK = 0x7F
WORD_BYTES = 4
RTCP_TYPES = range(192, 224)


class MalformedPacket(ValueError):
    """It is no RTP packet."""


class Kind(Enum):
    """Of a datagram, by its first bytes."""

    STUN = "stun"
    DTLS = "dtls"
    RTP = "rtp"
    RTCP = "rtcp"
    OTHER = "other"


def _kind(first: int) -> Kind:
    if first < 4:
        return Kind.STUN
    if 20 <= first < 64:
        return Kind.DTLS
    return Kind.RTP if 128 <= first < 192 else Kind.OTHER


_KINDS = tuple(_kind(first) for first in range(256))


class RtpPacket(NamedTuple):
    """One packet; contributing sources and header extensions are left out."""

    payload_type: int
    has_marker: bool
    sequence: int
    """Of 16 bits."""
    timestamp: int
    """Of 32 bits, in units of the payload type's clock."""
    ssrc: int
    payload: bytes
    """Without padding; it may be empty."""


def kind_of(datagram: bytes) -> Kind:
    """RFC 7983 section 7, and RFC 5761 section 4 for RTCP; never raises."""
    if not datagram:
        return Kind.OTHER
    kind = _KINDS[datagram[0]]
    if kind is Kind.RTP and len(datagram) > 1 and datagram[1] in RTCP_TYPES:
        return Kind.RTCP
    return kind


def parse(datagram: bytes) -> RtpPacket:
    """Raises `MalformedPacket`."""
    end = len(datagram)
    if end < HEADER_BYTES:
        raise MalformedPacket("it is shorter than its header")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(datagram)
    start = HEADER_BYTES
    if first != VERSION_BITS:
        start, end = _payload_within(datagram, first)
    return RtpPacket(
        second & TYPE_MASK,
        second >= MARKER_BIT,
        sequence,
        timestamp,
        ssrc,
        datagram[start:end],
    )


def _payload_within(datagram: bytes, first: int) -> tuple[int, int]:
    """Where the payload of a packet begins and ends that has more than the usual."""
    if first >> 6 != VERSION:
        raise MalformedPacket("it is of another version")
    end = len(datagram)
    start = HEADER_BYTES + (first & CSRC_MASK) * WORD_BYTES
    if first & EXTENSION_BIT:
        if start + _EXTENSION.size > end:
            raise MalformedPacket("it is shorter than its extension")
        _, words = _EXTENSION.unpack_from(datagram, start)
        start += _EXTENSION.size + words * WORD_BYTES
    if start > end:
        raise MalformedPacket("it is shorter than its sources and extension")
    if first & PADDING_BIT:
        padding = datagram[-1]
        if not 0 < padding <= end - start:
            raise MalformedPacket("its padding is longer than itself")
        end -= padding
    return start, end


def header(
    payload_type: int, has_marker: bool, sequence: int, timestamp: int, ssrc: int
) -> bytes:
    """The twelve bytes that the payload follows.

    Sequence and timestamp may have grown past their bits, as counters do.
    """
    return _HEADER.pack(
        VERSION_BITS,
        payload_type | MARKER_BIT if has_marker else payload_type,
        sequence & 0xFFFF,
        timestamp & 0xFFFFFFFF,
        ssrc,
    )
