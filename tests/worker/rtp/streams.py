"""Streams and packets for their tests."""

from collections.abc import Mapping

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.audio.coders import coder_of
from mediaworker.audio.opus import OpusLibrary
from mediaworker.opus_path import opus_paths
from mediaworker.rtp.negotiation_terms import Terms
from mediaworker.rtp.packet import header
from mediaworker.rtp.stream import MediaStream

LIBRARY = OpusLibrary(*opus_paths())
TYPES = {Codec.PCMU: 0, Codec.PCMA: 8, Codec.G722: 9, Codec.OPUS: 111}
KEYS = 101
CNAME = "nobody@example.org"
SSRC, THEIRS = 0x11111111, 0x22222222
FIRST_SEQUENCE, FIRST_TIMESTAMP = 65_534, (1 << 32) - 320
EPOCH = 1_795_000_000.0
"""The time of day, in seconds since 1970, at ``now`` 0."""


def terms(
    codec: Codec,
    keys_type: int | None = KEYS,
    keys_receive: Mapping[int, int] | None = None,
    keys_rate: int | None = 8_000,
) -> Terms:
    kind = TYPES[codec]
    receive = {KEYS: 8_000} if keys_receive is None else keys_receive
    return Terms(
        codec, kind, frozenset({kind}), keys_type, receive, keys_rate=keys_rate
    )


def stream_of(codec: Codec = Codec.PCMU, agreed: Terms | None = None) -> MediaStream:
    return MediaStream(
        agreed or terms(codec),
        coder_of(codec, LIBRARY),
        ssrc=SSRC,
        first_sequence=FIRST_SEQUENCE,
        first_timestamp=FIRST_TIMESTAMP,
        cname=CNAME,
        now=0.0,
    )


class Far:
    """The far end: packets of 20 ms, and the slots at our side."""

    def __init__(self, stream: MediaStream, codec: Codec = Codec.PCMU) -> None:
        self.stream = stream
        self.codec = codec
        self.coder = coder_of(codec, LIBRARY)
        self.ssrc = THEIRS
        self.sequence = 65_530
        self.timestamp = (1 << 32) - 640
        self.now = 0.0

    def packet(
        self, payload: bytes, kind: int | None = None, *, has_marker: bool = False
    ) -> bytes:
        """The next one, with the present timestamp."""
        kind = TYPES[self.codec] if kind is None else kind
        head = header(kind, has_marker, self.sequence, self.timestamp, self.ssrc)
        self.sequence += 1
        return head + payload

    def pass_time(self, slots: int = 1) -> None:
        self.timestamp += slots * self.coder.clock_rate // 50
        self.now += slots * 0.02

    def send(
        self, payload: bytes, kind: int | None = None, *, has_marker: bool = False
    ) -> None:
        packet = self.packet(payload, kind, has_marker=has_marker)
        self.stream.receive_rtp(packet, self.now)

    def slot(self) -> bytes | None:
        """Our side hears one."""
        frame = self.stream.take()
        self.pass_time()
        return frame

    def say(self, *payloads: bytes | None) -> list[bytes | None]:
        """A packet and a slot, again and again; None for one that is lost."""
        heard = []
        for payload in payloads:
            if payload is None:
                self.sequence += 1
            else:
                self.send(payload)
            heard.append(self.slot())
        return heard
