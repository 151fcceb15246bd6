"""What a session tells its application."""

from dataclasses import dataclass
from typing import ClassVar

from chalicelib.protocol.session.audio_events import (
    AsrDelta,
    AsrFinal,
    AudioSent,
    Dtmf,
    EndOfUtterance,
    Inactivity,
    Interrupted,
    Silence,
    Speaking,
    TrackEnded,
    TrackStarted,
    Transcript,
)
from chalicelib.protocol.session.call_events import (
    Answered,
    AnswerMachineDetected,
    Attendee,
    CandidateFound,
    Hold,
    HungUp,
    Incoming,
    MediaReady,
    MessageReceived,
    OfTrack,
    Rejected,
    RingbackChanged,
    Ringing,
    TransferRequested,
)
from chalicelib.protocol.session.fields import (
    Anything,
    Count,
    Extra,
    Millis,
    Name,
    Prose,
    Timestamp,
)
from chalicelib.protocol.session.records import Record


@dataclass(frozen=True, slots=True)
class FunctionCalled(OfTrack):
    """Fired when a realtime model wants a function to be run."""

    event: ClassVar[str] = "functionCall"
    call_id: Name
    name: Name
    arguments: Prose
    """As the model wrote them: JSON, if it kept to it."""


@dataclass(frozen=True, slots=True)
class InterruptAdvised(Record):
    """Fired when a realtime model heard that it was interrupted."""

    event: ClassVar[str] = "interrupt"
    receiver: Name | None = None


@dataclass(frozen=True, slots=True)
class Metrics(Record):
    """Fired when something was measured."""

    event: ClassVar[str] = "metrics"
    timestamp: Timestamp
    key: Name
    duration: Millis
    data: Extra


@dataclass(frozen=True, slots=True)
class Failed(OfTrack):
    """Fired when something went wrong; the session goes on."""

    event: ClassVar[str] = "error"
    sender: Prose
    """The part that failed: command, asr, tts, media …"""
    error: Prose
    code: Count | None = None


@dataclass(frozen=True, slots=True)
class HistoryAdded(Record):
    """Fired when a line was added to the conversation."""

    event: ClassVar[str] = "addHistory"
    timestamp: Timestamp
    speaker: Name
    text: Prose
    sender: Name | None = None


@dataclass(frozen=True, slots=True)
class CustomTold(Record):
    """Fired when an application told something of its own."""

    event: ClassVar[str] = "custom"
    timestamp: Timestamp
    data: Anything
    sender: Name | None = None


@dataclass(frozen=True, slots=True)
class Other(OfTrack):
    """Fired by extensions."""

    event: ClassVar[str] = "other"
    sender: Name
    extra: Extra | None = None


@dataclass(frozen=True, slots=True)
class Ping(Record):
    """Fired at the interval that the application asked for."""

    event: ClassVar[str] = "ping"
    timestamp: Timestamp
    payload: Prose | None = None


Event = (
    Incoming
    | Answered
    | MediaReady
    | Rejected
    | Ringing
    | HungUp
    | Speaking
    | Silence
    | EndOfUtterance
    | Inactivity
    | AsrFinal
    | AsrDelta
    | TrackStarted
    | TrackEnded
    | Interrupted
    | Dtmf
    | Hold
    | TransferRequested
    | MessageReceived
    | CandidateFound
    | AnswerMachineDetected
    | RingbackChanged
    | FunctionCalled
    | InterruptAdvised
    | Metrics
    | Failed
    | HistoryAdded
    | CustomTold
    | Other
    | AudioSent
    | Ping
)

__all__ = [
    "AnswerMachineDetected",
    "Answered",
    "AsrDelta",
    "AsrFinal",
    "Attendee",
    "AudioSent",
    "CandidateFound",
    "CustomTold",
    "Dtmf",
    "EndOfUtterance",
    "Event",
    "Failed",
    "FunctionCalled",
    "HistoryAdded",
    "Hold",
    "HungUp",
    "Inactivity",
    "Incoming",
    "InterruptAdvised",
    "Interrupted",
    "MediaReady",
    "MessageReceived",
    "Metrics",
    "OfTrack",
    "Other",
    "Ping",
    "Rejected",
    "RingbackChanged",
    "Ringing",
    "Silence",
    "Speaking",
    "TrackEnded",
    "TrackStarted",
    "Transcript",
    "TransferRequested",
]
