"""RTCP (RFC 3550 section 6): compound packets of reports, names and farewells."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from struct import Struct

_PACKET = Struct("!BBH")
_SENDER = Struct("!IQIII")
_SOURCE = Struct("!I")
_BLOCK = Struct("!6I")

NTP_OFFSET = 2_208_988_800
"""Seconds from 1900 to 1970."""
SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE = range(200, 204)
VERSION_BITS = 0x80
PADDING_BIT = 0x20
COUNT_MASK = 0x1F
WORD_BYTES = 4
CNAME = 1
MOST_LOST, LEAST_LOST = 0x7FFFFF, -0x800000


class MalformedRtcp(ValueError):
    """It is no RTCP packet."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one side has received of a source (section 6.4.1)."""

    ssrc: int
    fraction_lost: int
    """Of 256, since the last report."""
    packets_lost: int
    """Of 24 bits, with its sign."""
    highest_sequence: int
    """With the count of wraps in its upper 16 bits."""
    jitter: int
    """In units of the source's clock."""
    last_report: int = 0
    """The middle of the last sender report's NTP time (LSR)."""
    since_last_report: int = 0
    """In 1/65536 s (DLSR)."""


@dataclass(frozen=True, slots=True)
class SenderReport:
    """Section 6.4.1."""

    ssrc: int
    ntp: int
    """Of 64 bits: see `ntp_of`."""
    timestamp: int
    packets_sent: int
    octets_sent: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """Section 6.4.2."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceName:
    """A chunk of a source description (section 6.5); its other items are left out."""

    ssrc: int
    cname: str | None


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """Section 6.5."""

    names: tuple[SourceName, ...]


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Section 6.6."""

    ssrcs: tuple[int, ...]
    reason: str = ""


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye


def parse(datagram: bytes) -> list[RtcpPacket]:
    """The packets of a compound, without those of other types.

    Raises `MalformedRtcp` when any length is wrong, whatever came before.
    """
    packets: list[RtcpPacket] = []
    start, end = 0, len(datagram)
    if not end:
        raise MalformedRtcp("it is empty")
    while start < end:
        if start + _PACKET.size > end:
            raise MalformedRtcp("it ends within a header")
        first, kind, words = _PACKET.unpack_from(datagram, start)
        if first >> 6 != VERSION_BITS >> 6:
            raise MalformedRtcp("it is of another version")
        stop = start + (words + 1) * WORD_BYTES
        if stop > end:
            raise MalformedRtcp("it ends within a packet")
        body = datagram[start + _PACKET.size : stop]
        if first & PADDING_BIT:
            body = _unpadded(body, is_last=stop == end)
        read = _READERS.get(kind)
        if read is not None:
            packets.append(read(body, first & COUNT_MASK))
        start = stop
    return packets


def _unpadded(body: bytes, is_last: bool) -> bytes:
    padding = body[-1] if body and is_last else 0
    if not 0 < padding <= len(body) or padding % WORD_BYTES:
        raise MalformedRtcp("its padding is wrong")
    return body[: len(body) - padding]


def _sender_report(body: bytes, count: int) -> SenderReport:
    _expect(body, _SENDER.size)
    ssrc, ntp, timestamp, sent, octets = _SENDER.unpack_from(body)
    blocks = _blocks(body, _SENDER.size, count)
    return SenderReport(ssrc, ntp, timestamp, sent, octets, blocks)


def _receiver_report(body: bytes, count: int) -> ReceiverReport:
    _expect(body, _SOURCE.size)
    (ssrc,) = _SOURCE.unpack_from(body)
    return ReceiverReport(ssrc, _blocks(body, _SOURCE.size, count))


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...]:
    """What follows them is a profile's own extension."""
    end = start + count * _BLOCK.size
    _expect(body, end)
    return tuple(_block(body, at) for at in range(start, end, _BLOCK.size))


def _block(body: bytes, start: int) -> ReportBlock:
    ssrc, loss, *rest = _BLOCK.unpack_from(body, start)
    lost = loss & 0xFFFFFF
    return ReportBlock(
        ssrc, loss >> 24, lost - (1 << 24) if lost > MOST_LOST else lost, *rest
    )


