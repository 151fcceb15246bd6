"""What comes to a port of media: RTP, RTCP and keys, read or refused by its type."""

from mediaworker.rtp import packet, rtcp, telephone_event
from mediaworker.rtp.packet import Kind, kind_of
from mediaworker.rtp.reception import Reception, round_trip_seconds

SLOT_SECONDS = 0.02


def one_input(data: bytes) -> None:
    """Datagrams, each behind two bytes with its length."""
    receiver = telephone_event.KeyReceiver()
    reception = Reception(1, 8_000)
    for number, datagram in enumerate(datagrams(data)):
        now = number * SLOT_SECONDS
        kind = kind_of(datagram)
        if kind is Kind.RTCP:
            _control(datagram, reception, now)
        elif kind is Kind.RTP:
            _media(datagram, reception, receiver, now)
        else:
            _refuse(datagram)
    assert reception.report(1.0).fraction_lost < 256


def datagrams(data: bytes) -> list[bytes]:
    """The last may be shorter than it says."""
    found = []
    while len(data) > 2:
        end = 2 + int.from_bytes(data[:2])
        found.append(data[2:end])
        data = data[end:]
    return found


def _media(
    datagram: bytes,
    reception: Reception,
    receiver: telephone_event.KeyReceiver,
    now: float,
) -> None:
    try:
        read = packet.parse(datagram)
    except packet.MalformedPacket:
        return
    assert len(read.payload) <= len(datagram) - packet.HEADER_BYTES
    again = packet.header(*read[:5]) + read.payload
    assert packet.parse(again) == read
    reception.receive(read.sequence, read.timestamp, now)
    try:
        receiver.receive(read.payload, read.timestamp, read.has_marker)
    except telephone_event.MalformedTelephoneEvent:
        assert len(read.payload) < 4


def _control(datagram: bytes, reception: Reception, now: float) -> None:
    try:
        packets = rtcp.parse(datagram)
    except rtcp.MalformedRtcp:
        return
    for read in packets:
        if isinstance(read, rtcp.SenderReport):
            reception.hear_sender(read.ntp, now)
        if isinstance(read, rtcp.SenderReport | rtcp.ReceiverReport):
            assert rtcp.parse(rtcp.render([read])) == [read]
            for block in read.blocks:
                round_trip_seconds(block, rtcp.ntp_of(now))


def _refuse(datagram: bytes) -> None:
    """Whatever it is, to read it as one or the other fails as it should."""
    for parse in (packet.parse, rtcp.parse):
        try:
            parse(datagram)
        except (packet.MalformedPacket, rtcp.MalformedRtcp):
            continue
        raise AssertionError("it was read as what it is not")
