"""What a session tells of its call: who rings, answers, holds and hangs up."""

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from chalicelib.protocol.session.fields import (
    Count,
    Extra,
    Headers,
    IsoTime,
    Name,
    Party,
    Prose,
    Sdp,
    Share,
    Timestamp,
)
from chalicelib.protocol.session.records import Keys, Record


@dataclass(frozen=True, slots=True)
class OfTrack(Record):
    """What every event of a track carries."""

    track_id: Name
    timestamp: Timestamp
    """When it was told."""


@dataclass(frozen=True, slots=True)
class Attendee(Record):
    """One party of a call, as SIP names it."""

    username: Party
    realm: Party
    source: Party


@dataclass(frozen=True, slots=True)
class Incoming(OfTrack):
    """Fired when a SIP call arrives."""

    event: ClassVar[str] = "incoming"
    caller: Party
    callee: Party
    sdp: Sdp = field(repr=False)
    headers: Headers | None = None
    """Those that SIP itself does not know."""


@dataclass(frozen=True, slots=True)
class Answered(OfTrack):
    """Fired when the call is answered and the media agreed upon."""

    event: ClassVar[str] = "answer"
    sdp: Sdp = field(repr=False)
    """Empty on a WebSocket call."""
    refer: bool | None = None
    """Here and in the other events: of the transferred leg."""


@dataclass(frozen=True, slots=True)
class MediaReady(OfTrack):
    """Fired when the first audio of a WebRTC or SIP call arrives."""

    event: ClassVar[str] = "mediaReady"


@dataclass(frozen=True, slots=True)
class Rejected(OfTrack):
    """Fired when the call is declined, or cannot be had."""

    event: ClassVar[str] = "reject"
    reason: Prose
    code: Count | None = None
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class Ringing(OfTrack):
    """Fired when the far end rings."""

    event: ClassVar[str] = "ringing"
    early_media: bool
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class HungUp(OfTrack):
    """Fired once, last, when the session has ended."""

    event: ClassVar[str] = "hangup"
    started_at_ms: Annotated[IsoTime, Keys("startTime")]
    ended_at_ms: Annotated[IsoTime, Keys("hangupTime")]
    reason: Prose | None = None
    initiator: Prose | None = None
    answered_at_ms: Annotated[IsoTime | None, Keys("answerTime")] = None
    ringing_at_ms: Annotated[IsoTime | None, Keys("ringingTime")] = None
    from_: Attendee | None = None
    to: Attendee | None = None
    extra: Extra | None = None
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class Hold(OfTrack):
    """Fired when the far end puts the call on hold, or takes it back."""

    event: ClassVar[str] = "hold"
    on_hold: bool
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class TransferRequested(OfTrack):
    """Fired when the far end asks for a transfer."""

    event: ClassVar[str] = "transferRequest"
    refer_to: Party
    referred_by: Party | None = None
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class MessageReceived(OfTrack):
    """Fired when the application at the other end of a bridge says something."""

    event: ClassVar[str] = "message"
    body: Prose
    content_type: Name | None = None
    refer: bool | None = None


@dataclass(frozen=True, slots=True)
class CandidateFound(OfTrack):
    """Fired when the worker has another address for the browser."""

    event: ClassVar[str] = "iceCandidate"
    candidate: Prose
    """Empty when there are no more."""
    sdp_mid: Name | None = None
    sdp_m_line_index: Count | None = None


@dataclass(frozen=True, slots=True)
class AnswerMachineDetected(OfTrack):
    """Fired when a machine has answered."""

    event: ClassVar[str] = "answerMachineDetection"
    start_time: Timestamp
    end_time: Timestamp
    text: Prose


@dataclass(frozen=True, slots=True)
class RingbackChanged(OfTrack):
    """Fired when the far end's tone or voice before the answer is told apart."""

    event: ClassVar[str] = "ringbackState"
    state: Name
    state_index: Count
    confidence: Share
    is_final: bool
    prev_state: Name | None = None
    prev_confidence: Share | None = None
    refer: bool | None = None
