"""What each side brings to a negotiation, and what comes of it."""

from dataclasses import dataclass, field

from chalicelib.protocol.session.vocabulary import Codec
from mediaworker.rtp.negotiation_terms import Terms
from mediaworker.rtp.sdp import Media
from mediaworker.rtp.sdp_attributes import (
    Candidate,
    Direction,
    Fingerprint,
    IceCredentials,
    Setup,
)


@dataclass(frozen=True, slots=True)
class BrowserSide:
    """What we bring for ICE and DTLS."""

    ice: IceCredentials
    fingerprints: tuple[Fingerprint, ...]
    candidates: tuple[Candidate, ...] = ()
    """Those known so far; more may be told apart (``trickle``)."""
    has_all_candidates: bool = False
    stream_id: str = "parley"
    track_id: str = "audio"


@dataclass(frozen=True, slots=True)
class OurMedia:
    """What we can do, and where."""

    codecs: tuple[Codec, ...]
    """As an offer of ours lists them; an answer goes by the offer's order."""
    session_id: int
    """Of the ``o=`` line: the same for all descriptions of a call."""
    version: int = 1
    """Of the ``o=`` line: one more for each description after the first."""
    address: str = "0.0.0.0"
    port: int = 9
    """The two stand for nothing where there is ICE."""
    direction: Direction = Direction.SENDRECV
    """Other than this to hold the call ourselves."""
    ssrc: int | None = None
    cname: str = ""
    browser: BrowserSide | None = field(default=None, repr=False)
    """None for plain RTP."""


@dataclass(frozen=True, slots=True)
class RemoteMedia:
    """Where their audio is to be had, and how."""

    address: str
    """An IPv4 or IPv6 address, or a name; ``0.0.0.0`` or ``::`` while on hold."""
    port: int
    rtcp_address: str
    rtcp_port: int
    """The RTP port itself where the two share one."""
    is_rtcp_mux: bool
    index: int
    """Of the ``m=`` line, from 0."""
    mid: str | None = None
    ssrcs: tuple[int, ...] = ()
    ice: IceCredentials | None = field(default=None, repr=False)
    is_ice_lite: bool = False
    candidates: tuple[Candidate, ...] = ()
    has_all_candidates: bool = False
    fingerprints: tuple[Fingerprint, ...] = ()
    setup: Setup | None = None
    """As they wrote it; `Agreement.setup` is ours."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides will do."""

    terms: Terms
    remote: RemoteMedia
    direction: Direction
    """Of the audio, seen from us."""
    is_on_hold: bool
    """They want no audio of ours."""
    lines: tuple[Media, ...] = field(repr=False, default=())
    """Of our description: the audio, and what was refused."""
    text: str = field(repr=False, default="")
    """Our answer; empty when it was theirs."""
    setup: Setup | None = None
    """Whether we begin DTLS (`Setup.ACTIVE`) or wait for it; None for plain RTP."""
