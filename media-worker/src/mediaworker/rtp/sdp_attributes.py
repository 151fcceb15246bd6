"""What the attributes of a session description say; what is malformed says nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from mediaworker.rtp.sdp import (
    MOST_LINE_BYTES,
    MOST_PORT,
    Attribute,
    Media,
    SessionDescription,
    number,
)

MOST_SSRC = 0xFFFFFFFF
MOST_PRIORITY = 0xFFFFFFFF
MOST_PTIME_MS = 10_000
MOST_CANDIDATES = 64
UFRAG = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
PASSWORD = re.compile(r"[A-Za-z0-9+/=_-]{22,256}")
"""RFC 8839 section 5.4; some write a padding, or the other base 64."""
HEX_PAIRS = re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){0,127}")


class Direction(StrEnum):
    """Which way media flows, seen from who writes it (RFC 8866 section 6.7)."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"

    @classmethod
    def of(cls, has_send: bool, has_receive: bool) -> "Direction":
        if has_send:
            return cls.SENDRECV if has_receive else cls.SENDONLY
        return cls.RECVONLY if has_receive else cls.INACTIVE

    @property
    def has_send(self) -> bool:
        return self in (Direction.SENDRECV, Direction.SENDONLY)

    @property
    def has_receive(self) -> bool:
        return self in (Direction.SENDRECV, Direction.RECVONLY)


class Setup(StrEnum):
    """Who begins DTLS (RFC 4145, RFC 8842)."""

    ACTIVE = "active"
    PASSIVE = "passive"
    ACTPASS = "actpass"
    HOLDCONN = "holdconn"


_DIRECTIONS = frozenset(Direction)
_SETUPS = frozenset(Setup)


@dataclass(frozen=True, slots=True)
class IceCredentials:
    """Of one side (RFC 8839 section 5.4)."""

    ufrag: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of a certificate (RFC 8122)."""

    algorithm: str
    """In lower case, as ``sha-256``."""
    value: str
    """Pairs of upper-case hexadecimal digits, with colons between."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address where one may be reached (RFC 8839 section 5.1)."""

    foundation: str
    component: int
    transport: str
    """In lower case: ``udp`` or ``tcp``."""
    priority: int
    address: str
    """Of IPv4 or IPv6, or a name, such as one that ends with ``.local``."""
    port: int
    type: str
    """``host``, ``srflx``, ``prflx`` or ``relay``."""
    related_address: str | None = None
    related_port: int | None = None
    tcp_type: str | None = None


def values(attributes: Iterable[Attribute], name: str) -> list[str]:
    """Those of each attribute of the name that has one."""
    return [a.value for a in attributes if a.name == name and a.value is not None]


def has(attributes: Iterable[Attribute], name: str) -> bool:
    return any(attribute.name == name for attribute in attributes)


def nearest(media: Media, session: SessionDescription, name: str) -> list[str]:
    """The medium's own values, else those of the session."""
    return values(media.attributes, name) or values(session.attributes, name)


def direction_of(media: Media, session: SessionDescription) -> Direction:
    """The medium's own, else the session's, else both ways."""
    for attribute in media.attributes + session.attributes:
        if attribute.value is None and attribute.name in _DIRECTIONS:
            return Direction(attribute.name)
    return Direction.SENDRECV


def mid_of(media: Media) -> str | None:
    """RFC 5888; None when it has none that is a token."""
    mid = next(iter(values(media.attributes, "mid")), "").strip()
    return mid if mid and len(mid.split()) == 1 else None


def bundles_of(session: SessionDescription) -> list[list[str]]:
    """The ``mid`` of each medium in each BUNDLE group (RFC 9143)."""
    groups = (group.split() for group in values(session.attributes, "group"))
    return [group[1:] for group in groups if group and group[0] == "BUNDLE"]


def milliseconds_of(media: Media, name: str) -> int | None:
    """``ptime`` or ``maxptime``."""
    text = next(iter(values(media.attributes, name)), "").strip()
    return number(text.partition(".")[0], MOST_PTIME_MS) or None


def rtcp_of(media: Media) -> tuple[int, str | None] | None:
    """Port, and address if it is another one (RFC 3605)."""
    fields = next(iter(values(media.attributes, "rtcp")), "").split()
    port = number(fields[0], MOST_PORT) if fields else None
    if not port:
        return None
    return port, fields[3] if len(fields) == 4 else None


def ssrcs_of(media: Media) -> tuple[int, ...]:
    """RFC 5576, each once."""
    texts = (value.partition(" ")[0] for value in values(media.attributes, "ssrc"))
    numbers = (number(text, MOST_SSRC) for text in texts)
    return tuple(dict.fromkeys(n for n in numbers if n is not None))


def ice_of(media: Media, session: SessionDescription) -> IceCredentials | None:
    ufrag = next(iter(nearest(media, session, "ice-ufrag")), "").strip()
    password = next(iter(nearest(media, session, "ice-pwd")), "").strip()
    is_whole = UFRAG.fullmatch(ufrag) and PASSWORD.fullmatch(password)
    return IceCredentials(ufrag, password) if is_whole else None


def fingerprints_of(
    media: Media, session: SessionDescription
) -> tuple[Fingerprint, ...]:
    """Those of the medium, else of the session."""
    found = (_fingerprint(text) for text in nearest(media, session, "fingerprint"))
    return tuple(fingerprint for fingerprint in found if fingerprint is not None)


def _fingerprint(text: str) -> Fingerprint | None:
    match text.split():
        case [algorithm, value] if HEX_PAIRS.fullmatch(value):
            return Fingerprint(algorithm.lower(), value.upper())
    return None


def setup_of(media: Media, session: SessionDescription) -> Setup | None:
    text = next(iter(nearest(media, session, "setup")), "").strip()
    return Setup(text) if text in _SETUPS else None


def candidates_of(media: Media, session: SessionDescription) -> tuple[Candidate, ...]:
    """Those of the medium, else of the session; not more than `MOST_CANDIDATES`."""
    texts = nearest(media, session, "candidate")[:MOST_CANDIDATES]
    found = (parse_candidate(text) for text in texts)
    return tuple(candidate for candidate in found if candidate is not None)


def parse_candidate(text: str) -> Candidate | None:
    """Of an attribute's value, with or without ``candidate:`` (or ``a=candidate:``)
    before it; None when it is malformed."""
    text = text.strip().removeprefix("a=").removeprefix("candidate:")
    fields = text.split()
    if len(text) > MOST_LINE_BYTES or len(fields) < 8 or fields[6].lower() != "typ":
        return None
    component, priority = number(fields[1], 256), number(fields[3], MOST_PRIORITY)
    port = number(fields[5], MOST_PORT)
    if component is None or priority is None or port is None:
        return None
    more = dict(zip(fields[8::2], fields[9::2], strict=False))
    return Candidate(
        fields[0],
        component,
        fields[2].lower(),
        priority,
        fields[4],
        port,
        fields[7].lower(),
        more.get("raddr"),
        number(more.get("rport", ""), MOST_PORT),
        more.get("tcptype"),
    )


def render_candidate(candidate: Candidate) -> str:
    """An attribute's value: what follows ``candidate:``."""
    text = (
        f"{candidate.foundation} {candidate.component} {candidate.transport}"
        f" {candidate.priority} {candidate.address} {candidate.port}"
        f" typ {candidate.type}"
    )
    for name, value in (
        ("raddr", candidate.related_address),
        ("rport", candidate.related_port),
        ("tcptype", candidate.tcp_type),
    ):
        if value is not None:
            text += f" {name} {value}"
    return text
