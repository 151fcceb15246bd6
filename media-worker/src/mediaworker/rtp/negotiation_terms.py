"""What a description of their audio and our codecs have in common."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp.sdp import Media, number
from mediaworker.rtp.sdp_attributes import milliseconds_of
from mediaworker.rtp.sdp_formats import RtpMap, parameters_of, rtp_maps

SLOT_MS = 20
MOST_PTIME_MS = 60
MOST_BITRATE = 510_000
LEAST_BITRATE = 6_000
KEYS = "telephone-event"
KEYS_RATES = (8_000, 48_000)
KEYS_FMTP = "0-15"
OPUS_FMTP = (
    "minptime=10;useinbandfec=1;stereo=0;sprop-stereo=0"
    ";maxplaybackrate=16000;sprop-maxcapturerate=16000;maxaveragebitrate=32000"
)
"""We hear and speak 16 kHz, mono; speech has no use for more than 32 kbit/s."""

OFFERED = {
    Codec.PCMU: RtpMap(0, "PCMU", 8_000),
    Codec.PCMA: RtpMap(8, "PCMA", 8_000),
    Codec.G722: RtpMap(9, "G722", 8_000),
    Codec.OPUS: RtpMap(111, "opus", 48_000, 2, OPUS_FMTP),
}
"""G.722's clock is what RFC 3551 section 4.5.2 made it, whatever its samples."""
OFFERED_KEYS = {8_000: 101, 48_000: 110}


class NotAcceptable(ValueError):
    """There is nothing that both sides can do: SIP's 488. One plain sentence."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed upon for the audio, seen from us."""

    codec: Codec
    payload_type: int
    """We send with it."""
    receive_types: frozenset[int]
    """Those that carry the codec towards us."""
    keys_type: int | None
    """We send telephone-event with it; None when they cannot take any."""
    keys_receive: Mapping[int, int]
    """Payload types of telephone-event towards us, and their clock rates."""
    ptime_ms: int = 20
    """How much audio they wish for in a packet: 20, 40 or 60 ms."""
    max_bitrate: int | None = None
    """Bits per second that Opus may have towards them, if they say so."""
    keys_rate: int | None = None
    """The clock rate of `keys_type`."""


def clock_rate_of(codec: Codec) -> int:
    """Of its RTP timestamps."""
    return OFFERED[codec].clock_rate


def codec_of(rtp_map: RtpMap) -> Codec | None:
    match rtp_map.encoding, rtp_map.clock_rate, rtp_map.channels:
        case "opus", 48_000, 1 | 2:
            return Codec.OPUS
        case "g722", 8_000 | 16_000, 1:
            return Codec.G722
        case "pcmu", 8_000, 1:
            return Codec.PCMU
        case "pcma", 8_000, 1:
            return Codec.PCMA
    return None


def agreed_by_answer(media: Media, codecs: Iterable[Codec]) -> Terms:
    """The first codec of theirs that is one of ours, under their numbers.

    Raises `NotAcceptable`.
    """
    codec, chosen = _chosen(media, frozenset(codecs))
    keys = _keys(media, clock_rate_of(codec))
    return _terms(media, codec, chosen, keys, frozenset(), {})


def agreed_by_offer(media: Media, formats: Sequence[RtpMap]) -> Terms:
    """What their answer takes of the formats that we offered.

    They send under our numbers, or, wrongly, under theirs; some send digits that
    they did not agree to. Raises `NotAcceptable`.
    """
    ours = {codec_of(lowered(rtp_map)): rtp_map.payload_type for rtp_map in formats}
    codec, chosen = _chosen(media, frozenset(c for c in ours if c is not None))
    keys = _keys(media, clock_rate_of(codec))
    offered = {f.payload_type: f.clock_rate for f in formats if f.encoding == KEYS}
    return _terms(media, codec, chosen, keys, frozenset({ours[codec]}), offered)


def lowered(rtp_map: RtpMap) -> RtpMap:
    """As it is read back."""
    return RtpMap(
        rtp_map.payload_type,
        rtp_map.encoding.lower(),
        rtp_map.clock_rate,
        rtp_map.channels,
        rtp_map.parameters,
    )


def answered_formats(terms: Terms) -> list[RtpMap]:
    """Of an answer, or of an offer that changes no codec: the codec alone, so that
    they cannot change to another one by themselves; and telephone-event."""
    kind = OFFERED[terms.codec]
    chosen = RtpMap(
        terms.payload_type,
        kind.encoding,
        kind.clock_rate,
        kind.channels,
        kind.parameters,
    )
    return [chosen, *(_key_map(*keys) for keys in terms.keys_receive.items())]


def offered_formats(codecs: Iterable[Codec]) -> list[RtpMap]:
    """All of ours in their order, and telephone-event for each of their clocks."""
    chosen = [OFFERED[codec] for codec in dict.fromkeys(codecs) if codec in OFFERED]
    rates = dict.fromkeys(rtp_map.clock_rate for rtp_map in chosen)
    return chosen + [_key_map(OFFERED_KEYS[rate], rate) for rate in rates]


def _key_map(payload_type: int, clock_rate: int) -> RtpMap:
    return RtpMap(payload_type, KEYS, clock_rate, parameters=KEYS_FMTP)


def _chosen(media: Media, codecs: frozenset[Codec]) -> tuple[Codec, RtpMap]:
    for rtp_map in rtp_maps(media):
        codec = codec_of(rtp_map)
        if codec is not None and codec in codecs:
            return codec, rtp_map
    raise NotAcceptable("there is no codec that both sides have")


def _keys(media: Media, clock_rate: int) -> dict[int, int]:
    """Payload types and clock rates; those of the codec's own clock come first."""
    found = [
        (rtp_map.payload_type, rtp_map.clock_rate)
        for rtp_map in rtp_maps(media)
        if rtp_map.encoding == KEYS and rtp_map.clock_rate in KEYS_RATES
    ]
    return dict(sorted(found, key=lambda keys: keys[1] != clock_rate))


def _terms(
    media: Media,
    codec: Codec,
    chosen: RtpMap,
    keys: dict[int, int],
    more_types: frozenset[int],
    more_keys: dict[int, int],
) -> Terms:
    types = more_types | {chosen.payload_type}
    receive = {t: rate for t, rate in (keys | more_keys).items() if t not in types}
    keys_type = next(iter(keys), None)
    return Terms(
        codec,
        chosen.payload_type,
        types,
        keys_type,
        receive,
        _ptime_ms(media),
        _max_bitrate(chosen) if codec is Codec.OPUS else None,
        None if keys_type is None else keys[keys_type],
    )


def _ptime_ms(media: Media) -> int:
    """What they wish for, in whole slots."""
    wished = milliseconds_of(media, "ptime") or SLOT_MS
    most = min(milliseconds_of(media, "maxptime") or MOST_PTIME_MS, MOST_PTIME_MS)
    return max(min(wished, most) // SLOT_MS * SLOT_MS, SLOT_MS)


def _max_bitrate(chosen: RtpMap) -> int | None:
    """RFC 7587 section 6.1."""
    text = parameters_of(chosen).get("maxaveragebitrate", "")
    bitrate = number(text, MOST_BITRATE)
    return None if bitrate is None else max(bitrate, LEAST_BITRATE)
