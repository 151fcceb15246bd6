"""What a session and the leg that carries its audio say to each other.

A WebSocket call has no leg: its audio comes and goes over the application's socket.
A leg is asked by effects and answers with events, later, in its own order; after
`DropLeg` it says nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.protocol.session.options import SipOption
from chalicelib.protocol.session.vocabulary import Codec

# What the session asks of its leg


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """Answer a browser's offer: `MediaAgreed` and `Answered` follow, or `Declined`."""

    sdp: str = field(repr=False)
    allows_ipv6: bool = False


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Another address of the browser's; it may come before the offer."""

    candidate: str
    """As in SDP, with or without ``candidate:``; empty when there are no more."""
    sdp_mid: str | None = None
    sdp_m_line_index: int | None = None


@dataclass(frozen=True, slots=True)
class PlaceCall:
    """Call somebody by SIP: `Rang` as often as it is told, `MediaAgreed` by the first
    SDP that comes, then `Answered`, or `Declined`."""

    callee: str
    caller: str | None = None
    sip: SipOption | None = None
    timeout_seconds: float | None = None
    """How long it may ring; None for the worker's setting."""


@dataclass(frozen=True, slots=True)
class RingBack:
    """Tell an incoming call's caller that it rings: 180, or 183 with SDP."""

    has_early_media: bool
    """`MediaAgreed` follows."""


@dataclass(frozen=True, slots=True)
class TakeCall:
    """Answer an incoming call: `MediaAgreed`, unless it was there, and `Answered`."""

    extract: tuple[str, ...] = ()
    """Names of headers of the INVITE that `Answered` is to have."""


@dataclass(frozen=True, slots=True)
class DeclineCall:
    """Reject an incoming call; the leg is over."""

    code: int
    """A final SIP status from 300 on."""
    reason: str


@dataclass(frozen=True, slots=True)
class PressKeys:
    """Send digits to the far end, by what was agreed upon with it."""

    digits: str
    """Of ``0-9*#A-D``."""
    duration_ms: int
    gap_ms: int


@dataclass(frozen=True, slots=True)
class DropLeg:
    """End it, however far it has come: CANCEL, a final status, BYE, or DTLS's close.

    Every session asks it of its leg once, last of all; so it may come to a leg that
    nothing was asked of before, or that has said that it is over.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with a BYE."""


LegEffect = (
    AnswerOffer
    | AddCandidate
    | PlaceCall
    | RingBack
    | TakeCall
    | DeclineCall
    | PressKeys
    | DropLeg
)

# What the leg tells


@dataclass(frozen=True, slots=True)
class CallCame:
    """Told first, when the session opens for an incoming call."""

    caller: str
    callee: str
    sdp: str = field(repr=False)
    """Empty when the caller leaves the offer to us."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that SIP itself does not know."""


@dataclass(frozen=True, slots=True)
class Rang:
    """The far end rings."""

    has_early_media: bool


@dataclass(frozen=True, slots=True)
class MediaAgreed:
    """From now on audio can go both ways, before or after the answer. Told once."""

    codec: Codec
    has_keys: bool
    """Whether the far end sends its digits apart from its audio."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The call is up, and its media agreed."""

    sdp: str = field(repr=False)
    """The answer: ours to an offer that came, theirs to one of ours."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of the far end's INVITE, or of its 200: those that were asked for."""


@dataclass(frozen=True, slots=True)
class MediaArrived:
    """The first audio of the far end has come."""


@dataclass(frozen=True, slots=True)
class CandidateGathered:
    """Another address of ours; an empty one when there are no more."""

    candidate: str
    sdp_mid: str
    sdp_m_line_index: int


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """By the far end: telephone-event, INFO, or a tone in its audio."""

    digit: str


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """The far end puts the call on hold, or takes it back."""

    is_on_hold: bool


@dataclass(frozen=True, slots=True)
class LegTrouble:
    """Something went wrong, and the call goes on."""

    sentence: str
    code: int


@dataclass(frozen=True, slots=True)
class Declined:
    """There is no call: the far end's final status, or why there cannot be one.

    The leg is over, as it is after the two that follow.
    """

    code: int
    """A SIP status from 300 on."""
    reason: str


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The far end hung up, or took its call back."""

    reason: str
    """Of `HangupReason`."""
    initiator: str
    """``caller`` or ``callee``."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Of its BYE, those that SIP itself does not know."""


@dataclass(frozen=True, slots=True)
class LegLost:
    """Nothing comes from the far end any more."""

    sentence: str


LegEvent = (
    CallCame
    | Rang
    | MediaAgreed
    | Answered
    | MediaArrived
    | CandidateGathered
    | KeyPressed
    | HoldChanged
    | LegTrouble
    | Declined
    | LegEnded
    | LegLost
)