def _source_description(body: bytes, count: int) -> SourceDescription:
    names, start = [], 0
    for _ in range(count):
        _expect(body, start + _SOURCE.size)
        (ssrc,) = _SOURCE.unpack_from(body, start)
        cname, start = _cname(body, start + _SOURCE.size)
        names.append(SourceName(ssrc, cname))
    return SourceDescription(tuple(names))


def _cname(body: bytes, start: int) -> tuple[str | None, int]:
    """That of the chunk whose items begin here, and where the next chunk begins."""
    cname = None
    _expect(body, start + 1)
    while kind := body[start]:
        _expect(body, start + 2)
        text = start + 2
        start = text + body[start + 1]
        _expect(body, start + 1)
        if kind == CNAME:
            cname = body[text:start].decode(errors="replace")
    return cname, (start // WORD_BYTES + 1) * WORD_BYTES


def _goodbye(body: bytes, count: int) -> Goodbye:
    start = count * _SOURCE.size
    _expect(body, start)
    ssrcs = tuple(ssrc for (ssrc,) in _SOURCE.iter_unpack(body[:start]))
    if len(body) == start:
        return Goodbye(ssrcs)
    reason = body[start + 1 :]
    _expect(reason, body[start])
    return Goodbye(ssrcs, reason[: body[start]].decode(errors="replace"))


def _expect(body: bytes, size: int) -> None:
    if len(body) < size:
        raise MalformedRtcp("a packet is shorter than what it holds")


_READERS: dict[int, Callable[[bytes, int], RtcpPacket]] = {
    SENDER_REPORT: _sender_report,
    RECEIVER_REPORT: _receiver_report,
    SOURCE_DESCRIPTION: _source_description,
    GOODBYE: _goodbye,
}


def render(packets: Iterable[RtcpPacket]) -> bytes:
    """A compound packet; texts have at most 255 bytes, and lists 31 elements."""
    return b"".join(_rendered(packet) for packet in packets)


def _rendered(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport(ssrc, ntp, timestamp, sent, octets, blocks):
            head = _SENDER.pack(ssrc, ntp, timestamp, sent, octets)
            return _framed(SENDER_REPORT, len(blocks), head + _packed(blocks))
        case ReceiverReport(ssrc, blocks):
            body = _SOURCE.pack(ssrc) + _packed(blocks)
            return _framed(RECEIVER_REPORT, len(blocks), body)
        case SourceDescription(names):
            body = b"".join(_chunk(name) for name in names)
            return _framed(SOURCE_DESCRIPTION, len(names), body)
    body = b"".join(_SOURCE.pack(ssrc) for ssrc in packet.ssrcs)
    if packet.reason:
        body += _filled(_counted(packet.reason), 0)
    return _framed(GOODBYE, len(packet.ssrcs), body)


def _packed(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        _BLOCK.pack(
            block.ssrc,
            block.fraction_lost << 24
            | max(LEAST_LOST, min(block.packets_lost, MOST_LOST)) & 0xFFFFFF,
            block.highest_sequence & 0xFFFFFFFF,
            block.jitter & 0xFFFFFFFF,
            block.last_report,
            block.since_last_report & 0xFFFFFFFF,
        )
        for block in blocks
    )


def _chunk(name: SourceName) -> bytes:
    item = b"" if name.cname is None else bytes([CNAME]) + _counted(name.cname)
    return _SOURCE.pack(name.ssrc) + _filled(item, 1)


def _counted(text: str) -> bytes:
    data = text.encode()
    return bytes([len(data)]) + data


def _filled(data: bytes, least: int) -> bytes:
    """With zeros to a whole number of words, at least so many."""
    return data + bytes(least + -(len(data) + least) % WORD_BYTES)


def _framed(kind: int, count: int, body: bytes) -> bytes:
    if count > COUNT_MASK:
        raise ValueError("a packet holds 31 elements at most")
    return _PACKET.pack(VERSION_BITS | count, kind, len(body) // WORD_BYTES) + body


def ntp_of(unix_seconds: float) -> int:
    """The 64 bits of an NTP timestamp (section 4)."""
    return int((unix_seconds + NTP_OFFSET) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def middle_of(ntp: int) -> int:
    """The 32 bits that reports refer to: 1/65536 s, modulo 18 hours."""
    return ntp >> 16 & 0xFFFFFFFF
