"""What the payload types of a session description stand for."""

from dataclasses import dataclass

from mediaworker.rtp.sdp import Attribute, Media, number
from mediaworker.rtp.sdp_attributes import values

MOST_TYPE = 127
MOST_CLOCK_RATE = 1_000_000
STATIC = {0: ("pcmu", 8_000, 1), 8: ("pcma", 8_000, 1), 9: ("g722", 8_000, 1)}
"""Of the payload types of RFC 3551, those that we could want."""


@dataclass(frozen=True, slots=True)
class RtpMap:
    """What a payload type stands for (RFC 8866 section 6.6)."""

    payload_type: int
    encoding: str
    """In lower case."""
    clock_rate: int
    channels: int = 1
    parameters: str = ""
    """Of its ``fmtp`` line."""


def rtp_maps(media: Media) -> tuple[RtpMap, ...]:
    """In the order of the ``m=`` line, each payload type once; those of the static
    ones that we know need no ``rtpmap``."""
    encodings = _by_payload_type(media, "rtpmap")
    parameters = _by_payload_type(media, "fmtp")
    found = []
    for payload_type in dict.fromkeys(number(f, MOST_TYPE) for f in media.formats):
        if payload_type is None:
            continue
        encoding = _encoding(encodings.get(payload_type, "")) or STATIC.get(
            payload_type
        )
        if encoding is not None:
            more = parameters.get(payload_type, "")
            found.append(RtpMap(payload_type, *encoding, more))
    return tuple(found)


def _by_payload_type(media: Media, name: str) -> dict[int, str]:
    """What the first line of each says."""
    found: dict[int, str] = {}
    for value in values(media.attributes, name):
        head, _, rest = value.strip().partition(" ")
        payload_type = number(head, MOST_TYPE)
        if payload_type is not None:
            found.setdefault(payload_type, rest.strip())
    return found


def _encoding(text: str) -> tuple[str, int, int] | None:
    name, *rest = text.strip().split("/")
    clock_rate = number(rest[0], MOST_CLOCK_RATE) if rest else None
    channels = number(rest[1], MOST_TYPE) if len(rest) > 1 else 1
    if not (name and clock_rate and channels):
        return None
    return name.lower(), clock_rate, channels


def render_rtp_map(rtp_map: RtpMap) -> tuple[Attribute, ...]:
    """Its ``rtpmap``, and its ``fmtp`` if it has one."""
    text = f"{rtp_map.payload_type} {rtp_map.encoding}/{rtp_map.clock_rate}"
    if rtp_map.channels > 1:
        text += f"/{rtp_map.channels}"
    if not rtp_map.parameters:
        return (Attribute("rtpmap", text),)
    fmtp = Attribute("fmtp", f"{rtp_map.payload_type} {rtp_map.parameters}")
    return Attribute("rtpmap", text), fmtp


def parameters_of(rtp_map: RtpMap) -> dict[str, str]:
    """Of its ``fmtp`` line; names in lower case."""
    pairs = (part.partition("=") for part in rtp_map.parameters.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
